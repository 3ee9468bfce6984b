"""Which minima and transition states take part in the analysis, and which minima are drawn."""

from dataclasses import dataclass, replace

import numpy as np

from common.errors import InputError


@dataclass(frozen=True, eq=False)
class Selection:
    """What is left of a network.

    Attributes
    ----------
    ts : ndarray of bool, shape (n_ts,)
        Transition states that take part.
    ts_energies : ndarray of float, shape (n_ts,)
        Their energies, changed by NOBARRIERS.
    minima : ndarray of bool, shape (n_minima,)
        Minima that take part in the analysis: enough connections, and connected to the chosen minimum.
    drawn : ndarray of bool, shape (n_minima,)
        Those of them that get a branch.
    connections : ndarray of intp, shape (n_minima,)
        Connections to minima that have enough themselves; 0 for minima that are not connected to the chosen one.
    few : int
        Number of minima that have too few connections.
    sweeps : int
        Sweeps in which the classic program finds the distances from the chosen minimum.
    disconnected : ndarray of intp
        Minima (from 0) that are not connected to the chosen one.
    """

    ts: np.ndarray
    ts_energies: np.ndarray
    minima: np.ndarray
    drawn: np.ndarray
    connections: np.ndarray
    few: int
    sweeps: int
    disconnected: np.ndarray

    def with_drawn(self, drawn):
        """The same with other minima drawn."""
        return replace(self, drawn=drawn)


def usable_states(network, max_ts_energy=np.inf, max_ts_barrier=np.inf):
    """Transition states not above an energy, with a barrier not above another: ndarray of bool, shape (n_ts,)."""
    states, energies = network.ts_energies, network.energies
    usable = states <= max_ts_energy
    if np.isfinite(max_ts_barrier):
        usable &= (states - energies[network.plus] <= max_ts_barrier) | (states - energies[network.minus] <= max_ts_barrier)
    return usable


def connected_part(
    network, *, max_ts_energy=np.inf, max_ts_barrier=np.inf, least_connections=0, connect_to=None, no_barriers=False
):
    """Choose the part of a network that can be drawn as one graph.

    Parameters
    ----------
    network : disconnect.network.Network
    max_ts_energy : float
        Ignore transition states above this energy (MAXTSENERGY).
    max_ts_barrier : float
        Ignore transition states both of whose barriers are higher (MAXTSBARRIER).
    least_connections : int
        Leave out minima with that many connections or fewer, again and again until none is left (NCONNMIN). A negative number
        keeps all, also those that are not connected to the chosen minimum.
    connect_to : int or None
        Keep what is connected to this minimum, counted from 1 (CONNECTMIN); None for the lowest one.
    no_barriers : bool
        Put every transition state at the energy of its higher minimum (NOBARRIERS).

    Returns
    -------
    Selection
        Everything that takes part is drawn.

    Raises
    ------
    InputError
        `connect_to` is no minimum of this network.
    """
    from disconnect import _superbasins

    n = network.n_minima
    if connect_to is not None and not 1 <= connect_to <= n:
        raise InputError(f"CONNECTMIN {connect_to}: {network.minima_name} has minima 1 to {n}")
    source = network.global_minimum if connect_to is None else connect_to - 1
    energies, states = network.energies, network.ts_energies
    usable = usable_states(network, max_ts_energy, max_ts_barrier)
    connections = _superbasins.connection_counts(n, network.plus, network.minus, usable.view(np.uint8), least_connections)
    enough = connections > least_connections
    few = int(n - enough.sum())
    usable &= enough[network.plus] & enough[network.minus]
    steps, sweeps = _superbasins.steps_from(n, network.plus, network.minus, usable.view(np.uint8), source)
    disconnected = np.flatnonzero(steps < 0)
    connections[disconnected] = 0
    # A negative NCONNMIN keeps all pieces of the network; a network of one minimum is a graph of one branch.
    minima = np.ones(n, dtype=bool) if least_connections < 0 or n == 1 else connections > least_connections
    usable &= minima[network.plus] & minima[network.minus]
    if no_barriers:
        states = np.maximum(energies[network.plus], energies[network.minus])
    return Selection(
        ts=usable, ts_energies=states, minima=minima, drawn=minima.copy(), connections=connections, few=few, sweeps=sweeps,
        disconnected=disconnected,
    )  # fmt: skip


def choose_connect_minimum(network, **limits):
    """The lowest minimum of the largest connected part, for when the lowest of all is in none.

    Parameters
    ----------
    network : disconnect.network.Network
    **limits
        As for `connected_part`.

    Returns
    -------
    int
        Counted from 1.

    Raises
    ------
    InputError
        No minimum has enough connections.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    # Every part, before one of them is chosen: the peeling does not depend on the chosen minimum.
    from disconnect import _superbasins

    usable = usable_states(network, limits.get("max_ts_energy", np.inf), limits.get("max_ts_barrier", np.inf))
    least = limits.get("least_connections", 0)
    connections = _superbasins.connection_counts(network.n_minima, network.plus, network.minus, usable.view(np.uint8), least)
    enough = connections > least
    if not enough.any():
        raise InputError(
            f"{network.minima_name}: none of the {network.n_minima} minima has more than {least} connections through "
            "transition states that may be used; lower NCONNMIN or raise MAXTSENERGY"
        )
    usable &= enough[network.plus] & enough[network.minus]
    n = network.n_minima
    matrix = coo_array((np.ones(usable.sum(), dtype=np.int8), (network.plus[usable], network.minus[usable])), shape=(n, n))
    _, part = connected_components(matrix.tocsr(), directed=False)
    largest = np.argmax(np.bincount(part[enough], minlength=part.max() + 1))
    members = np.flatnonzero(part == largest)
    return int(members[np.argmin(network.energies[members])]) + 1


def choose_drawn(network, selection, *, lowest=None, monotonic=False, exclude_all=False, pick=(), outside=None, keep=()):
    """Choose the minima that get a branch. All of them still count in the analysis of basins.

    The steps are taken in the classic order, each one on top of the last.

    Parameters
    ----------
    network : disconnect.network.Network
    selection : Selection
    lowest : int or None
        Draw only the branches to that many lowest minima of the whole network (LOWEST).
    monotonic : bool
        Leave out every minimum that has a lower neighbour (MONOTONIC).
    exclude_all : bool
        Leave out everything; to be used with `pick` (EXCLUDEALL).
    pick : sequence of int
        Numbers of minima counted from 1: bring in, or leave out when negative (PICK); the last word counts.
    outside : ndarray of bool or None, shape (n_minima,)
        Minima outside the range of an order parameter that is an axis (METRIC, SETAXIS).
    keep : sequence of int
        Minima counted from 1 that are drawn in any case (IDMIN).

    Returns
    -------
    ndarray of bool, shape (n_minima,)
    """
    from disconnect import _superbasins

    n = network.n_minima
    drawn = np.ones(n, dtype=bool)
    if lowest is not None and 0 < lowest < n:
        drawn[:] = False
        drawn[_superbasins.classic_argsort(network.energies)[:lowest]] = True
    if monotonic:
        first_is_lower = network.energies[network.plus] < network.energies[network.minus]
        drawn[np.where(first_is_lower, network.minus, network.plus)] = False
    if exclude_all:
        drawn[:] = False
    for number in pick:
        drawn[abs(number) - 1] = number > 0
    if outside is not None:
        drawn[outside] = False
    for number in keep:
        drawn[number - 1] = True
    return drawn & selection.minima

"""Moves over the nodes of a network (NETWORKMOVES): what the input asks for, checked, and made for a walker."""

from dataclasses import dataclass

from common.formats.fortran import i

#: Kinds of moves, in the order of ``_network_moves.KINDS``.
KINDS = ("plain", "redraw", "flip", "permute", "swap", "scale", "split", "merge")


@dataclass(slots=True, frozen=True)
class NetworkSettings:
    """Arguments of NETWORKMOVES.

    Attributes
    ----------
    kinds : tuple of str
        Kinds of moves to choose from; none: all of ``KINDS``.
    """

    kinds: tuple = ()

    def moves(self, walker, potential, bit_generator):
        """The moves for a walker of these settings (`WalkerSettings`) on a network."""
        from gmin._network_moves import NetworkMoves

        return NetworkMoves(
            potential.layers,
            potential.n_variables,
            getattr(potential, "has_biases", False),
            getattr(potential, "frozen", None),
            self.kinds,
            walker.ediff,
            bit_generator,
        )


def network_settings(settings, potential):
    """Settings of NETWORKMOVES, or None where it is not given; what is wrong becomes a problem of the input.

    Parameters
    ----------
    settings : common.keywords.Settings
    potential : Potential

    Returns
    -------
    NetworkSettings or None
    """
    if not settings.given("NETWORKMOVES"):
        return None
    if getattr(potential, "layers", None) is None:
        settings.error("NETWORKMOVES", "the potential is no network: it has no layers of nodes; remove the line")
        return None
    return NetworkSettings(tuple(kind.lower() for kind in settings["NETWORKMOVES"].kinds or ()))


def network_lines(walker):
    """Lines of ``output``: what the moves of each kind have brought."""
    if walker.network is None:
        return []
    return [
        f"network> {name:8s}{i(steps, 10)} steps,{i(accepted, 10)} accepted,{i(improved, 8)} to new lower minima,"
        f"{i(calls, 12)} calls"
        for name, steps, accepted, improved, calls in walker.network.statistics
    ]

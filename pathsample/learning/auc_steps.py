"""Prediction quality against the number of steps before convergence (Ballard et al. 2017, section III, fig 4).

The items are quenches of three atoms. For every s a network is trained, by basin-hopping, on the geometries s steps before
convergence, and its AUC measured on the geometries of the test items at the same s: of the lowest minimum, and of the best of
all minima found for any s, any of the regularisations, or in the database.
"""

from dataclasses import dataclass

import numpy as np

from common import stop
from common.atomic import atomic_write
from common.errors import InputError

TABLE = "auc_steps"
#: Minima of one s whose losses are closer than this are one.
SAME_LOSS = 1e-6
#: Steps from convergence whose AUC are figures of the run, where they are among those measured or nearest to them.
NAMED = (1, 10, 20, 40, 60, 80)


@dataclass(frozen=True)
class AUCSteps:
    """AUC of the test items, one row for each number of steps s from convergence.

    Attributes
    ----------
    steps : ndarray of int of shape (n,)
    losses : ndarray of shape (n,)
        Lowest loss found.
    train, test : ndarray of shape (n,)
        AUC at the minimum of that loss.
    mean, sigma : ndarray of shape (n,)
        Of the testing AUC over the minima found for this s.
    best : ndarray of shape (n,)
        Highest testing AUC over all minima.
    best_from : ndarray of int of shape (n,)
        The s for which the minimum of the highest AUC was trained; -1 for one of the database.
    n_minima : int
        All minima together.
    """

    steps: np.ndarray
    losses: np.ndarray
    train: np.ndarray
    test: np.ndarray
    mean: np.ndarray
    sigma: np.ndarray
    best: np.ndarray
    best_from: np.ndarray
    n_minima: int


def auc_steps(network, steps, quenches, seed, outcome=0, lambdas=(), known=()):
    """Train and measure.

    Parameters
    ----------
    network : potentials.network_file.NetworkFile
        Its data are outcomes of geometry optimisation.
    steps : sequence of int
        Growing numbers of steps from convergence.
    quenches : int
        Basin-hopping steps of every training.
    seed : int
    outcome : int
        The positive class.
    lambdas : sequence of float
        Further regularisations whose minima may be the best.
    known : sequence of ndarray of shape (n_variables,)
        Further minima that may be the best.

    Returns
    -------
    AUCSteps

    Raises
    ------
    InputError
        If the data are no quenches, or hold nothing of the class, or nothing else.
    """
    from pathsample.learning.auc import area_under_curve
    from pathsample.learning.training import basin_hopping

    positive, tested = network.data.classes == outcome, network.data.test_classes == outcome
    for what, items in (("training", positive), ("test", tested)):
        if items.all() or not items.any():
            raise InputError(f"the {what} data need items of class {outcome} and others for an AUC")
    wanted = set(steps)
    inputs = {s: pair for s, pair in enumerate(network.quench_inputs(max(steps))) if s in wanted}
    pool, origin = list(known), [-1] * len(known)
    rows = []
    for s in steps:
        for place, lam in enumerate((network.lam, *lambdas)):
            stop.raise_if_requested()
            potential = network.on(inputs[s][0], lam)
            found = basin_hopping(potential, quenches, np.random.SeedSequence([seed, s, place]), keep=True)
            minima = [found.coordinates, *different(found)]
            pool += minima
            origin += [s] * len(minima)
            if place == 0:
                p = potential.probabilities(found.coordinates, inputs[s][0])[:, outcome]
                rows.append((found.energy, area_under_curve(p, positive), len(minima)))
    # the networks are the same function of their inputs, whatever they were trained on
    judge, origin = network.on(inputs[steps[0]][0]), np.array(origin)
    columns = []
    for s, (_, _, n_own) in zip(steps, rows):
        stop.raise_if_requested()
        values = np.array([area_under_curve(judge.probabilities(x, inputs[s][1])[:, outcome], tested) for x in pool])
        own = values[np.flatnonzero(origin == s)[:n_own]]
        columns.append((own[0], own.mean(), own.std(), values.max(), origin[values.argmax()]))
    losses, train, _ = (np.array(column) for column in zip(*rows))
    test, mean, sigma, best, best_from = (np.array(column) for column in zip(*columns))
    return AUCSteps(np.array(steps), losses, train, test, mean, sigma, best, best_from, len(pool))


def different(search):
    """The minima of a search but the lowest, one for each loss."""
    order = np.argsort(search.energies, kind="stable")
    last, chosen = search.energy, []
    for k in order:
        if np.isfinite(search.energies[k]) and search.energies[k] > last + SAME_LOSS:
            chosen.append(search.minima[k])
            last = search.energies[k]
    return chosen


def read_quenches(setup):
    """The network of AUCSTEPS, before anything is written.

    Raises
    ------
    InputError
    """
    from potentials.selection import read_described_network

    where = setup.settings.where("AUCSTEPS")
    network = read_described_network(setup.connect or setup.settings, setup.directory)
    if network is None or network.quench_options is None:
        raise InputError(
            f"{where}: AUCSTEPS needs the keyword MLP and a network file with generator: ljat3 and no teacher, whose items are "
            "quenches"
        )
    if not len(network.data.test_classes):
        raise InputError(f"{where}: AUCSTEPS: the network file gives no test_items; add some")
    outcome = setup.settings["AUCSTEPS"].outcome
    if outcome >= network.layers[-1]:
        raise InputError(f"{where}: AUCSTEPS: class {outcome} of a network with {network.layers[-1]} classes")
    return network


def measure_steps(setup, database, network, report):
    """AUCSTEPS: train, measure, write the table and the picture.

    Returns
    -------
    list of str
        Files written.
    """
    from pathsample.learning.pictures import new_figure, save

    values = setup.settings["AUCSTEPS"]
    steps = sorted({*range(1, values.last + 1, values.interval), values.last})
    found = auc_steps(
        network, steps, values.quenches, setup.seed, values.outcome, values.lambdas or (), list(database.coordinates())
    )
    columns = (found.steps, found.losses, found.train, found.test, found.mean, found.sigma, found.best, found.best_from)
    with atomic_write(setup.directory / TABLE) as file:
        file.write("# s, lowest loss, training AUC, testing AUC, mean and sigma over minima, best of all minima, its s\n")
        for row in zip(*columns):
            file.write("{:4d}{:14.8f}{:10.6f}{:10.6f}{:10.6f}{:10.6f}{:10.6f}{:5d}\n".format(*row))
    gain = found.best - found.test
    named = {f"auc_s{s}": found.test[np.abs(found.steps - s).argmin()] for s in NAMED if s <= values.last}
    named |= {"best_gain": gain.max(), "mean_gain": gain.mean(), "auc_last": found.test[-1]}
    database.set_meta("auc_steps", " ".join(f"{name}={value:.6f}" for name, value in named.items()))
    report.line(
        f"aucsteps> {len(steps)} networks, s = {steps[0]} to {steps[-1]}, {found.n_minima} minima; "
        f"testing AUC {found.test[0]:.4f} to {found.test[-1]:.4f}; "
        f"the best of all minima is above it by {gain.mean():.4f}, at most {gain.max():.4f}"
    )
    figure = new_figure(4.8, 3.6)
    axes = figure.add_subplot()
    axes.plot(found.steps, found.best, color="C3", linewidth=1.2, label="best of all minima, any s")
    axes.fill_between(found.steps, found.mean - found.sigma, found.mean + found.sigma, color="0.6", alpha=0.3, linewidth=0)
    label = "mean and deviation of the minima for s"
    axes.plot(found.steps, found.mean, color="0.4", linestyle="--", linewidth=0.8, label=label)
    axes.plot(found.steps, found.test, color="C0", linewidth=1.2, label="lowest minimum for s")
    axes.set(xlabel="steps s from convergence", ylabel=f"AUC of class {values.outcome}, test data", xlim=(0, steps[-1] + 1))
    axes.set_title(f"{' '.join(str(n) for n in network.layers[1:-1])} hidden nodes", fontsize=10)
    axes.legend(frameon=False, fontsize=8)
    return [TABLE, *save(figure, setup.directory / TABLE)]

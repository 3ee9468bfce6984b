"""Superposition of minima: a second network chooses which of a few minima answers for an item (Niroomand et al. 2022).

For every training item d the best of the chosen minima M' is that with the highest probability of the right class (eq 2),

    b(d) = arg max_m p_c(d)(x_d; m),

and the second network is trained to tell b from the inputs (eq 3). The AUC is that of the probabilities of the minimum that it
chooses (eq 7), between that of the best single minimum and the theoretical maximum (TMA), for which b itself chooses.
"""

from dataclasses import dataclass

import numpy as np

from common.errors import InputError
from pathsample.learning import selection
from pathsample.learning.auc import area_under_curve
from pathsample.learning.classification import classify
from pathsample.learning.prediction import Model, forward

#: The file of the model.
MODEL = "mlsup.npz"
#: Shares of `selection.promising` between which ``trained`` decides.
POOLS = (0.5, 0.7, 0.85)


@dataclass(slots=True)
class Figures:
    """AUC of one set of data.

    Attributes
    ----------
    mlsup, best_in_set, best_single, vote, tma : float
        Of the superposition, of the best of its minima, of the best of all, of their majority vote (items on which it is
        divided count as right), and the theoretical maximum.
    accuracy, vote_accuracy : float
    """

    mlsup: float
    best_in_set: float
    best_single: float
    vote: float
    tma: float
    accuracy: float
    vote_accuracy: float


def superpose(network, coordinates, inputs, classes, hidden=3, steps=100, lam=1e-5, seed=0, step=2.0, temperature=0.1):
    """Train the network that chooses among minima.

    Parameters
    ----------
    network : MultilayerPerceptron
        Whose minima they are.
    coordinates : ndarray of shape (m, n_variables)
    inputs : ndarray of shape (N, n_inputs)
    classes : ndarray of int of shape (N,)
    hidden : int
        Hidden nodes of the second network.
    steps : int
        Basin-hopping steps of its training.
    lam : float
        Its regularisation.
    seed : int
    step, temperature : float
        Of basin-hopping.

    Returns
    -------
    weights, biases : list of ndarray
        Of the second network, whose m outputs follow ``coordinates``.
    loss : float
    """
    from pathsample.learning.training import basin_hopping
    from potentials.mlp import MultilayerPerceptron

    if len(coordinates) < 2:
        raise ValueError("a superposition needs two minima or more")
    best = best_minima(answers(network, coordinates, inputs), classes)
    second = MultilayerPerceptron((inputs.shape[1], hidden, len(coordinates)), inputs, best, lam)
    found = basin_hopping(second, steps, seed, step, temperature)
    weights, biases = second.weight_matrices(found.coordinates)
    return weights, biases, found.energy


def answers(network, coordinates, inputs):
    """Probabilities of all items at several minima, shape (m, N, n_classes)."""
    return np.array([network.probabilities(x, inputs) for x in coordinates])


def best_minima(probabilities, classes):
    """b(d) of eq 2: for each item the minimum that gives its class the highest probability; int of shape (N,)."""
    return np.argmax(probabilities[:, np.arange(len(classes)), classes], axis=0)


def majority(probabilities, classes):
    """Class that most of the minima give; the right one where the vote is divided and it is among the leading ones.

    Parameters
    ----------
    probabilities : ndarray of shape (m, N, n_classes)
    classes : ndarray of int of shape (N,)

    Returns
    -------
    ndarray of int of shape (N,)
    """
    _, n_items, n_classes = probabilities.shape
    outcomes = probabilities.argmax(axis=2)
    votes = np.stack([(outcomes == c).sum(axis=0) for c in range(n_classes)], axis=1)
    every = np.arange(n_items)
    return np.where(votes[every, classes] == votes.max(axis=1), classes, votes.argmax(axis=1))


def evaluate(model, probabilities, chosen, classes, positive_class, singles, members):
    """Figures of a superposition for one set of data.

    Parameters
    ----------
    model : Model
        Gives the number of minima.
    probabilities : ndarray of shape (m, N, n_classes)
        Of its minima.
    chosen : ndarray of int of shape (N,)
        Which of them answers.
    classes : ndarray of int of shape (N,)
    positive_class : int
    singles : ndarray of shape (n,)
        AUC of all minima.
    members : ndarray of int of shape (m,)
        Which of them are superposed.

    Returns
    -------
    Figures
    """
    every = np.arange(len(classes))
    positive = classes == positive_class
    answer = probabilities[chosen, every]
    best = probabilities[best_minima(probabilities, classes), every]
    vote = majority(probabilities, classes)
    return Figures(
        mlsup=area_under_curve(answer[:, positive_class], positive),
        best_in_set=float(np.max(singles[members])),
        best_single=float(np.max(singles)),
        vote=area_under_curve((vote == positive_class).astype(float), positive),
        tma=area_under_curve(best[:, positive_class], positive),
        accuracy=float(np.mean(answer.argmax(axis=1) == classes)),
        vote_accuracy=float(np.mean(vote == classes)),
    )


def choose_minima(setup, database, values, coordinates, measured, inputs, classes, positive_class, report):
    """Indices of the minima that MLSUP asks for.

    Raises
    ------
    InputError
        If there are too few minima, no peaks, or a number that is none.
    """
    n, count, method = len(coordinates), values.n, values.method
    where = setup.settings.where("MLSUP")
    numbers = values.numbers or []
    if method == "list":
        wrong = [k for k in numbers if not 1 <= k <= n]
        if wrong or len(set(numbers)) != len(numbers) or len(numbers) != count:
            what = (
                f"minimum {wrong[0]} of {n}" if wrong else f"{len(set(numbers))} different minima, {count} are to be superposed"
            )
            raise InputError(f"{where}: MLSUP {count} list: {what}; correct the list")
        return np.array(numbers) - 1
    if n < count:
        raise InputError(f"{where}: MLSUP {count}: the database holds {n} minima; run gmin with more STEPS, or superpose fewer")
    if method == "random":
        return np.sort(np.random.default_rng(setup.seed).choice(n, count, replace=False))
    if method == "peaks":
        return _at_peaks(setup, database, count, numbers, where, report)
    share = setup.settings["MLSUPPOOL"].share
    pool = selection.promising(measured.auc, share, count) if share else np.arange(n)
    return _among(setup, pool, method, count, coordinates, measured, inputs, classes, positive_class, report)


def _among(setup, pool, method, count, coordinates, measured, inputs, classes, positive_class, report):
    """Choose by best, pairs or greedy among the minima of a pool; indices."""
    from pathsample.learning.misclassification import misclassification_distances

    auc = measured.auc[pool]
    report.line(f"mlsup> {method}: {len(pool)} of {len(coordinates)} minima to choose among, training AUC from {auc.min():.4f}")
    if method == "greedy":

        def probabilities(k):
            return setup.potential.probabilities(coordinates[pool[k]], inputs)

        return pool[selection.greedily(probabilities, classes, count, positive_class, auc, setup.seed)]
    distances = misclassification_distances(measured.wrong[pool], measured.n_items)
    if method == "best":
        return pool[selection.largest_from_best(distances, auc, count)]
    chosen, value, bound = selection.relaxed_programme(distances, count, setup.seed)
    report.line(f"mlsup> sum of misclassification distances {value:.4f}, of the relaxed solution {bound:.4f}")
    return pool[chosen]


def compared(setup, count, coordinates, measured, inputs, classes, positive_class, report):
    """The different choices that ``trained`` compares: best, pairs and greedy, each among wider and narrower pools."""
    n = len(coordinates)
    if n < count:
        where = setup.settings.where("MLSUP")
        raise InputError(f"{where}: MLSUP {count}: the database holds {n} minima; run gmin with more STEPS, or superpose fewer")
    sets = {}
    for share in POOLS:
        pool = selection.promising(measured.auc, share, count)
        for method in ("best", "pairs", "greedy"):
            members = _among(setup, pool, method, count, coordinates, measured, inputs, classes, positive_class, report)
            sets.setdefault(frozenset(members.tolist()), members)
    return list(sets.values())


def _at_peaks(setup, database, count, numbers, where, report):
    from pathsample.thermodynamics.modes import modes_of_minima

    minima = database.minima_arrays()
    kappa = modes_of_minima(setup, database)
    columns = (minima[name] for name in ("energy", "log_product", "order"))
    chosen, peaks = selection.at_peaks(*columns, kappa, count, numbers[0] if numbers else None)
    for k, (kt, height) in enumerate(peaks, start=1):
        report.line(f"mlsup> peak {k} of the heat capacity at T= {kt:.6g}, Cv= {height:.6g}")
    if len(chosen) < 2:
        what = f"the heat capacity has {len(peaks)} peaks" + (f", number {numbers[0]} is asked for" if numbers else "")
        raise InputError(f"{where}: MLSUP {count} peaks: {what}; choose the minima by best, pairs or greedy")
    if len(chosen) < count:
        report.line(f"mlsup> only {len(chosen)} minima gain or lose occupation at the peaks")
    return chosen


def read_superposition(setup):
    """Data that MLSUP needs, before anything is written: (inputs, classes) twice, scale of the inputs, names of the classes.

    Raises
    ------
    InputError
    """
    from pathsample.learning.data import read_data, read_names, read_scale

    values = setup.settings["MLSUPDATA"]
    if setup.potential is not None and not hasattr(setup.potential, "weight_matrices"):
        raise InputError(
            f"{setup.settings.where('MLSUP')}: MLSUP needs the neural network of MLP, XOR, MLP3, MLPVB3 or MLPVB3NN"
        )
    sets = [
        read_data(setup, _File(file, values.outcome), "MLSUPDATA" if setup.settings.given("MLSUPDATA") else "MLSUP")
        for file in (values.train, values.test)
    ]
    return [(*sets, read_scale(setup), read_names(setup))]


@dataclass(slots=True)
class _File:
    file: str
    outcome: int


def superposition(setup, database, files, report):
    """MLSUP: choose minima, train the second network, write the model and print the figures beside those of single minima.

    Returns
    -------
    list of str
        Files written.
    """
    from pathsample.learning.pictures import draw_choice

    (inputs, classes), (test_inputs, test_classes), (shift, divisor), (names, outcome) = files["MLSUP"][0]
    settings = setup.settings
    values, net, positive_class = settings["MLSUP"], settings["MLSUPNET"], settings["MLSUPDATA"].outcome
    network, coordinates = setup.potential, database.coordinates()
    measured = classify(network, coordinates, inputs, classes, positive_class)
    tested = classify(network, coordinates, test_inputs, test_classes, positive_class)
    if values.method == "trained":
        choices = compared(setup, values.n, coordinates, measured, inputs, classes, positive_class, report)
    else:
        choices = [choose_minima(setup, database, values, coordinates, measured, inputs, classes, positive_class, report)]
    options = {"hidden": net.hidden, "steps": net.steps, "lam": net.lam, "step": net.step, "temperature": net.temperature}
    trained = []
    for members in choices:
        found = superpose(network, coordinates[members], inputs, classes, seed=setup.seed, **options)
        probabilities = answers(network, coordinates[members], inputs)
        chosen = np.argmax(forward(*found[:2], inputs), axis=1)
        p = probabilities[chosen, np.arange(len(classes)), positive_class]
        trained.append((area_under_curve(p, classes == positive_class), members, found))
        if len(choices) > 1:
            report.line(f"mlsup> training AUC {trained[-1][0]:.4f} of minima {' '.join(str(m + 1) for m in members)}")
    _, members, (weights, biases, loss) = max(trained, key=lambda each: each[0])
    report.line(f"mlsup> minima chosen by {values.method}: {' '.join(str(m + 1) for m in members)}")
    report.line(f"mlsup> second network [{inputs.shape[1]}, {net.hidden}, {len(members)}], lowest loss {loss:.8f}")
    layers = [network.weight_matrices(x) for x in coordinates[members]]
    model = Model(
        weights=[np.array([w[k] for w, _ in layers]) for k in range(len(layers[0][0]))],
        biases=[np.array([b[k] for _, b in layers]) for k in range(len(layers[0][1]))],
        choice_weights=weights, choice_biases=biases, shift=shift, divisor=divisor, minima=members + 1,
        positive_class=positive_class, names=names, outcome=outcome,
    )  # fmt: skip
    model.save(setup.directory / MODEL)
    report.line("mlsup> AUC      mlsup  best in set  best single  majority vote     tma   accuracy")
    sets = (("train", inputs, classes, measured), ("test", test_inputs, test_classes, tested))
    for name, x, c, singles in sets:
        p, chosen = answers(network, coordinates[members], x), model.choose(x)
        f = evaluate(model, p, chosen, c, positive_class, singles.auc, members)
        numbers = f"{f.mlsup:8.4f}     {f.best_in_set:8.4f}     {f.best_single:8.4f}       {f.vote:8.4f}"
        report.line(f"mlsup> {name:5s} {numbers}{f.tma:8.4f}   {f.accuracy:8.4f}")
        database.set_meta(f"mlsup_{name}", " ".join(f"{key}={getattr(f, key):.6f}" for key in f.__slots__))
    counts = np.bincount(chosen, minlength=len(members))
    for m, count in zip(members, counts):
        share = count / len(test_classes)
        report.line(f"mlsup> minimum {m + 1:8d} AUC {tested.auc[m]:8.4f} answers for {share:8.4f} of the test items")
    chosen_column = np.full(len(coordinates), np.nan)
    chosen_column[members] = counts / len(test_classes)
    database.set_property("mlsup_share", range(1, len(coordinates) + 1), chosen_column)
    return [MODEL, *draw_choice(setup.directory / "mlsup", model, test_inputs, test_classes, p, chosen, positive_class)]

"""What pathdata asks to know of the networks at the minima: AUC, ROC, MISCLASSIFICATION and MLSUP."""

import numpy as np

from common.atomic import atomic_write
from pathsample.learning.auc import misclassification_name, roc_curve

#: Rates of false positives at which the curves of all minima are averaged.
ROC_GRID = 201
#: Most minima whose symmetry-invariant distances are computed pair by pair.
MOST_INVARIANT_PAIRS = 200_000


def measure_networks(setup, database, files, report):
    """Classify data with the network of every minimum, store the figures as properties, write curves and maps.

    Parameters
    ----------
    setup : Setup
    database : Database
    files : dict
        Data read for the keywords AUC, ROC and MISCLASSIFICATION: lists of (values, inputs, classes).
    report : Report

    Returns
    -------
    list of str
        Files written.
    """
    wanted = [name for name in ("AUC", "ROC", "MISCLASSIFICATION", "MLSUP") if name in files]
    if not wanted or not database.n_minima:
        return []
    coordinates = database.coordinates()
    for values, inputs, classes in files.get("AUC", ()):
        store_auc(setup, database, coordinates, values, inputs, classes, report)
    written = []
    for values, inputs, classes in files.get("ROC", ()):
        written += write_roc(setup, database, coordinates, values, inputs, classes, report)
    for values, inputs, classes in files.get("MISCLASSIFICATION", ()):
        written += write_misclassification(setup, database, coordinates, values, inputs, classes, report)
    if "MLSUP" in files:
        from pathsample.learning.mlsup import superposition

        written += superposition(setup, database, files, report)
    return written


def store_auc(setup, database, coordinates, values, inputs, classes, report):
    """AUC: four properties of every minimum, and their mean and standard deviation over the minima."""
    from pathsample.learning.classification import classify

    ids = range(1, len(coordinates) + 1)
    result = classify(setup.potential, coordinates, inputs, classes, values.outcome)
    figures = {
        values.name: result.auc,
        misclassification_name(values.name): result.misclassification,
        misclassification_name(values.name, "accuracy"): result.accuracy,
        misclassification_name(values.name, "cross_entropy"): result.cross_entropy,
    }
    what = f"AUC of class {values.outcome} for {len(coordinates)} minima as {values.name}"
    report.line(f"auc> {values.file}: {len(classes)} items, {what}")
    lowest = int(np.argmin(database.energies()))
    for name, column in figures.items():
        database.set_property(name, ids, column)
        spread = f"mean {column.mean():10.6f} sigma {column.std():10.6f} range {column.min():10.6f} {column.max():10.6f}"
        report.line(f"auc> {name:28s} at the lowest minimum {column[lowest]:10.6f} {spread}")


def write_roc(setup, database, coordinates, values, inputs, classes, report):
    """ROC: curves of the lowest and of the best minimum, and mean and standard deviation over all minima.

    The table name.dat has the columns false positives, true positives at the lowest minimum, at the minimum of the highest AUC,
    mean and standard deviation over all minima.
    """
    from pathsample.learning.classification import classify
    from pathsample.learning.pictures import draw_roc

    positive = np.asarray(classes) == values.outcome
    auc = classify(setup.potential, coordinates, inputs, classes, values.outcome).auc
    grid = np.linspace(0.0, 1.0, ROC_GRID)
    curves = np.empty((len(coordinates), ROC_GRID))
    for k, x in enumerate(coordinates):
        curves[k] = np.interp(grid, *roc_curve(setup.potential.probabilities(x, inputs)[:, values.outcome], positive))
    lowest, best = int(np.argmin(database.energies())), int(np.argmax(auc))
    columns = np.column_stack([grid, curves[lowest], curves[best], curves.mean(axis=0), curves.std(axis=0)])
    with atomic_write(setup.directory / f"{values.name}.dat") as file:
        np.savetxt(file, columns, fmt="%12.8f")
    labels = [
        f"lowest minimum {lowest + 1} (AUC {auc[lowest]:.3f})",
        f"best minimum {best + 1} (AUC {auc[best]:.3f})",
        f"mean of {len(auc)} minima (AUC {auc.mean():.3f} ± {auc.std():.3f})",
    ]
    names = draw_roc(setup.directory / values.name, columns, labels)
    report.line(f"roc> {values.file}: curves of class {values.outcome} in {values.name}.dat, {', '.join(names)}")
    return [f"{values.name}.dat", *names]


def write_misclassification(setup, database, coordinates, values, inputs, classes, report):
    """MISCLASSIFICATION: the matrix of distances, its clustered map, and the joint density with distances of weights."""
    from pathsample.learning import misclassification as distances_of
    from pathsample.learning.classification import classify
    from pathsample.learning.pictures import draw_heat_map, draw_joint_densities

    result = classify(setup.potential, coordinates, inputs, classes, None, values.measure == "outcomes")
    if values.measure == "outcomes":
        distances = distances_of.disagreements(result.outcomes)
    else:
        distances = distances_of.misclassification_distances(result.wrong, result.n_items)
    lowest = int(np.argmin(database.energies()))
    ids = range(1, len(coordinates) + 1)
    database.set_property("misclassification_distance", ids, distances[lowest])
    order, _ = distances_of.cluster_order(distances)
    f = result.misclassification
    stem = setup.directory / "misclassification"
    with atomic_write(stem.with_suffix(".npz"), "wb") as file:
        np.savez(file, distances=distances, order=order + 1, misclassification=f, lowest=lowest + 1)
    text = f"f {f.min():.4f} to {f.max():.4f}, mean {f.mean():.4f} sigma {f.std():.4f}"
    report.line(f"misclassification> {values.file}: {result.n_items} items, {len(f)} minima, {text}")
    written = ["misclassification.npz"]
    if len(f) < 2:
        report.line("misclassification> one minimum has no distances")
        return written
    written += draw_heat_map(stem, distances, order)
    pairs = distances_of.chosen_pairs(len(f))
    answers = distances[pairs]
    report.line(f"misclassification> distances {answers.min():.4f} to {answers.max():.4f}, mean {answers.mean():.4f}")
    panels = []
    figures = {"f_lowest": f.min(), "f_highest": f.max(), "f_mean": f.mean(), "f_sigma": f.std()}
    figures["distance_mean"] = answers.mean()
    for name, symmetry in (("Euclidean distance", None), ("symmetry-invariant distance", setup.symmetry)):
        chosen = pairs if symmetry is None else distances_of.chosen_pairs(len(f), MOST_INVARIANT_PAIRS)
        there = distances[chosen]
        apart = distances_of.weight_distances(coordinates, symmetry, chosen)
        r = correlation(apart, there)
        report.line(f"misclassification> correlation with the {name} {r:8.4f} over {len(apart)} pairs")
        panels.append((name, apart, there, r))
        figures["r_euclidean" if symmetry is None else "r_invariant"] = r
    database.set_meta("misclassification", " ".join(f"{name}={value:.6f}" for name, value in figures.items()))
    return written + draw_joint_densities(setup.directory / "misclassification_weights", panels)


def correlation(a, b):
    """Pearson's coefficient of two columns; NaN where one of them does not vary."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if len(a) < 2 or a.std() == 0.0 or b.std() == 0.0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])

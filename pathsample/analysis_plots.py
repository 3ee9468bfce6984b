"""Pictures of the kinetics and thermodynamics of a database, from the files that the keywords write.

``pathsample --plot rates``, ``fpt``, ``cv`` and ``committor`` draw what a run has written before.
"""

import re

import numpy as np

from common.errors import InputError

#: Widest range of decades shown below the maximum of a density.
DECADES = 4
#: Largest number of partial sums drawn beside the heat capacity.
MOST_PARTIAL = 6


def draw(kind, setup, database, report):
    """Draw one kind of picture as NAME.pdf and NAME.png in the directory of the run.

    Parameters
    ----------
    kind : {"rates", "fpt", "cv", "committor"}
    setup : Setup
    database : Database
    report : Report

    Raises
    ------
    InputError
        What the picture needs has not been computed; the message says which keyword does.
    """
    if kind == "committor":
        committor(setup, database)
    else:
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib.figure import Figure

        figure = Figure(figsize=(4.6, 3.4), layout="constrained")
        PICTURES[kind](figure, setup, database)
        for end in ("pdf", "png"):
            figure.savefig(setup.directory / f"{kind}.{end}", dpi=150)
    for name in (f"{kind}.pdf", f"{kind}.png"):
        report.line(f"plot> {name} written")


def table(path, keyword):
    """log10 of the numbers of a file, whose exponents may be beyond double precision.

    Returns
    -------
    ndarray
        nan for numbers that are not positive.

    Raises
    ------
    InputError
    """
    if not path.is_file():
        raise InputError(f"no file {path.name} in {path.parent.resolve()}; run pathsample with {keyword} first")
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        items = line.split()
        if items:
            rows.append([_log10(item, f"{path}:{number}") for item in items])
    if not rows:
        raise InputError(f"{path}: the file is empty; run pathsample with {keyword} again")
    return np.array(rows)


def _log10(item, where):
    """log10 of a number as Fortran prints it; nan when it is not positive."""
    match = re.fullmatch(r"([-+]?(?:\d+\.?\d*|\.\d+))(?:[EeDd]?([-+]?\d+))?", item)
    if match is None:
        raise InputError(f"{where}: expected a number, found {item}")
    mantissa, exponent = float(match.group(1)), int(match.group(2) or 0)
    return np.log10(mantissa) + exponent if mantissa > 0 else np.nan


def rates(figure, setup, database):
    """Arrhenius plot: rate constants of NGT.rates.new over the inverse temperature, with the activation energies between."""
    rows = table(setup.directory / "NGT.rates.new", "RATESCYCLE")
    kt = 10.0 ** rows[:, 0]
    order = np.argsort(1 / kt)
    axes = figure.add_subplot()
    for column, label, colour in ((1, "B → A", "C0"), (2, "A → B", "C3")):
        log_k = rows[:, column]
        if len(kt) > 2:
            slope = -np.log(10.0) * np.polyfit(1 / kt, log_k, 1)[0]
            label += f", $E_a$ = {slope:.3g}"
        axes.plot(1 / kt[order], log_k[order], color=colour, marker="o", markersize=3.5, label=label)
    axes.set_xlabel("1/kT")
    axes.set_ylabel(r"$\log_{10}$ rate constant")
    axes.legend(frameon=False)


def fpt(figure, setup, database):
    """Distributions of ln t of the first-passage times, in both directions, with their means."""
    files = sorted(setup.directory.glob("waitlnpdf??.*"))
    if not files:
        where = setup.directory.resolve()
        raise InputError(f"no file waitlnpdfAB.T in {where}; run pathsample with WAITPDF first")
    axes = figure.add_subplot()
    span = []
    for path in files:
        way, temperature = re.fullmatch(r"waitlnpdf(AB|BA)\.(.*)", path.name).groups()
        data = np.loadtxt(path)
        y, p = data[:, 0] / np.log(10.0), data[:, 1] * np.log(10.0)
        colour, text = ("C0", "B → A") if way == "AB" else ("C3", "A → B")
        shade = 1.0 if len(files) <= 2 else 0.35 + 0.65 * files.index(path) / len(files)
        axes.plot(y, p, color=colour, alpha=shade, label=f"{text}, kT = {float(temperature):g}")
        mean = np.log10(np.trapezoid(p * 10.0 ** (y - y.max()), y) / np.trapezoid(p, y)) + y.max()
        axes.axvline(mean, color=colour, alpha=shade, linewidth=0.8, linestyle=":")
        visible = y[p > 10.0**-DECADES * p.max()]
        span += [visible.min(), visible.max()]
    axes.set_xlim(min(span), max(span))
    axes.set_ylim(bottom=0.0)
    axes.set_xlabel(r"$\log_{10}$ first-passage time (dotted: mean)")
    axes.set_ylabel(r"density in $\log_{10} t$")
    axes.legend(frameon=False)


def cv(figure, setup, database):
    """Heat capacity over the temperature, with the partial sums of CVMINIMA and the peaks."""
    path = setup.directory / "Cv.out"
    if not path.is_file():
        raise InputError(f"no file Cv.out in {setup.directory.resolve()}; run pathsample with CV first")
    from pathsample.thermodynamics.heat_capacity import model_of

    data = np.loadtxt(path, ndmin=2)
    axes = figure.add_subplot()
    partial = sorted((int(p.suffix[1:]), p) for p in setup.directory.glob("Cv.out.*") if p.suffix[1:].isdigit())
    if len(partial) > MOST_PARTIAL:
        partial = [partial[k] for k in np.linspace(0, len(partial) - 1, MOST_PARTIAL).astype(int)]
    import matplotlib

    colours = matplotlib.colormaps["viridis"](np.linspace(0.85, 0.15, max(len(partial), 1)))
    for (count, name), colour in zip(partial, colours):
        part = np.loadtxt(name, ndmin=2)
        axes.plot(part[:, 0], part[:, 4], color=colour, linewidth=1.0, label=f"lowest {count}")
    axes.plot(data[:, 0], data[:, 4], color="black", linewidth=1.4, label=f"all {database.n_minima} minima")
    if len(data) > 1:
        for peak in model_of(setup, database).peaks(data[0, 0], data[-1, 0]):
            axes.plot(peak.kt, peak.heat_capacity, color="C3", marker="v", markersize=5, linestyle="none")
            place = (peak.kt, peak.heat_capacity)
            axes.annotate(f"{peak.kt:.4g}", place, xytext=(0, 6), textcoords="offset points", ha="center", fontsize=8)
    axes.margins(y=0.12)
    axes.set_xlabel("kT")
    # temperatures of losses are small numbers with many digits
    axes.locator_params(axis="x", nbins=6)
    axes.set_ylabel(r"heat capacity / $k_B$")
    axes.legend(frameon=False, fontsize=8)


def committor(setup, database):
    """Disconnectivity graph with its branches coloured by the probability to reach A before B, by the program disconnect."""
    import subprocess
    import sys
    import tempfile

    if not np.isfinite(database.property("committor_A")).any():
        raise InputError(f"{database.path}: no property committor_A; run pathsample with NGT first")
    # in a folder of its own, so that a dinfo of the user does not change the picture
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "disconnect.cli", "--colour", "committor_A"]
        command += ["--database", str(database.path.resolve())]
        for end in ("pdf", "png"):
            command += ["-o", str(setup.directory.resolve() / f"committor.{end}")]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError(f"disconnect: {(done.stderr or done.stdout).strip().splitlines()[-1]}")


PICTURES = {"rates": rates, "fpt": fpt, "cv": cv}

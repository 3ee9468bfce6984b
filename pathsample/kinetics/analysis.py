"""The kinetics that pathdata asks for, on the database as it is at the end of the run."""

import numpy as np

from common import stop
from common.atomic import atomic_write
from common.formats.fortran import g, i
from pathsample.kinetics import rates
from pathsample.kinetics.numbers import g_of_ln

#: Keywords that need rates and the sets A and B.
TRANSFORMATIONS = ("NGT", "GT", "SGT", "DGT", "SDGT")
KINETICS = ("DIJKSTRA", "DIJKSTRAWAIT", "KSHORTESTPATHS", *TRANSFORMATIONS, "RATESCYCLE", "NGTKEEPLIST", "KMC", "WAITPDF")
#: Files of rate constants, appended to by every temperature of a run.
RATE_FILES = ("NGT.rates.new", "NGT.rates.kSS", "NGT.rates.kNSS")


def wanted(settings):
    """The kinetic keywords that were given."""
    return [name for name in KINETICS if settings.given(name)]


def check_keywords(settings, directory):
    """Collect what does not fit together."""
    if settings.given("NGTKEEPLIST"):
        if not (directory / "NGTkeeplist").is_file():
            settings.error("NGTKEEPLIST", f"no file NGTkeeplist in {directory.resolve()}; it lists the minima to keep")
        if not settings.given("TEMPERATURE"):
            settings.error("NGTKEEPLIST", "the free energies of the reduced network need a temperature; add TEMPERATURE kT")
    chosen = wanted(settings)
    if settings.given("DIJKSTRA") and settings.given("KSHORTESTPATHS"):
        settings.error("KSHORTESTPATHS", "not together with DIJKSTRA; remove one of the two")
    needs = [name for name in chosen if name != "RATESCYCLE"]
    if needs and not settings.given("TEMPERATURE") and not settings.given("ENERGY"):
        settings.error(needs[0], "rates need a temperature; add TEMPERATURE kT (or ENERGY for a total energy)")
    if settings.given("ENERGY") and settings.given("RATESCYCLE"):
        settings.error("RATESCYCLE", "not together with ENERGY, which states rates at a total energy")
    lowest, highest = settings["CV"].lowest, settings["CV"].highest
    if lowest is not None and highest is not None and highest < lowest:
        settings.error("CV", "the highest temperature is below the lowest")
    if settings.given("CVMINIMA") and not settings.given("CV"):
        settings.error("CVMINIMA", "it adds partial sums to CV, which is not given; add CV Tmin Tmax dT")
    if settings.given("ENERGY") and settings.given("FREEENERGY"):
        settings.error("FREEENERGY", "not together with ENERGY; free energies belong to a temperature")


def number_of_modes(setup, database):
    """Vibrational modes kappa of a minimum: non-zero eigenvalues of its Hessian.

    The variables less the zero modes of the symmetry; 3N-6 by NATOMS where there are no coordinates, and 0 below three atoms.
    """
    if setup.potential is not None:
        return setup.n_variables - int(setup.symmetry.n_zero)
    return max(3 * (setup.settings["NATOMS"].n or 0) - 6, 0)


def build_network(setup, database, kt=None, min_connections=0):
    """The network of rates at kT (TEMPERATURE or ENERGY when it is not given)."""
    settings = setup.settings
    minima, states, sets = rates.read_arrays(database)
    if kt is None and settings.given("ENERGY"):
        kappa = number_of_modes(setup, database)
        weights = rates.microcanonical(minima, states, settings["ENERGY"].energy, kappa)
    else:
        kt = settings["TEMPERATURE"].kt if kt is None else kt
        form = rates.free_energies if settings.given("FREEENERGY") else rates.canonical
        weights = form(minima, states, kt)
    most = settings["NCONNMIN"].n if settings.given("NCONNMIN") else 0
    return rates.make_network(
        minima,
        states,
        sets,
        *weights,
        max_ts_energy=settings["MAXTSENERGY"].energy,
        min_connections=max(min_connections or 0, most),
    )


def missing_sets(network, database, report):
    """A line about a set without members that take part; None when both have some."""
    for name in ("A", "B"):
        if not database.endpoints(name):
            return f"setup> ERROR - no min.{name} file, and no set {name} in {database.path.name}; the kinetics need both sets"
        if not len(network.sets[name]):
            return f"kinetics> no minimum of set {name} has a transition state that takes part"
    return None


def usable_sets(network, report):
    """The network without members of A and B that have no path to the other set; a line says so."""
    from pathsample.kinetics.graph_transformation import connected_sets

    trimmed, left_out = connected_sets(network)
    if not len(trimmed.sets["A"]):
        return network
    if left_out:
        report.line(f"kinetics> {left_out} minima of A and B have no path to the other set and are left out")
    return trimmed


def analyse(setup, database, report):
    """Do all the kinetics of pathdata.

    Returns
    -------
    passed : bool
        False where A and B are not connected.
    files : list of str
    """
    settings = setup.settings
    product, reactant = rates.DIRECTIONS[settings["DIRECTION"].direction.upper()]
    passed, files = True, []
    for name in wanted(settings):
        stop.raise_if_requested()
        if name == "RATESCYCLE":
            done, written = rates_cycle(setup, database, report)
        else:
            values = settings[name]
            min_connections = getattr(values, "connections", 0) or 0
            network = build_network(setup, database, None, min_connections)
            from pathsample.kinetics.paths import connection_lines

            connection_lines(network, min_connections, report)
            problem = missing_sets(network, database, report)
            if problem:
                report.line(problem)
                return False, files
            network = usable_sets(network, report)
            done, written = _one(name, setup, database, network, product, reactant, report)
        passed = passed and done
        files += [file for file in written if file not in files]
    return passed, files


def _one(name, setup, database, network, product, reactant, report):
    """One keyword on one network: whether it reached its goal, and its files."""
    from pathsample.kinetics import paths

    values = setup.settings[name]
    if name == "DIJKSTRA":
        written = paths.dijkstra(setup, database, network, product, reactant, report)
        return bool(written), written
    if name == "DIJKSTRAWAIT":
        return paths.waiting_path(setup, network, product, reactant, report), []
    if name == "KSHORTESTPATHS":
        done = paths.shortest_paths(setup, network, product, reactant, values.paths, bool(values.full), report)
        return done, [f"Epath.{k}" for k in range(1, values.paths + 1) if done and (setup.path(f"Epath.{k}")).exists()]
    if name in TRANSFORMATIONS:
        return graph_transformation(setup, database, network, setup.settings["TEMPERATURE"].kt, values, report)
    if name == "NGTKEEPLIST":
        from pathsample.kinetics.reduction import write_reduced

        return write_reduced(setup, network, setup.settings["TEMPERATURE"].kt, report)
    if name == "KMC":
        return kinetic_monte_carlo(setup, network, product, reactant, values, report)
    from pathsample.kinetics.first_passage import distributions

    return distributions(setup, network, report)


def rates_cycle(setup, database, report):
    """RATESCYCLE: graph transformation at each temperature; one line of the NGT.rates files for each."""
    passed, files = True, []
    for k, kt in enumerate(setup.settings["RATESCYCLE"].temperatures):
        network = build_network(setup, database, kt)
        problem = missing_sets(network, database, report)
        if problem:
            report.line(problem)
            return False, files
        network = usable_sets(network, report)
        report.line(f"NGT> temperature {g(kt, 20, 10)}")
        done, written = graph_transformation(setup, database, network, kt, None, report, append=k > 0)
        files = written or files
        passed = passed and done
    return passed, files


def graph_transformation(setup, database, network, kt, values, report, append=False):
    """NGT and its relatives: the lines and the files of rate constants, passage times and committors."""
    from pathsample.kinetics.graph_transformation import connected_part, transform

    if not connected_part(network)[1]:
        report.line("NGT> A and B are not connected")
        return False, []
    common = set(network.sets["A"].tolist()) & set(network.sets["B"].tolist())
    if common:
        report.line(f"NGT> minimum {min(common) + 1} is in A and in B; remove it from one of the two sets")
        return False, []
    limits = {}
    if values is not None and getattr(values, "dense", None) is not None:
        limits = {"dense_fraction": values.dense, "dense_maximum": values.maxsize}
        limits = {key: value for key, value in limits.items() if value is not None}
    result = transform(network, **limits)
    report.line(
        f"NGT> {result.eliminated} intermediate minima eliminated"
        + (f", the last {result.dense_rows} rows in a dense matrix" if result.dense_rows else "")
    )
    with_passage = values is None or getattr(values, "disconnect", True)
    report.lines(ngt_lines(result, with_passage))
    cycle = setup.settings.given("RATESCYCLE")
    files = write_rates(setup, kt, result, append) if values is None or not cycle else []
    if values is None and any(setup.settings.given(name) for name in TRANSFORMATIONS):
        # passage times and committors are those of TEMPERATURE
        return True, files
    files += write_passage_times(setup, network, result)
    files += write_committors(setup, result)
    store(database, network, result)
    return True, files


def ngt_lines(result, with_passage=True):
    """The classic lines of graph transformation."""

    def e4(ln_value):
        return g_of_ln(ln_value, 20, 10, 4)

    lines = []
    for way, (x, y) in ((result.ab, "AB"), (result.ba, "BA")):
        # x is the product: the probabilities and times belong to minima of y
        low = y.lower()
        for k, source in enumerate(way.sources.tolist()):
            head = f"NGT> for {y} minimum {source + 1:8d}"
            lines.append(
                f"{head} C_{{{x}{low}}}, tau_{low}, tau^I_{low}="
                f"{e4(way.ln_leave[k])}{e4(way.ln_tau_reduced[k])}{e4(way.ln_tau_original[k])}"
            )
            if with_passage:
                lines.append(
                    f"{head} tau^F_{low}/P_{{{x}{low}}} = T_{{{x}{low}}}, p_{low}/P_{y}, weight/T_{{{x}{low}}}="
                    f"{e4(way.ln_passage[k])}{e4(way.ln_share[k])}{e4(way.ln_share[k] - way.ln_passage[k])}"
                )
    ab, ba = result.ab, result.ba
    lines.append(f"NGT> kSS (A<-B)={e4(ab.ln_kss)}   kSS (B<-A)={e4(ba.ln_kss)}")
    lines.append(f"NGT> kNSS(A<-B)={e4(ab.ln_knss)}   sum weight_b*tau^I_b/C_{{Ab}}={e4(ab.ln_slow_sum)}")
    lines.append(f"NGT> kNSS(B<-A)={e4(ba.ln_knss)}   sum weight_a*tau^I_a/C_{{Ba}}={e4(ba.ln_slow_sum)}")
    if with_passage:
        lines.append(f"NGT> k(A<-B)={e4(ab.ln_k)}   k(B<-A)={e4(ba.ln_k)}")
        lines.append(f"NGT> MFPT(A<-B)={e4(ab.ln_mfpt)}   MFPT(B<-A)={e4(ba.ln_mfpt)}")
    return lines


def write_rates(setup, kt, result, append):
    """NGT.rates.new, NGT.rates.kSS and NGT.rates.kNSS: one line per temperature."""
    rows = (
        (result.ab.ln_k, result.ba.ln_k, result.ab.ln_mfpt, result.ba.ln_mfpt),
        (result.ab.ln_kss, result.ba.ln_kss),
        (result.ab.ln_knss, result.ba.ln_knss),
    )
    if kt is None:
        return []
    for name, values in zip(RATE_FILES, rows):
        path = setup.directory / name
        before = path.read_text(encoding="utf-8") if append and path.exists() else ""
        with atomic_write(path) as file:
            file.write(before + g(kt, 20, 10, 4) + "".join(g_of_ln(v, 20, 10, 4) for v in values) + "\n")
    return list(RATE_FILES)


def write_passage_times(setup, network, result):
    """MFPT.to.A and MFPT.to.B (I8,2G20.10): minimum, mean first-passage time, its logarithm."""
    written = []
    for name, way in (("A", result.ab), ("B", result.ba)):
        inside = np.zeros(network.n_minima, dtype=bool)
        inside[network.sets[name]] = True
        with atomic_write(setup.directory / f"MFPT.to.{name}") as file:
            for m in np.flatnonzero(~inside & ~np.isnan(way.ln_passage_all)).tolist():
                value = way.ln_passage_all[m]
                file.write(f"{i(m + 1, 8)}{g_of_ln(value)}{g(value, 20, 10)}\n")
        written.append(f"MFPT.to.{name}")
    return written


def write_committors(setup, result):
    """commit.ngt.AB and .BA (G20.10): probability of each minimum to reach A before B, and B before A; NaN if not connected."""
    pairs = (("commit.ngt.AB", result.ln_committor_a), ("commit.ngt.BA", result.ln_committor_b))
    for name, values in pairs:
        with atomic_write(setup.directory / name) as file:
            file.writelines(f"{g_of_ln(value)}\n" for value in values.tolist())
    return [name for name, _ in pairs]


def store(database, network, result):
    """Committors and ln mean first-passage times as properties of the minima."""
    columns = {
        "committor_A": np.exp(result.ln_committor_a),
        "committor_B": np.exp(result.ln_committor_b),
        "ln_mfpt_to_A": result.ab.ln_passage_all,
        "ln_mfpt_to_B": result.ba.ln_passage_all,
    }
    for name, values in columns.items():
        known = np.flatnonzero(np.isfinite(values))
        database.set_property(name, (known + 1).tolist(), values[known])


def write_waiting_times(setup, network):
    """waiting.times (I8,G20.10): the mean waiting time of every minimum with a transition state."""
    ln_tau = network.ln_waiting_times()
    with atomic_write(setup.directory / "waiting.times") as file:
        for m in np.flatnonzero(np.isfinite(ln_tau)).tolist():
            file.write(f"{i(m + 1, 8)}{g_of_ln(ln_tau[m])}\n")
    return ["waiting.times"]


def kinetic_monte_carlo(setup, network, product, reactant, values, report):
    """KMC: trajectories, one line each with DEBUG, and the mean first-passage time beside the exact one."""
    from common.progress import progress
    from pathsample.kinetics.graph_transformation import connected_part, transform
    from pathsample.kinetics.kinetic_monte_carlo import simulate

    files = write_waiting_times(setup, network)
    if not connected_part(network)[1]:
        report.line("KMC> A and B are not connected")
        return False, files
    exact = transform(network)
    counted = transform(network, network.ln_escape())
    exact, counted = (exact.ab, counted.ab) if product == "A" else (exact.ba, counted.ba)
    runs = max(int(values.runs), 1)
    shown = 0
    with progress(runs, "KMC runs") as bar:

        def check(done):
            nonlocal shown
            stop.raise_if_requested()
            bar.update(done - shown)
            shown = done

        found = simulate(network, runs, setup.seed, product, reactant, check)
        bar.update(runs - shown)
    if setup.settings.given("DEBUG"):
        expected = counted.ln_passage_all
        for a, b, steps, ln_time in zip(found.end.tolist(), found.start.tolist(), found.steps.tolist(), found.ln_time.tolist()):
            report.line(
                f"KMC> minimum {a + 1:8d} hit in {steps:12d} KMC steps in time {g_of_ln(ln_time)} "
                f"expected steps= {g_of_ln(expected[b])}"
            )
    ln_mean, error = found.ln_mean()
    report.line(
        f"KMC> mean first passage time {product}<-{reactant} {g_of_ln(ln_mean)} +- {g_of_ln(ln_mean + np.log(error))} from "
        f"{runs} runs, {int(found.steps.sum())} steps; exact {g_of_ln(exact.ln_mfpt)}"
    )
    report.line(f"KMC> rate constant {product}<-{reactant} {g_of_ln(-ln_mean)}")
    return True, files

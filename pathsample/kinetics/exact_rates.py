"""RATESCYCLE, NGT and its relatives: the printed lines and the files of rate constants, passage times and committors."""

import numpy as np

from common.atomic import atomic_write
from common.formats.fortran import g, i
from pathsample.kinetics.first_step import store_by_minimum
from pathsample.kinetics.graph_transformation import connected_part, transform
from pathsample.kinetics.numbers import g_of_ln

#: Keywords with the results of graph transformation.
TRANSFORMATIONS = ("NGT", "GT", "SGT", "DGT", "SDGT")
#: Files of rate constants, appended to by every temperature of a run.
RATE_FILES = ("NGT.rates.new", "NGT.rates.kSS", "NGT.rates.kNSS")


def rates_cycle(setup, database, report):
    """RATESCYCLE: graph transformation at each temperature; one line of the NGT.rates files for each."""
    from pathsample.kinetics.analysis import build_network, prepared

    passed, files = True, []
    for k, kt in enumerate(setup.settings["RATESCYCLE"].temperatures):
        network, _, problem = prepared(setup, database, build_network(setup, database, kt), report)
        if problem:
            report.line(problem)
            return False, files
        report.line(f"NGT> temperature {g(kt, 20, 10)}")
        done, written = graph_transformation(setup, database, network, kt, None, report, append=k > 0)
        files = written or files
        passed = passed and done
    return passed, files


def graph_transformation(setup, database, network, kt, values, report, append=False):
    """NGT and its relatives: the lines and the files of rate constants, passage times and committors."""
    if not connected_part(network)[1]:
        report.line("NGT> A and B are not connected")
        return False, []
    common = set(network.sets["A"].tolist()) & set(network.sets["B"].tolist())
    if common:
        report.line(f"NGT> minimum {min(common) + 1} is in A and in B; remove it from one of the two sets")
        return False, []
    dense = getattr(values, "dense", None)
    if dense is None and setup.settings.given("GT2RSWITCH"):
        dense = setup.settings["GT2RSWITCH"].density
    panels = None if dense is None or 0 < dense <= 1 else dense == 0
    result = transform(network, panels=panels)
    report.line(
        f"NGT> {result.eliminated} intermediate minima eliminated"
        + (f", {result.block_rows} of them in panels of {result.block_entries} numbers" if result.block_rows else "")
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
    store_by_minimum(database, network, columns)


def target_reached(setup, database, report):
    """TARGETRATES: whether both rate constants have reached the wanted fraction of their targets."""
    from pathsample.kinetics.analysis import build_network, prepared

    values = setup.settings["TARGETRATES"]
    network, _, problem = prepared(setup, database, build_network(setup, database), report)
    if problem:
        report.line(problem)
        return False
    if not connected_part(network)[1]:
        report.line("targetrates> A and B are not connected")
        return False
    result = transform(network)
    reached = True
    for way, target, name in ((result.ab, values.forward, "A<-B"), (result.ba, values.backward, "B<-A")):
        wanted = np.log(target) + np.log(values.fraction)
        reached = reached and way.ln_k >= wanted
        report.line(f"targetrates> k({name})={g_of_ln(way.ln_k, 20, 10, 4)} wanted {g_of_ln(wanted, 20, 10, 4)}")
    report.line(f"targetrates> the targets have {'' if reached else 'not '}been reached")
    return bool(reached)

"""KMC and KMCCOMMIT: the printed lines, and the file of waiting times."""

import numpy as np

from common import stop
from common.atomic import atomic_write
from common.formats.fortran import g, i
from pathsample.kinetics.graph_transformation import connected_part, transform
from pathsample.kinetics.kinetic_monte_carlo import make_walker, simulate
from pathsample.kinetics.numbers import g_of_ln
from pathsample.kinetics.path_sampling import sample_paths
from pathsample.kinetics.rates import ln_sum

#: Steps of a whole run, some minutes, beyond which paths are drawn without doing each step.
TOO_MANY_STEPS = 2e9


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

        found = None
        total = counted.ln_mfpt + np.log(runs)
        if total > np.log(TOO_MANY_STEPS):
            report.line(
                f"KMC> {g_of_ln(counted.ln_mfpt)} steps are expected in a run: numbers of visits are drawn instead "
                "(kinetic path sampling)"
            )
            try:
                found = sample_paths(network, runs, setup.seed, product, reactant, check)
            except ValueError as error:
                report.line(f"KMC> {error}; single steps are done until the run is stopped")
        if found is None:
            found = simulate(network, runs, setup.seed, product, reactant, check, values.threshold)
        bar.update(runs - shown)
    if setup.settings.given("DEBUG"):
        expected = counted.ln_passage_all
        for a, b, steps, ln_time in zip(found.end.tolist(), found.start.tolist(), found.steps.tolist(), found.ln_time.tolist()):
            report.line(
                f"KMC> minimum {a + 1:8d} hit in {steps:12.0f} KMC steps in time {g_of_ln(ln_time)} "
                f"expected steps= {g_of_ln(expected[b])}"
            )
    ln_mean, error = found.ln_mean()
    report.line(
        f"KMC> mean first passage time {product}<-{reactant} {g_of_ln(ln_mean)} +- {g_of_ln(ln_mean + np.log(error))} from "
        f"{runs} runs, {found.steps.sum():.0f} steps; exact {g_of_ln(exact.ln_mfpt)}"
    )
    report.line(f"KMC> rate constant {product}<-{reactant} {g_of_ln(-ln_mean)}")
    return True, files


def committor_walks(setup, network, product, reactant, values, report):
    """KMCCOMMIT: walks from each reactant minimum to the product or back to a reactant, with committors by over-relaxation.

    With the fraction C_b of the walks from b that end in the product and their mean duration t_b the non-steady-state rate
    constant is sum_b p_b/P_B C_b/t_b. The committors of the neighbours of b give C_b without sampling.
    """
    from pathsample.kinetics.first_step import committors

    if not connected_part(network)[1]:
        report.line("KMC> A and B are not connected")
        return False, []
    runs = max(int(values.runs), 1)
    exact = transform(network)
    exact = exact.ab if product == "A" else exact.ba
    start = np.full(network.n_minima, 0.5)
    probability, sweeps, change = committors(
        network, product, reactant, start, values.sweeps, values.convergence, values.omega
    )
    report.line(f"KMC> committors after {sweeps:8d} sweeps, largest relative change {g(change, 15, 5)}")
    indptr, indices, ln_p = network.ln_branching()
    final = np.zeros(network.n_minima, dtype=bool)
    final[network.sets["A"]] = final[network.sets["B"]] = True
    walker, unit = make_walker(network, final, np.random.SeedSequence(setup.seed), values.threshold)
    ends = np.zeros(network.n_minima, dtype=bool)
    ends[network.sets[product]] = True
    terms, relaxed, longest = [], [], int(values.steps)
    share = network.ln_occupation(exact.sources)
    for k, source in enumerate(exact.sources.tolist()):
        hits, ended, total = 0, 0, 0.0
        for _ in range(runs):
            walker.start(source)
            reached = walker.advance(longest)
            if reached >= 0:
                ended += 1
                hits += bool(ends[reached])
                total += walker.time
            stop.raise_if_requested()
        row = slice(indptr[source], indptr[source + 1])
        leave = float(np.exp(ln_p[row]) @ probability[indices[row]])
        fraction = hits / ended if ended else float("nan")
        ln_time = float(np.log(total / ended)) + unit if ended else float("nan")
        report.line(
            f"KMC> for {reactant} minimum {source + 1:8d} walks={ended:8d} broken off={runs - ended:8d} fraction to {product}="
            f"{g(fraction, 20, 10)} by committors {g(leave, 20, 10)} exact {g_of_ln(exact.ln_leave[k])} mean time "
            f"{g_of_ln(ln_time)} exact {g_of_ln(exact.ln_tau_reduced[k])}"
        )
        with np.errstate(divide="ignore"):
            terms.append(share[k] + np.log(fraction) - ln_time)
            relaxed.append(share[k] + np.log(leave) - ln_time)
    report.line(
        f"KMC> kNSS({product}<-{reactant}) from walks {g_of_ln(ln_sum(terms))} with committors {g_of_ln(ln_sum(relaxed))} "
        f"exact {g_of_ln(exact.ln_knss)}"
    )
    return True, []

"""The distribution of first-passage times from one set to the other.

With the product removed, the symmetrised rate matrix S_ij = c_ij/sqrt(w_i w_j), S_ii = -sum_j c_ij/w_i has eigenvalues
-lambda_k, and from equilibrium within the reactants

    p(t) = sum_k a_k lambda_k exp(-lambda_k t).

Moments do not come from the eigenvalues but from subtraction-free elimination, which keeps all digits where the rates span more
decades than double precision holds; eigenvalues that span many decades come from the method of `spectrum`, and the slowest is
refined by inverse iteration.
"""

from dataclasses import dataclass

import numpy as np

from common.atomic import atomic_write
from common.formats.fortran import g, g_lines
from pathsample.kinetics.numbers import g_of_ln
from pathsample.kinetics.rates import RateNetwork, ln_sum, sum_by_group
from pathsample.kinetics.spectrum import MOST_FOR_JACOBI, MOST_MINIMA, WELL_CONDITIONED, spectrum

#: Points of the printed distributions, and where their grids begin and end in units of the extreme relaxation times.
LINEAR_POINTS, LINEAR_RANGE = 10000, (0.5, 2.0)
LOG_POINTS, LOG_RANGE = 10001, (0.005, 200.0)
#: The slowest mode has converged when the estimates of ln lambda from its largest and smallest growth differ by less.
MODE_TOLERANCE = 1e-12


@dataclass
class Passage:
    """First passage from a set of minima to another.

    Attributes
    ----------
    ln_mean, ln_second : float
        ln of the first two moments of the passage time.
    rates : ndarray of shape (k,)
        Relaxation rates lambda in units of exp(ln_unit), ascending.
    amplitudes : ndarray of shape (k,)
        a_k; they sum to 1.
    ln_unit : float
    slowest_error : float
        Relative change of the slowest rate on refinement.
    eliminated : int
        Minima that were eliminated first.
    modes : spectrum.Spectrum or None
    """

    ln_mean: float
    ln_second: float
    rates: np.ndarray
    amplitudes: np.ndarray
    ln_unit: float
    slowest_error: float
    eliminated: int = 0
    modes: object = None

    @property
    def ln_deviation(self):
        """ln of the standard deviation."""
        ratio = np.exp(2 * self.ln_mean - self.ln_second)
        return 0.5 * (self.ln_second + np.log1p(-ratio)) if ratio < 1 else -np.inf

    def density(self, t):
        """p(t), t and p in units of exp(-ln_unit) and exp(ln_unit)."""
        return self._sum(t, lambda x: self.amplitudes * self.rates * np.exp(-x))

    def fraction(self, t):
        """Fraction of the transitions completed within t."""
        return self._sum(t, lambda x: -self.amplitudes * np.expm1(-x))

    def early_mean(self, t):
        """Mean passage time of the transitions completed within t."""

        def part(x):
            series = x * x * (0.5 - x / 3.0 + x * x / 8.0 - x**3 / 30.0)
            exact = -np.expm1(-x) - x * np.exp(-x)
            return self.amplitudes / self.rates * np.where(x < 1e-2, series, exact)

        return self._sum(t, part) / self.fraction(t)

    def _sum(self, t, term):
        """Sum over the modes, in blocks of times so that memory stays small."""
        t = np.asarray(t, dtype=float)
        out = np.empty(len(t))
        for k in range(0, len(t), 200):
            out[k : k + 200] = term(t[k : k + 200, None] * self.rates).sum(axis=1)
        return out


def moments(network: RateNetwork, product="A", reactant="B"):
    """First two moments of the passage time, and the slowest relaxation rate, without an eigenvalue solver.

    The second moment obeys the equations of the first with masses 2 w_i T_i in place of w_i. Repeating this with the last
    solution is inverse iteration of positive vectors, which converges to the slowest mode.

    Returns
    -------
    ln_mean, ln_second : float
    ln_slowest, ln_amplitude : float
        ln of the smallest relaxation rate and of its amplitude (ln of its magnitude).
    """
    from pathsample.kinetics._graph_transformation import Elimination
    from pathsample.kinetics.graph_transformation import connected_part

    nodes, _ = connected_part(network)
    place = np.full(network.n_minima, -1, dtype=np.int64)
    place[nodes] = np.arange(len(nodes))
    low, high, ln_c = network.merged()
    inside = place[low] >= 0
    ln_w = network.ln_weight[nodes]
    elimination = Elimination(len(nodes), place[low[inside]], place[high[inside]], ln_c[inside], ln_w)
    final = np.zeros(len(nodes), dtype=bool)
    final[place[network.sets[product]]] = True
    elimination.eliminate(~final)
    nothing = np.full(len(nodes), -np.inf)
    sources = place[network.sets[reactant]]
    share = network.ln_occupation(network.sets[reactant])
    first = elimination.solve(nothing, True)
    elimination.set_mass(ln_w + first + np.log(2.0))
    second = elimination.solve(nothing, True)
    free = ~final
    vector = first
    for _ in range(500):
        elimination.set_mass(ln_w + vector)
        new = elimination.solve(nothing, True)
        growth = new[free] - vector[free]
        vector = new - new[free].max()
        if growth.max() - growth.min() < MODE_TOLERANCE:
            break
    elimination.set_mass(ln_w + vector)
    new = elimination.solve(nothing, True)
    # Rayleigh quotient in the metric of the weights
    norm = ln_sum((ln_w + 2 * vector)[free])
    ln_slowest = norm - ln_sum((ln_w + vector + new)[free])
    ln_amplitude = ln_sum(share + vector[sources]) + ln_sum((ln_w + vector)[free]) - norm
    return float(ln_sum(share + first[sources])), float(ln_sum(share + second[sources])), float(ln_slowest), float(ln_amplitude)


def _sojourn(n, low, high, ln_c, ln_start, final):
    """ln of the mean time spent in each node before the final ones, over its weight; ln_start is the first distribution."""
    from pathsample.kinetics._graph_transformation import Elimination

    elimination = Elimination(n, low, high, ln_c, ln_start)
    elimination.eliminate(~final)
    return elimination.solve(np.full(n, -np.inf), True)


def passage(network: RateNetwork, product="A", reactant="B", most=None):
    """The first-passage-time distribution of a network.

    The eigenvalues come from an ordinary solver while they span few decades, otherwise from `spectrum`; of a network too large
    for that the minima with the shortest waiting times are eliminated first, which replaces their fluctuations by means.

    Parameters
    ----------
    network : RateNetwork
    product, reactant : {"A", "B"}
    most : int, optional
        Minima that the accurate method is used for at most.

    Raises
    ------
    ValueError
        More than `spectrum.MOST_MINIMA` minima.
    """
    from pathsample.kinetics.graph_transformation import connected_part

    most = MOST_FOR_JACOBI if most is None else most
    ln_mean, ln_second, ln_slowest, ln_amplitude = moments(network, product, reactant)
    nodes, _ = connected_part(network)
    if len(nodes) - len(network.sets[product]) > MOST_MINIMA:
        raise ValueError(f"{len(nodes)} minima; the rate matrix of at most {MOST_MINIMA} is diagonalised")
    place = np.full(network.n_minima, -1, dtype=np.int64)
    place[nodes] = np.arange(len(nodes))
    low, high, ln_c = network.merged()
    inside = place[low] >= 0
    low, high, ln_c, ln_w = place[low[inside]], place[high[inside]], ln_c[inside], network.ln_weight[nodes]
    target, sources = place[network.sets[product]], place[network.sets[reactant]]
    ln_share = network.ln_occupation(network.sets[reactant])
    ln_fastest = float((network.ln_escape()[nodes] - ln_w).max())
    jacobi = ln_slowest - ln_fastest < np.log(WELL_CONDITIONED)
    eliminated = 0
    if jacobi and len(nodes) - len(target) > most:
        stays = np.zeros(len(nodes), dtype=bool)
        stays[np.argsort(network.ln_escape()[nodes] - ln_w, kind="stable")[:most]] = True
        stays[target] = stays[sources] = True
        left, low, high, ln_c, ln_w = _reduced(len(nodes), low, high, ln_c, ln_w, stays)
        eliminated = len(nodes) - len(left)
        new = np.full(len(nodes), -1, dtype=np.int64)
        new[left] = np.arange(len(left))
        target, sources = new[target], new[sources]
    n = len(ln_w)
    modes = spectrum(n, low, high, ln_c, ln_w, target, jacobi)
    final = np.zeros(n, dtype=bool)
    final[target] = True
    start = np.full(n, -np.inf)
    start[sources] = ln_share
    amplitudes = _amplitudes(modes, low, high, ln_c, ln_w, start, final)
    slowest = np.exp(ln_slowest - modes.ln_unit)
    values = modes.rates
    error = abs(values[0] / slowest - 1) if slowest > 0 else np.inf
    values[0], amplitudes[0] = max(slowest, np.finfo(float).tiny), np.exp(ln_amplitude)
    # what an eigenvalue solver could not tell from zero is at least as fast as the slowest mode
    values = np.maximum(values, values[0])
    return Passage(ln_mean, ln_second, values, amplitudes, modes.ln_unit, float(error), eliminated, modes)


def _reduced(n, low, high, ln_c, ln_w, stays):
    """Nodes, edges and masses after the elimination of the nodes that do not stay."""
    from pathsample.kinetics._graph_transformation import Elimination

    elimination = Elimination(n, low, high, ln_c, ln_w)
    elimination.eliminate(~stays)
    return elimination.remaining()


def _amplitudes(modes, low, high, ln_c, ln_w, ln_start, final):
    """Amplitudes a_k = (sum_i p_i u_ik / sqrt(w_i)) (sum_j sqrt(w_j) u_jk) of the modes u_k for a first distribution p.

    Each factor has a second form, through S u_k = lambda_k u_k: with the times that are spent in the minima on the way, and
    with the conductances into the target. The one in which an error of rounding in u_k counts least is taken, mode by mode.
    """
    nodes, rates, u = modes.nodes, np.maximum(modes.rates, np.finfo(float).tiny), modes.vectors
    top = ln_w[nodes].max()
    ln_half = 0.5 * (ln_w[nodes] - top)
    ln_times = _sojourn(len(ln_w), low, high, ln_c, ln_start, final)[nodes] + top + modes.ln_unit
    into = final[low] != final[high]
    ln_into = sum_by_group(len(ln_w), np.where(final[low], high, low)[into], ln_c[into])[nodes] - top - modes.ln_unit

    def factor(vectors):
        """Of several (ln of a vector, ln of a factor per mode) the one with the smallest bound, per mode."""
        best, bound = None, None
        for ln_vector, ln_factor in vectors:
            ln_size = 0.5 * ln_sum(2 * ln_vector)
            ln_bound = ln_size + ln_factor
            value = (np.exp(ln_vector - ln_size) @ u) * np.exp(np.minimum(ln_bound, 700.0))
            best = value if best is None else np.where(ln_bound < bound, value, best)
            bound = ln_bound if bound is None else np.minimum(bound, ln_bound)
        return best

    still, ln_rates = np.zeros(len(rates)), np.log(rates)
    arriving = factor([(ln_start[nodes] - ln_half, still), (ln_times + ln_half, ln_rates)])
    leaving = factor([(ln_half, still), (ln_into - ln_half, -ln_rates)])
    return arriving * leaving


def distributions(setup, database, network, report):
    """WAITPDF: print mean and standard deviation, write wait.rates, MFPT.to.A and .B and the distributions in both directions.

    Returns
    -------
    passed : bool
    files : list of str
    """
    from pathsample.kinetics.eigenmodes import write_eigenmodes
    from pathsample.kinetics.exact_rates import write_passage_times
    from pathsample.kinetics.graph_transformation import connected_part, transform

    if not connected_part(network)[1]:
        report.line("waitpdf> A and B are not connected")
        return False, []
    kt = setup.settings["TEMPERATURE"].kt
    kt = setup.settings["ENERGY"].energy if kt is None else kt
    files, found = [], {}
    for product, reactant in (("A", "B"), ("B", "A")):
        try:
            result = found[product] = passage(network, product, reactant)
        except ValueError as error:
            report.line(f"waitpdf> {error}; NGT gives the mean for networks of any size")
            return False, files
        report.line(
            f"waitpdf> T, {product}<-{reactant} <tau>, <tau**2>, sd={g(kt, 20, 10)}"
            + "".join(g_of_ln(v, 20, 10, 4) for v in (result.ln_mean, result.ln_second, result.ln_deviation))
        )
        report.line(
            f"waitpdf> eigenvalues: smallest {g_of_ln(np.log(result.rates[0]) + result.ln_unit, 20, 10, 4)} largest "
            f"{g_of_ln(np.log(result.rates[-1]) + result.ln_unit, 20, 10, 4)}, the smallest corrected by "
            f"{result.slowest_error:.1e} of itself"
        )
        if result.eliminated:
            report.line(
                f"waitpdf> {result.eliminated} minima with the shortest waiting times were eliminated first; their passage "
                "counts with its mean"
            )
        files += write_distributions(setup, result, product + reactant, kt, report)
        if setup.settings.given("WAITPDFPRINT"):
            files += write_eigenmodes(setup, network, result, product, reactant, kt, report)
    files += write_passage_times(setup, network, transform(network))
    row = [g(kt, 15, 5, 4)]
    row += [g_of_ln(-found[x].ln_mean, 15, 5, 4) for x in "AB"]
    for x in "AB":
        row += [g_of_ln(found[x].ln_mean, 15, 5, 4), g_of_ln(found[x].ln_deviation, 15, 5, 4)]
    with atomic_write(setup.directory / "wait.rates") as file:
        file.write("".join(row) + "\n")
    return True, ["wait.rates", *files]


def write_distributions(setup, result, way, kt, report):
    """waitpdfAB.T, waitlnpdfAB.T and tobsAB.T on the classic grids.

    The densities are left out where times in the unit of the database are outside double precision.
    """
    ln_long = -np.log(result.rates[0]) - result.ln_unit
    if not abs(ln_long) < 690 or not abs(result.ln_unit) < 690:
        report.line(f"waitpdf> times {way} are outside the range of the files; no distribution is written")
        return []
    unit = np.exp(-result.ln_unit)
    slow, fast = result.rates[0], result.rates[-1]
    t = np.linspace(LINEAR_RANGE[0] / fast, LINEAR_RANGE[1] / slow, LINEAR_POINTS)
    report.line(
        f"waitpdf> Setting min/max time and increment to {g(t[0] * unit, 20, 10)}{g(t[-1] * unit, 20, 10)}"
        f"{g((t[1] - t[0]) * unit, 20, 10)}"
    )
    label = f"{way}.{kt:.5f}"
    y = np.linspace(np.log(LOG_RANGE[0] / fast), np.log(LOG_RANGE[1] / slow), LOG_POINTS)
    in_ln = np.exp(y) * result.density(np.exp(y))
    with np.errstate(invalid="ignore", divide="ignore"):
        early = result.early_mean(np.exp(y))
    tables = {
        f"waitpdf{label}": g_lines(np.column_stack([t * unit, result.density(t) / unit]), 20, 10, 2),
        f"waitlnpdf{label}": g_lines(np.column_stack([y - result.ln_unit, in_ln, in_ln]), 20, 10, 3, 4),
        f"tobs{label}": g_lines(np.column_stack([y - result.ln_unit, early * unit]), 20, 10, 2),
    }
    for name, text in tables.items():
        with atomic_write(setup.directory / name) as file:
            file.write(text)
    return list(tables)

"""The distribution of first-passage times from one set to the other.

With the product removed, the symmetrised rate matrix S_ij = c_ij/sqrt(w_i w_j), S_ii = -sum_j c_ij/w_i has eigenvalues
-lambda_k, and from equilibrium within the reactants

    p(t) = sum_k a_k lambda_k exp(-lambda_k t).

Moments do not come from the eigenvalues but from subtraction-free elimination, which keeps all digits where the rates span more
decades than double precision holds; the slowest mode, which the eigenvalue solver loses first, is refined in the same way.
"""

from dataclasses import dataclass

import numpy as np

from common.atomic import atomic_write
from common.formats.fortran import g, g_lines
from pathsample.kinetics.numbers import g_of_ln
from pathsample.kinetics.rates import RateNetwork, ln_sum

#: Points of the printed distributions, and where their grids begin and end in units of the extreme relaxation times.
LINEAR_POINTS, LINEAR_RANGE = 10000, (0.5, 2.0)
LOG_POINTS, LOG_RANGE = 10001, (0.005, 200.0)
#: Largest number of minima whose rate matrix is diagonalised: its eigenvectors take 0.3 GB.
MOST_MINIMA = 6000
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
    """

    ln_mean: float
    ln_second: float
    rates: np.ndarray
    amplitudes: np.ndarray
    ln_unit: float
    slowest_error: float

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


def passage(network: RateNetwork, product="A", reactant="B"):
    """The first-passage-time distribution of a network.

    Raises
    ------
    ValueError
        More than `MOST_MINIMA` minima.
    """
    from scipy.linalg import eigh

    from pathsample.kinetics.graph_transformation import connected_part

    ln_mean, ln_second, ln_slowest, ln_amplitude = moments(network, product, reactant)
    nodes, _ = connected_part(network)
    free = nodes[~np.isin(nodes, network.sets[product])]
    if len(free) > MOST_MINIMA:
        raise ValueError(f"{len(free)} minima; the rate matrix of at most {MOST_MINIMA} is diagonalised")
    place = np.full(network.n_minima, -1, dtype=np.int64)
    place[free] = np.arange(len(free))
    ln_escape, ln_w = network.ln_escape(), network.ln_weight
    ln_unit = float((ln_escape - ln_w)[free].max())
    low, high, ln_c = network.merged()
    inside = (place[low] >= 0) & (place[high] >= 0)
    low, high = low[inside], high[inside]
    matrix = np.zeros((len(free), len(free)))
    matrix[place[high], place[low]] = -np.exp(ln_c[inside] - 0.5 * (ln_w[low] + ln_w[high]) - ln_unit)
    matrix[np.arange(len(free)), np.arange(len(free))] = np.exp((ln_escape - ln_w)[free] - ln_unit)
    values, vectors = eigh(matrix, lower=True, overwrite_a=True)
    half = np.exp(0.5 * (ln_w[free] - ln_w[free].max()))
    start = np.where(np.isin(free, network.sets[reactant]), half, 0.0)
    amplitudes = (half @ vectors) * (start @ vectors) / (start @ start)
    slowest = np.exp(ln_slowest - ln_unit)
    error = abs(values[0] / slowest - 1) if slowest > 0 else np.inf
    values[0], amplitudes[0] = max(slowest, np.finfo(float).tiny), np.exp(ln_amplitude)
    # what the eigenvalue solver could not tell from zero is at least as fast as the slowest mode
    values = np.maximum(values, values[0])
    return Passage(ln_mean, ln_second, values, amplitudes, ln_unit, float(error))


def distributions(setup, network, report):
    """WAITPDF: print mean and standard deviation, write wait.rates and the distributions in both directions.

    Returns
    -------
    passed : bool
    files : list of str
    """
    from pathsample.kinetics.graph_transformation import connected_part

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
        files += write_distributions(setup, result, product + reactant, kt, report)
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

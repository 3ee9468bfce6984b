"""Complexity of the spherical p-spin model, and how its minima gather as the number of spins grows.

    lim (1/N) ln E[number of stationary points of index k with H < N u] = Theta_k(u)

    Theta_k(u) = ln(p - 1)/2 - (p - 2) u^2 / (4 (p - 1)) - (k + 1) I(u)   for u <= -E_inf
               = ln(p - 1)/2 - (p - 2)/p                                  above,
    E_inf = 2 sqrt((p - 1)/p),
    I(u) = -u sqrt(u^2 - E_inf^2)/E_inf^2 - ln(-u + sqrt(u^2 - E_inf^2)) + ln E_inf

(Auffinger, Ben Arous and Cerny, Commun. Pure Appl. Math. 66, 165 (2013), theorems 2.5 and 2.8 and eqs 2.14-2.16; Ballard et
al., Phys. Chem. Chem. Phys. 19, 12585 (2017), figs 12-14). ``python -m pathsample.learning.spin_glass`` writes the figures.
"""

import argparse
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np


def threshold(p=3):
    """-E_inf, the energy per spin of the bulk of the minima."""
    _check(p)
    return -2.0 * math.sqrt((p - 1.0) / p)


def rate(u, p=3):
    """I(u), the rate function of the smallest eigenvalue: 0 from -E_inf up.

    Parameters
    ----------
    u : array_like
        Energy per spin.
    p : int
        At least 3.
    """
    edge = -threshold(p)
    v = np.maximum(-np.asarray(u, dtype=float), edge)
    root = np.sqrt(v * v - edge * edge)
    return v * root / edge**2 - np.log((v + root) / edge)


def complexity(u, k=0, p=3):
    """Theta_k(u), logarithm per spin of the mean number of stationary points of index k below energy u per spin.

    Parameters
    ----------
    u : array_like
    k : int or None
        Index; None counts all stationary points, which are more numerous above -E_inf.
    p : int

    Returns
    -------
    ndarray or float
        Of the shape of u.
    """
    _check(p)
    u = np.asarray(u, dtype=float)
    if k is None:
        capped = np.minimum(u, 0.0)
        return 0.5 * math.log(p - 1.0) - (p - 2.0) / (4.0 * (p - 1.0)) * capped**2 - rate(capped, p)
    if k < 0:
        raise ValueError(f"an index is not negative, got {k}")
    capped = np.minimum(u, threshold(p))
    return 0.5 * math.log(p - 1.0) - (p - 2.0) / (4.0 * (p - 1.0)) * capped**2 - (k + 1) * rate(capped, p)


def lowest_level(k=0, p=3):
    """-E_k, where Theta_k is 0: no stationary points of index k below it; k = 0 is the energy of the ground state."""
    from scipy.optimize import brentq

    edge = threshold(p)
    return float(brentq(lambda u: float(complexity(u, k, p)), 10.0 * edge, edge, xtol=1e-14))


def _check(p):
    if p < 3:
        raise ValueError(f"p must be at least 3, got {p}")


@dataclass(frozen=True)
class Quenches:
    """Minima of one size.

    Attributes
    ----------
    n_spins : int
    energies : ndarray of shape (n_samples, n_quenches)
        Energy per spin, one row for each set of couplings.
    n_saddles : int
        Quenches that ended in something else than a minimum; nan in ``energies``.
    """

    n_spins: int
    energies: np.ndarray
    n_saddles: int

    @property
    def mean(self):
        """Mean energy per spin."""
        return float(np.nanmean(self.energies))

    @property
    def variance(self):
        """Variance of the energy per spin, over all quenches and samples."""
        return float(np.nanvar(self.energies, ddof=1))

    @property
    def variance_error(self):
        """Standard error of the variance, by leaving out one sample at a time (one quench, where there is one sample)."""
        rows = self.energies if len(self.energies) > 1 else self.energies.T
        n = len(rows)
        if n < 3:
            return math.nan
        left = np.array([np.nanvar(np.delete(rows, j, axis=0), ddof=1) for j in range(n)])
        return float(math.sqrt((n - 1) / n * ((left - left.mean()) ** 2).sum()))


def quench(n_spins, n_quenches, n_samples=1, p=3, seed=1, rms=1e-6):
    """Quench random points of the sphere.

    Parameters
    ----------
    n_spins, n_quenches, n_samples : int
        Starts for each of several sets of couplings.
    p : int
    seed : int
        Of the first set of couplings, and of the starts.
    rms : float
        RMS gradient of a quench.

    Returns
    -------
    Quenches
    """
    from common.lbfgs import minimise
    from potentials.characterise import hessian_spectrum
    from potentials.pspin import SphericalPSpin

    energies, saddles = np.full((n_samples, n_quenches), np.nan), 0
    for sample in range(n_samples):
        potential = SphericalPSpin.from_seed(n_spins, p, seed + sample)
        rng = np.random.default_rng([seed, n_spins, sample])
        for k in range(n_quenches):
            result = minimise(potential, potential.random_coordinates(rng), rms=rms, max_step=1.0, max_iterations=100_000)
            if result.converged and hessian_spectrum(potential, result.coordinates).index == 0:
                energies[sample, k] = result.energy / n_spins
            else:
                saddles += 1
    return Quenches(n_spins, energies, saddles)


def draw(figure, results, p=3):
    """Histogram (fig 12), complexity (fig 13) and variance against N (fig 14)."""
    from matplotlib.ticker import NullFormatter

    left, middle, right = figure.subplots(1, 3)
    ground, edge = lowest_level(0, p), threshold(p)
    values = [r.energies[np.isfinite(r.energies)] for r in results]
    low = min(ground, *(v.min() for v in values))
    bins = np.linspace(low - 0.01, max(v.max() for v in values) + 0.01, 41)
    for k, (r, v) in enumerate(zip(results, values)):
        shade = f"C{k}"
        left.hist(v, bins=bins, density=True, histtype="step", color=shade, linewidth=1.2, label=f"N = {r.n_spins}")
    left.axvline(ground, color="k", linestyle="--", linewidth=0.8, label=rf"$-E_0$ = {ground:.3f}")
    left.axvline(edge, color="k", linestyle=":", linewidth=0.8, label=rf"$-E_\infty$ = {edge:.3f}")
    left.set_xlabel("energy per spin")
    left.set_ylabel("probability density")
    left.legend(frameon=False, fontsize=7)
    u = np.linspace(ground - 0.01, edge + 0.012, 400)
    for k in (0, 1, 2, 50):
        middle.plot(u, complexity(u, k, p), label=f"k = {k}")
    middle.axhline(0.0, color="k", linewidth=0.5)
    middle.axvline(edge, color="k", linestyle=":", linewidth=0.8)
    height = float(complexity(edge, 0, p))
    middle.set_ylim(-0.9 * height, 1.3 * height)
    middle.set_xlabel("u")
    middle.set_ylabel(r"$\Theta_k(u)$")
    middle.legend(frameon=False, fontsize=7)
    sizes = np.array([r.n_spins for r in results], dtype=float)
    variances, errors = (np.array([getattr(r, name) for r in results]) for name in ("variance", "variance_error"))
    right.errorbar(sizes, variances, yerr=errors, fmt="o", color="C0", capsize=2)
    if len(results) > 1:
        slope, constant = np.polyfit(np.log(sizes), np.log(variances), 1)
        right.plot(sizes, np.exp(constant) * sizes**slope, color="0.5", linewidth=0.8, label=rf"$N^{{{slope:.2f}}}$")
        right.legend(frameon=False, fontsize=7)
    right.set_xscale("log")
    right.set_yscale("log")
    right.yaxis.set_minor_formatter(NullFormatter())
    right.set_xlabel("N")
    right.set_ylabel("variance of the energy per spin")


def table(results, p=3):
    """Lines of the table that the command prints."""
    lines = [f"# p = {p}: -E_0 = {lowest_level(0, p):.6f}, -E_inf = {threshold(p):.6f}; "]
    lines[0] += ", ".join(f"-E_{k} = {lowest_level(k, p):.6f}" for k in (1, 2, 50))
    lines.append("#      N  minima  saddles        mean      lowest     variance        error")
    for r in results:
        lines.append(
            f"{r.n_spins:8d}{np.isfinite(r.energies).sum():8d}{r.n_saddles:9d}{r.mean:12.6f}{np.nanmin(r.energies):12.6f}"
            f"{r.variance:13.4e}{r.variance_error:13.1e}"
        )
    return lines


def main(argv=None):
    """Quench spin glasses of several sizes and write spin_glass, spin_glass.pdf, spin_glass.png and figures.json."""
    parser = argparse.ArgumentParser(prog="python -m pathsample.learning.spin_glass", description=main.__doc__)
    parser.add_argument("--spins", type=int, nargs="+", default=[10, 20, 50, 100], help="sizes (default: 10 20 50 100)")
    parser.add_argument("--quenches", type=int, default=50, help="starts for each set of couplings (50)")
    parser.add_argument("--samples", type=int, default=10, help="sets of couplings (10; the paper has 1)")
    parser.add_argument("-p", type=int, default=3, help="order of the interaction (3)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the couplings and starts (1)")
    parser.add_argument("--output", type=Path, default=Path("spin_glass"), help="name of the table; .pdf and .png are added")
    options = parser.parse_args(argv)
    if min(options.spins) < 3 or min(options.quenches, options.samples) < 1 or options.p < 3:
        parser.error("expected at least 3 spins, 1 quench, 1 sample and p = 3")
    results = []
    for n in sorted(set(options.spins)):
        results.append(quench(n, options.quenches, options.samples, options.p, options.seed))
        print(table(results, options.p)[-1], flush=True)
    from matplotlib.figure import Figure

    from common.atomic import atomic_write

    with atomic_write(options.output) as file:
        file.writelines(f"{line}\n" for line in table(results, options.p))
    figure = Figure(figsize=(11.0, 3.4), layout="constrained")
    draw(figure, results, options.p)
    for suffix in (".pdf", ".png"):
        figure.savefig(options.output.with_name(options.output.name + suffix), dpi=150)
    figures = {"ground": lowest_level(0, options.p), "threshold": threshold(options.p)}
    for r in results:
        figures |= {f"mean_{r.n_spins}": r.mean, f"variance_{r.n_spins}": r.variance}
    with atomic_write(options.output.with_name("figures.json")) as file:
        file.write(json.dumps(figures, indent=1) + "\n")
    print(table(results, options.p)[0])
    return 0


if __name__ == "__main__":
    sys.exit(main())

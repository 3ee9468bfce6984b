"""Heat capacity of the harmonic superposition, its peaks, and the minima that make them.

    ln Z_i = -E_i/kT + kappa_i ln(2 pi kT/h) - L_i/2 - ln h_i
    U_i = E_i + kappa_i kT,   C_V = <kappa> + (<U^2> - <U>^2)/(kT)^2

in units of Boltzmann's constant, with kappa_i non-zero Hessian eigenvalues of log product L_i (Ballard et al., Phys. Chem.
Chem. Phys. 19, 12585 (2017), eq. 5). Their number is the same for all minima but in networks whose biases are free: there the
bias of a hidden node that no weight connects is one more zero mode. A peak is where the occupation p_i moves from some minima
to others; the minima with the largest positive and negative d p_i/dT are those it leads to and from (Wales, Phys. Rev. E 95,
030105 (2017)).
"""

from dataclasses import dataclass

import numpy as np

from common.atomic import atomic_write
from common.formats.fortran import g, g_lines, i

#: Minima printed on either side of a peak.
CONTRIBUTORS = 5
#: Points between which a maximum is looked for, when the grid of the run is coarser.
SEARCH_POINTS = 400
#: A maximum counts when it stands out of its surroundings by this fraction of kappa plus one.
PROMINENCE = 1e-6
#: Numbers in one block of temperatures times minima.
BLOCK = 2_000_000


@dataclass
class Curve:
    """Thermodynamic functions over temperatures, each of shape (n_temperatures,).

    Attributes
    ----------
    kt, ln_z, energy, entropy, heat_capacity : ndarray
        ``energy`` is the internal energy, ``entropy`` and ``heat_capacity`` are in units of Boltzmann's constant.
    """

    kt: np.ndarray
    ln_z: np.ndarray
    energy: np.ndarray
    entropy: np.ndarray
    heat_capacity: np.ndarray


@dataclass
class Peak:
    """A maximum of the heat capacity.

    Attributes
    ----------
    kt, heat_capacity : float
    gaining, losing : list of (int, float)
        Minima (counted from 0) with the largest and smallest d p_i/d(kT).
    """

    kt: float
    heat_capacity: float
    gaining: list
    losing: list


class Superposition:
    """Harmonic superposition of minima.

    Parameters
    ----------
    energies, log_products, orders : ndarray of shape (n,)
    kappa : int or ndarray of shape (n,)
        Non-zero Hessian eigenvalues of a minimum; the attribute ``kappa`` is the smallest, ``more`` what each has beyond.
    planck : float
        Planck's constant in units of energy and time (classic keyword PLANCK).
    """

    def __init__(self, energies, log_products, orders, kappa, planck=1.0):
        self.energies = np.asarray(energies, dtype=float)
        self.zero = float(self.energies.min())
        self.ln_degeneracy = -np.asarray(log_products, dtype=float) / 2 - np.log(np.asarray(orders, dtype=float))
        modes = np.broadcast_to(np.asarray(kappa, dtype=np.int64), self.energies.shape)
        self.kappa = int(modes.min())
        self.more = modes - self.kappa
        self.ln_two_pi_over_h = np.log(2 * np.pi / planck)

    def lowest(self, count):
        """The superposition of the lowest minima only."""
        chosen = np.sort(np.argsort(self.energies, kind="stable")[:count])
        part = object.__new__(Superposition)
        part.energies, part.ln_degeneracy, part.more = self.energies[chosen], self.ln_degeneracy[chosen], self.more[chosen]
        part.zero, part.kappa, part.ln_two_pi_over_h = self.zero, self.kappa, self.ln_two_pi_over_h
        return part

    def occupation(self, kt):
        """p_i at one temperature, shape (n,)."""
        ln_p = self.ln_degeneracy - (self.energies - self.zero) / kt + self.more * (np.log(kt) + self.ln_two_pi_over_h)
        p = np.exp(ln_p - ln_p.max())
        return p / p.sum()

    def slope(self, kt):
        """d p_i / d(kT) = p_i (U_i - <U>)/kT^2, shape (n,)."""
        p = self.occupation(kt)
        excess = self.energies - self.zero + self.more * kt
        return p * (excess - p @ excess) / kt**2

    def curve(self, temperatures):
        """Thermodynamic functions at the temperatures (as kT)."""
        kt = np.atleast_1d(np.asarray(temperatures, dtype=float))
        excess = self.energies - self.zero
        ln_sum, mean, capacity = np.empty(len(kt)), np.empty(len(kt)), np.empty(len(kt))
        uneven = self.more.any()
        rows = max(BLOCK // len(excess), 1)
        for first in range(0, len(kt), rows):
            t = kt[first : first + rows, None]
            ln_p = self.ln_degeneracy - excess / t
            inner = excess
            if uneven:
                ln_p += self.more * (np.log(t) + self.ln_two_pi_over_h)
                inner = excess + self.more * t
            top = ln_p.max(axis=1, keepdims=True)
            p = np.exp(ln_p - top)
            total = p.sum(axis=1, keepdims=True)
            p /= total
            average = (p * inner).sum(axis=1)
            ln_sum[first : first + rows] = (top + np.log(total))[:, 0]
            mean[first : first + rows] = average
            capacity[first : first + rows] = p @ self.more + (p * ((inner - average[:, None]) / t) ** 2).sum(axis=1)
        ln_z = ln_sum - self.zero / kt + self.kappa * (np.log(kt) + self.ln_two_pi_over_h)
        energy = self.zero + mean + self.kappa * kt
        # S = ln Z + U/kT without the large terms in E_0/kT
        entropy = ln_sum + self.kappa * (np.log(kt) + self.ln_two_pi_over_h + 1) + mean / kt
        return Curve(kt, ln_z, energy, entropy, self.kappa + capacity)

    def peaks(self, lowest, highest, contributors=CONTRIBUTORS):
        """Maxima of the heat capacity inside a range of temperatures, ascending.

        Parameters
        ----------
        lowest, highest : float
        contributors : int
            Minima listed on either side.

        Returns
        -------
        list of Peak
        """
        from scipy.optimize import minimize_scalar
        from scipy.signal import find_peaks

        grid = np.geomspace(lowest, highest, SEARCH_POINTS)
        values = self.curve(grid).heat_capacity
        found = []
        for k in find_peaks(values, prominence=PROMINENCE * (self.kappa + 1))[0]:
            best = minimize_scalar(
                lambda t: -self.curve(t).heat_capacity[0],
                bounds=(grid[k - 1], grid[k + 1]),
                method="bounded",
                options={"xatol": 1e-10 * grid[k]},
            )
            slope = self.slope(best.x)
            order = np.argsort(slope, kind="stable")
            gaining = [(int(m), float(slope[m])) for m in order[::-1][:contributors] if slope[m] > 0]
            losing = [(int(m), float(slope[m])) for m in order[:contributors] if slope[m] < 0]
            found.append(Peak(float(best.x), float(-best.fun), gaining, losing))
        return found


def model_of(setup, database):
    """The harmonic superposition of all minima of a database."""
    from pathsample.thermodynamics.modes import modes_of_minima

    minima = database.minima_arrays()
    kappa = modes_of_minima(setup, database)
    return Superposition(minima["energy"], minima["log_product"], minima["order"], kappa, setup.settings["PLANCK"].h)


def heat_capacity(setup, database, model, report):
    """CV and CVMINIMA: write Cv.out (T, ln Z, U, S, C_V; 5G20.10), and Cv.out.n for the n lowest minima.

    The slopes d p_i/d(kT) at each peak become the properties cv_slope_1, cv_slope_2, ... of the minima, from the coldest peak.

    Returns
    -------
    list of str
        Files written.
    """
    values, kappa = setup.settings["CV"], model.kappa
    steps = int(np.floor((values.highest - values.lowest) / values.step + 1e-9))
    temperatures = values.lowest + values.step * np.arange(steps + 1)
    modes = f"{kappa}" if not model.more.any() else f"{kappa} to {kappa + int(model.more.max())}"
    report.line(f"CV> harmonic superposition of {len(model.energies)} minima with {modes} vibrational modes")
    if not kappa:
        report.line("CV> no coordinates and fewer than three atoms: vibrations are left out of the heat capacity")
    files = [_write(setup, "Cv.out", model.curve(temperatures))]
    peaks = model.peaks(values.lowest, values.highest)
    highest = max((peak.heat_capacity for peak in peaks), default=kappa)
    database.set_meta(
        "heat_capacity",
        f"cv_peaks={len(peaks)} cv_highest={highest:.6f} "
        + " ".join(f"cv_peak_{number}={peak.kt:.6g}" for number, peak in enumerate(peaks, 1)),
    )
    for number, peak in enumerate(peaks, 1):
        database.set_property(f"cv_slope_{number}", np.arange(1, len(model.energies) + 1), model.slope(peak.kt))
        report.line(f"CV> peak at T= {g(peak.kt, 20, 10)} Cv= {g(peak.heat_capacity, 20, 10)}")
        for text, members in (("gain occupation", peak.gaining), ("lose occupation", peak.losing)):
            for m, slope in members:
                energy = g(model.energies[m], 20, 10)
                report.line(f"CV> minima that {text}: {i(m + 1, 8)} energy {energy} dp/dT {g(slope, 20, 10)}")
    if setup.settings.given("CVMINIMA"):
        partial = setup.settings["CVMINIMA"]
        last = min(partial.last, len(model.energies))
        for count in sorted({*range(partial.first, last + 1, partial.step), last}):
            files.append(_write(setup, f"Cv.out.{count}", model.lowest(count).curve(temperatures)))
            report.line(f"CV> partial sum over the {count} lowest minima in Cv.out.{count}")
    return files


def _write(setup, name, curve):
    """One table."""
    columns = [curve.kt, curve.ln_z, curve.energy, curve.entropy, curve.heat_capacity]
    with atomic_write(setup.directory / name) as file:
        file.write(g_lines(np.column_stack(columns), 20, 10, 5))
    return name

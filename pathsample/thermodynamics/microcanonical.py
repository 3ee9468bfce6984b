"""DOS and MICROTHERM: the density of states of the harmonic superposition.

Each minimum contributes (E - E_i)^(kappa - 1)/(Gamma(kappa) prod_j h nu_j), divided by its point-group order (Wales, Energy
Landscapes, Cambridge University Press 2003, chapter 7). With the derivatives W' and W'' of the density W

    1/T = W'/W,   C = 1/(1 - W W''/W'^2)

in units of Boltzmann's constant; at a temperature the energy has the distribution W(E) exp(-E/kT)/Z.
"""

import numpy as np

from common.atomic import atomic_write
from common.formats.fortran import g, g_lines


def ln_density(model, energies, derivative=0):
    """ln of the density of states, or of one of its derivatives.

    Parameters
    ----------
    model : Superposition
        With at least one vibrational mode more than ``derivative``.
    energies : array_like of shape (m,)
    derivative : int

    Returns
    -------
    ndarray of shape (m,)
        -inf at and below the lowest minimum.
    """
    from scipy.special import gammaln

    from pathsample.kinetics.rates import ln_sum

    if model.kappa - 1 - derivative < 0:
        raise ValueError(f"{model.kappa} vibrational modes are too few")
    power = model.kappa + model.more - 1 - derivative
    constant = model.ln_degeneracy + (model.kappa + model.more) * model.ln_two_pi_over_h - gammaln(power + 1)
    out = np.full(len(energies), -np.inf)
    for k, energy in enumerate(np.asarray(energies, dtype=float).tolist()):
        excess = energy - model.energies
        open_ = excess > 0
        if open_.any():
            out[k] = ln_sum(constant[open_] + power[open_] * np.log(excess[open_]))
    return out


def grid(values):
    """Energies from the lowest to the highest of a keyword."""
    count = int(np.floor((values.highest - values.lowest) / values.step + 1e-9)) + 1
    return values.lowest + values.step * np.arange(count)


def density_of_states(setup, model, report):
    """DOS: write dos.out (2G20.10): energy, ln of the density of states. Whether it was possible, and the files."""
    if model.kappa < 1:
        report.line("dos> a density of states needs vibrational modes; set NATOMS")
        return False, []
    energies = grid(setup.settings["DOS"])
    with atomic_write(setup.directory / "dos.out") as file:
        file.write(g_lines(np.column_stack([energies, ln_density(model, energies)]), 20, 10, 2))
    report.line(f"dos> density of states at {len(energies)} energies in dos.out")
    return True, ["dos.out"]


def microcanonical_properties(setup, model, report):
    """MICROTHERM: write microtherm.out (5G20.10): energy, ln W, temperature, heat capacity, ln of the canonical distribution.

    Energies at or below the lowest minimum are left out.
    """
    if model.kappa < 3:
        report.line("microtherm> microcanonical properties need three vibrational modes at least; set NATOMS")
        return False, []
    values = setup.settings["MICROTHERM"]
    energies = grid(values)
    energies = energies[energies > model.zero]
    if not len(energies):
        report.line(f"microtherm> all energies are below the lowest minimum, {g(model.zero, 20, 10)}")
        return False, []
    ln_w, first, second = (ln_density(model, energies, k) for k in range(3))
    here = model.curve([values.kt])
    temperature = np.exp(ln_w - first)
    with np.errstate(divide="ignore"):
        capacity = 1.0 / -np.expm1(ln_w + second - 2 * first)
    canonical = ln_w - energies / values.kt - here.ln_z[0]
    with atomic_write(setup.directory / "microtherm.out") as file:
        file.write(g_lines(np.column_stack([energies, ln_w, temperature, capacity, canonical]), 20, 10, 5))
    report.line(
        f"microtherm> canonical at T= {g(values.kt, 20, 10)}: energy {g(here.energy[0], 20, 10)} heat capacity "
        f"{g(here.heat_capacity[0], 20, 10)}"
    )
    near = int(np.argmin(np.abs(energies - here.energy[0])))
    report.line(
        f"microtherm> microcanonical at E= {g(energies[near], 20, 10)}: T= {g(temperature[near], 20, 10)} heat capacity "
        f"{g(capacity[near], 20, 10)}"
    )
    return True, ["microtherm.out"]

"""SHANNON, SHANNONR and SHANNONZ: how many minima share the occupation, and how frustrated the landscape is.

With the occupation p_i and the energy of the lowest barrier V_i between minimum i and the global minimum 0

    S = -sum_i p_i ln p_i,   f = sum_{i > 0} p_i/(1 - p_0) (V_i - E_0)/(E_i - E_0)

(de Souza, Stevenson, Niblett, Farrell and Wales, J. Chem. Phys. 146, 124103 (2017)). The Z score is the gap below the others in
units of their spread, Z = (E_0 - <E>)/sigma, with averages over the minima i > 0 of weights p_i/(1 - p_0).
"""

import numpy as np

from common.atomic import atomic_write
from common.formats.fortran import g, g_lines, i
from pathsample.thermodynamics.microcanonical import grid


def shannon_entropy(p):
    """-sum p ln p."""
    p = p[p > 0]
    return float(-(p * np.log(p)).sum())


def barriers(energies, ts_energies, plus, minus, increment=0.0):
    """Energy of the lowest barrier between each minimum and the global minimum, shape (n,); inf where not connected.

    With an increment barriers are rounded up to the levels of a superbasin analysis that starts at the global minimum.
    """
    from pathsample.untrap import bottlenecks

    lowest = int(np.argmin(energies))
    level = bottlenecks(len(energies), ts_energies, plus, minus, [lowest])
    if increment > 0:
        zero = energies[lowest]
        with np.errstate(invalid="ignore"):
            level = zero + increment * np.ceil((level - zero) / increment)
    return level


def frustration(model, level, kt):
    """The frustration index; nan without a connected minimum above the global one."""
    lowest = int(np.argmin(model.energies))
    fit = np.isfinite(level) & (model.energies > model.energies[lowest])
    if not fit.any():
        return float("nan")
    ratio = (level[fit] - model.energies[lowest]) / (model.energies[fit] - model.energies[lowest])
    return float(_shares(model, fit, kt) @ ratio)


def z_score(model, kt):
    """(E_0 - <E>)/sigma over the minima above the global one; nan without two different energies there."""
    fit = np.ones(len(model.energies), dtype=bool)
    fit[int(np.argmin(model.energies))] = False
    if not fit.any():
        return float("nan")
    p, energy = _shares(model, fit, kt), model.energies[fit] - model.zero
    mean = p @ energy
    variance = p @ (energy - mean) ** 2
    return float(-mean / np.sqrt(variance)) if variance > 0 else float("nan")


def _shares(model, chosen, kt):
    """Occupations of some minima among themselves; in the logarithm, since the others may have all but nothing of it."""
    ln_p = model.ln_degeneracy - (model.energies - model.zero) / kt + model.more * (np.log(kt) + model.ln_two_pi_over_h)
    p = np.exp(ln_p[chosen] - ln_p[chosen].max())
    return p / p.sum()


def landscape_entropy(setup, database, model, name, report):
    """SHANNON, SHANNONR, SHANNONZ: write shannon.out (T, S, exp(S), and f or Z; G20.10) and minima.occupied (I8,G20.10).

    Returns
    -------
    passed : bool
    files : list of str
    """
    values = setup.settings[name]
    temperatures = grid(values)
    entropies = np.array([shannon_entropy(model.occupation(kt)) for kt in temperatures])
    columns = [temperatures, entropies, np.exp(entropies)]
    if name == "SHANNONR":
        states = database.ts_arrays()
        ends = states["plus"] - 1, states["minus"] - 1
        level = barriers(model.energies, states["energy"], *ends, values.increment)
        columns.append(np.array([frustration(model, level, kt) for kt in temperatures]))
    if name == "SHANNONZ":
        columns.append(np.array([z_score(model, kt) for kt in temperatures]))
    with atomic_write(setup.directory / "shannon.out") as file:
        file.write(g_lines(np.column_stack(columns), 20, 10, len(columns)))
    p = model.occupation(temperatures[-1])
    order = np.argsort(-p, kind="stable")[: values.count]
    with atomic_write(setup.directory / "minima.occupied") as file:
        file.writelines(f"{i(m + 1, 8)}{g(p[m], 20, 10)}\n" for m in order.tolist())
    report.line(
        f"shannon> landscape entropy {g(entropies[0], 20, 10)} at T= {g(temperatures[0], 20, 10)} and "
        f"{g(entropies[-1], 20, 10)} at T= {g(temperatures[-1], 20, 10)}"
    )
    return True, ["shannon.out", "minima.occupied"]

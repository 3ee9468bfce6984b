"""Keywords BASINVOLUME and BASINS: volumes of basins of attraction, number of minima, entropies."""

import math

import numpy as np

from common.atomic import atomic_write
from common.errors import InputError
from pathsample.basins.basin import Ball, Basin, Box
from pathsample.basins.entropy import entropies
from pathsample.basins.volume import basin_volume

TABLE = "basins"


def check(setup):
    """Refuse what makes no sense before anything is written."""
    settings, problems = setup.settings, []
    for name in ("BASINVOLUME", "BASINS"):
        if not settings.given(name):
            continue
        if setup.potential is None:
            problems.append(f"{settings.where(name)}: {name} needs coordinates; remove NOPOINTS")
        elif settings[name].descent == "STEEPEST" and not setup.potential.has_hessian:
            problems.append(f"{settings.where(name)}: {name}: STEEPEST needs a potential with a Hessian; use LBFGS")
    if not problems and settings.given("BASINS") and setup.potential.symmetry.n_zero:
        problems.append(
            f"{settings.where('BASINS')}: BASINS fills a box; this potential has {setup.potential.symmetry.n_zero} zero modes, "
            "along which a basin has no end; use BASINVOLUME"
        )
    if problems:
        raise InputError(problems)


def measure_basins(setup, database, report):
    """Do what the keywords say; returns the names of the files written."""
    written = []
    if setup.settings.given("BASINVOLUME"):
        _one_volume(setup, database, report)
    if setup.settings.given("BASINS"):
        written += _all_basins(setup, database, report)
    return written


def _one_volume(setup, database, report):
    values, where = setup.settings["BASINVOLUME"], setup.settings.where("BASINVOLUME")
    if values.minimum > database.n_minima:
        raise InputError(f"{where}: BASINVOLUME: no minimum {values.minimum}, there are {database.n_minima}")
    x = database.minimum(values.minimum).coordinates
    ball = Ball(x, values.radius)
    basin = Basin(setup.potential, x, ball, values.descent.lower())
    rng = np.random.default_rng(np.random.SeedSequence(setup.seed).spawn(3)[2])
    volume = basin_volume(basin, values.radius, rng, values.samples, values.walkers)
    database.set_property("log_volume", [values.minimum], [volume.log_volume])
    share = volume.log_volume - ball.log_volume(volume.n_dimensions)
    report.lines(
        [
            f"basins> minimum {values.minimum}, ball of radius {values.radius:g} in {volume.n_dimensions} dimensions, "
            f"{volume.n_springs} springs, {volume.n_quenches} quenches",
            f"basins> ln(volume) by MBAR         {volume.log_volume:14.6f} +- {volume.error:.6f}",
            f"basins> ln(volume) by Frenkel-Ladd {volume.log_volume_integrated:14.6f} +- {volume.error_integrated:.6f}",
            f"basins> share of the ball          {math.exp(share):14.6g}",
        ]
    )


def _all_basins(setup, database, report):
    values = setup.settings["BASINS"]
    potential, n = setup.potential, setup.n_variables
    box = Box(-values.width, values.width)
    rng = np.random.default_rng(np.random.SeedSequence(setup.seed).spawn(4)[3])
    descent = values.descent.lower()
    found, counts, lost = [], [], 0
    probe = Basin(potential, np.zeros(n), box, descent)
    for _ in range(values.starts):
        end = probe.quench(box.sample(rng, n))
        if end is None:
            lost += 1
            continue
        for k, basin in enumerate(found):
            if basin.is_minimum(end):
                counts[k] += 1
                break
        else:
            found.append(Basin(potential, end, box, descent))
            counts.append(1)
    if not found:
        raise InputError(f"{setup.settings.where('BASINS')}: BASINS: no quench converged")
    order = np.argsort([-c for c in counts], kind="stable")
    found, counts = [found[k] for k in order], np.array(counts)[order]
    volumes = []
    for basin in found:
        reach = float(np.linalg.norm(np.abs(basin.minimum) + values.width))
        volumes.append(basin_volume(basin, reach, rng, values.samples, values.walkers))
    logs, errors = (np.array([getattr(v, name) for v in volumes]) for name in ("log_volume", "error"))
    total = box.log_volume(n)
    result = entropies(logs, errors, counts, total, rng)
    lines = [
        f"# box [-{values.width:g}, {values.width:g}]^{n}, ln V = {total:.6f}, {counts.sum()} points, {lost} not converged",
        "# energy, points, share of points, share by volume (MBAR), error, ln v (MBAR), error, ln v (Frenkel-Ladd), error",
    ]
    for basin, count, v in zip(found, counts, volumes):
        share = math.exp(v.log_volume - total)
        lines.append(
            f"{basin.energy:20.12f}{count:8d}{count / counts.sum():12.6f}{share:12.6f}{share * v.error:12.6f}"
            f"{v.log_volume:14.6f}{v.error:10.6f}{v.log_volume_integrated:14.6f}{v.error_integrated:10.6f}"
        )
    figures = {
        "basins": len(found), "filled": np.exp(logs - total).sum(), "omega": result.omega, "omega_error": result.omega_error,
        "boltzmann": result.boltzmann, "boltzmann_error": result.boltzmann_error, "gibbs": result.gibbs,
        "gibbs_error": result.gibbs_error,
    }  # fmt: skip
    database.set_meta("basins", " ".join(f"{name}={value:.6g}" for name, value in figures.items()))
    with atomic_write(setup.directory / TABLE) as file:
        file.writelines(f"{line}\n" for line in lines)
    report.lines(
        [
            f"basins> {counts.sum()} points of the box fell into {len(found)} basins; their volumes fill "
            f"{np.exp(logs - total).sum():.4f} of it",
            f"basins> number of minima          {result.omega:14.6g} +- {result.omega_error:.3g}",
            f"basins> Boltzmann entropy         {result.boltzmann:14.6f} +- {result.boltzmann_error:.6f}",
            f"basins> Gibbs entropy             {result.gibbs:14.6f} +- {result.gibbs_error:.6f}",
        ]
    )
    return [TABLE]

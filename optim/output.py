"""The files that the program writes."""

import numpy as np

from common.atomic import atomic_write
from common.formats import energy_profile, min_data_info, path_info
from common.formats.fortran import f, g, g_lines
from common.formats.xyz import extended_frame, joined_frame, path_frame
from common.keywords import load_table
from optim.frames import join, path_frames
from potentials.selection import potential_table_path

#: Labels of path.xyz with PAIRCOLOUR: pair energy per atom below the first, below the second limit, above; the interior,
#: the surface and the weakly bound atoms of a Lennard-Jones cluster.
PAIR_LIMITS = (-9.0, -6.0)


def write_text(path, text):
    """Write a text file."""
    with atomic_write(path) as file:
        file.write(text)


def write_final_point(job, x, energy):
    """``points.final`` and ``odata.new``, the input that goes on from the final point in the layout of the classic program."""
    per_line = 3 if job.symbols else 1
    write_text(job.path("points.final"), g_lines(x, 25, 15, per_line))
    lines = [f"COMMENT   mylbfgs> Energy for last cycle={f(energy, 47, 10)}        "]
    lines += _classic_settings(job.keywords)
    potential = set(load_table(potential_table_path()))
    for line in job.keywords.echo():
        word = line.split()[0]
        # the container of a cluster does nothing at a stationary point within it
        if word in potential and word != "RADIUS":
            lines.append(line)
    if job.symbols:
        rows = g_lines(x, 20, 10).splitlines()
        lines += ["POINTS", *(f"{symbol:2.2}   {row}" for symbol, row in zip(job.symbols, rows, strict=True))]
    else:
        lines += ["VARIABLES", *g_lines(x, 25, 15, 1).splitlines()]
    write_text(job.path("odata.new"), "".join(f"{line}\n" for line in lines))


def _classic_settings(keywords):
    """The settings that a restart keeps, one line each."""
    lines = []
    for name, attribute in (("MAXMAX", "step"), ("PUSHOFF", "push")):
        if keywords.given(name):
            lines.append(f"{name:12}{f(getattr(keywords[name], attribute), 22, 10)}")
    if keywords.given("STEPS"):
        lines.append(f"STEPS{keywords['STEPS'].n:14d}")
    if keywords.given("UPDATES"):
        lines.append(f"UPDATES     {keywords['UPDATES'].n:6d}{keywords['UPDATES'].ritz:4d}")
    for name in ("BFGSCONV", "BFGSMIN"):
        if keywords.given(name):
            rms = keywords[name].rms
            lines += ["BFGSMIN    ", f"BFGSCONV{f(rms, 24, 10) if rms >= 1e-9 else g(rms, 24, 10)}"]
            break
    lines += [name for name in ("NOHESS", "NOIT") if keywords.given(name)]
    return lines


def write_energies(job, energies):
    """``energies``: one energy per step of the last minimisation."""
    write_text(job.path("energies"), "".join(f"{g(e, 30, 20)}\n" for e in energies))


def write_path_info(job, triples, layout):
    """``path.info`` of triples, or of a connected path; without eigenvalues where the problem is too large for a Hessian."""
    known = all(t.transition_state.eigenvalues is not None for t in triples)
    path_info.write(job.path("path.info"), triples, known and not job.keywords.given("NOFRQS"), layout)


def append_minima(job, minima):
    """``min.data.info``."""
    min_data_info.append(job.path("min.data.info"), minima)


def write_path(job, number, path):
    """``EofS.k`` and, for atoms, ``path.k.xyz``."""
    s, e, x = path_frames(path, job.keywords["PATH"])
    energy_profile.write(job.path(f"EofS.{number}"), s, e, numbered=True)
    if job.symbols:
        text = "".join(path_frame(point, energy, job.symbols) for point, energy in zip(x, e, strict=True))
        write_text(job.path(f"path.{number}.xyz"), text)


def write_joined_path(job, result):
    """``EofS`` and, for atoms, ``path.xyz`` and ``path.extxyz`` along the connected path, one frame of reference."""
    path = join(result, job.potential.symmetry, job.keywords["PATH"])
    energy_profile.write(job.path("EofS"), path.lengths, path.energies)
    if not job.symbols:
        return
    write_text(job.path("path.extxyz"), extended_path(path, job.symbols))
    frames = list(zip(path.points, path.energies, strict=True))
    if job.keywords.given("PAIRCOLOUR"):
        copies = job.keywords["PAIRCOLOUR"].duplicate
        frames = [frames[0]] * copies + frames + [frames[-1]] * copies
    text = "".join(joined_frame(x, e, labels(job, x)) for x, e in frames)
    write_text(job.path("path.xyz"), text)


def extended_path(path, symbols):
    """The frames of a `JoinedPath` in extended xyz, with energy, path length and what each point is."""
    kinds = {index: (kind.replace(" ", "_"), number) for index, kind, number in path.stationary}
    frames = []
    for k, (x, e, s) in enumerate(zip(path.points, path.energies, path.lengths, strict=True)):
        kind, number = kinds.get(k, ("path", 0))
        frames.append(extended_frame(x, symbols, energy=e, path_length=s, kind=kind, number=number))
    return "".join(frames)


def labels(job, x):
    """Symbols of the atoms of a frame, or their class by pair energy with PAIRCOLOUR."""
    if not job.keywords.given("PAIRCOLOUR"):
        return job.symbols
    r = x.reshape(-1, 3)
    d2 = ((r[:, None] - r[None]) ** 2).sum(axis=2)
    np.fill_diagonal(d2, np.inf)
    s6 = d2**-3.0
    energies = (4.0 * s6 * (s6 - 1.0)).sum(axis=1)
    return tuple("X1" if e < PAIR_LIMITS[0] else "X2" if e < PAIR_LIMITS[1] else "X3" for e in energies)


def write_vector(job, value, vector):
    """``vector.dump``: eigenvalue and eigenvector."""
    write_text(job.path("vector.dump"), f"{g(value, 25, 15)}\n{g_lines(vector, 25, 15)}")


def read_vector(job):
    """Eigenvector of ``vector.dump``."""
    from common.errors import InputError

    path = job.path("vector.dump")
    lines = path.read_text(encoding="ascii", errors="replace").split()
    try:
        numbers = np.array([float(item.replace("D", "E").replace("d", "e")) for item in lines])
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
    if len(numbers) != job.potential.n_variables + 1:
        raise InputError(f"{path}: expected an eigenvalue and {job.potential.n_variables} components, found {len(numbers)}")
    return numbers[1:]

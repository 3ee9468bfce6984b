"""The files that the program writes."""

import numpy as np

from common.atomic import atomic_write
from common.formats import energy_profile, min_data_info, path_info
from common.formats.fortran import f, g, g_lines
from common.formats.xyz import joined_frame, path_frame
from optim.report import path_sequence

#: Labels of path.xyz with PAIRCOLOUR: pair energy per atom below the first, below the second limit, above; the interior,
#: the surface and the weakly bound atoms of a Lennard-Jones cluster.
PAIR_LIMITS = (-9.0, -6.0)


def write_text(path, text):
    """Write a text file."""
    with atomic_write(path) as file:
        file.write(text)


def write_final_point(job, x, energy, rms):
    """``points.final`` and ``odata.new``, the input that goes on from the final point."""
    per_line = 3 if job.symbols else 1
    write_text(job.path("points.final"), g_lines(x, 25, 15, per_line))
    keep = [line for line in job.keywords.echo() if line.split()[0] not in ("POINTS", "VARIABLES", "!", "STOP")]
    head = f"COMMENT   mylbfgs> Energy for last cycle={f(energy, 44, 10)}\n" + "".join(f"{line}\n" for line in keep)
    if job.symbols:
        rows = g_lines(x, 20, 10).splitlines()
        body = "POINTS\n" + "".join(f"{symbol:2.2}  {row}\n" for symbol, row in zip(job.symbols, rows, strict=True))
    else:
        body = "VARIABLES\n" + g_lines(x, 25, 15, 1)
    write_text(job.path("odata.new"), head + body)


def write_energies(job, energies):
    """``energies``: one energy per step of the last minimisation."""
    write_text(job.path("energies"), "".join(f"{g(e, 30, 20)}\n" for e in energies))


def write_path_info(job, triples, layout):
    """``path.info`` of triples, or of a connected path."""
    path_info.write(job.path("path.info"), triples, not job.keywords.given("NOFRQS"), layout)


def append_minima(job, minima):
    """``min.data.info``."""
    min_data_info.append(job.path("min.data.info"), minima)


def select_frames(lengths, energies, options):
    """Indices of the frames that PATH asks for: enough difference in energy and length, at most so many, the ends always."""
    n = len(lengths)
    if n <= 2:
        return list(range(n))
    kept = [0]
    for k in range(1, n - 1):
        if (
            abs(energies[k] - energies[kept[-1]]) >= options.energy_difference
            and lengths[k] - lengths[kept[-1]] >= options.length_difference
        ):
            kept.append(k)
    most = max(options.frames, 1) + 1
    if len(kept) > most:
        kept = [kept[i] for i in np.unique(np.linspace(0, len(kept) - 1, most).round().astype(int))]
    return [*kept, n - 1]


def side_frames(side, options):
    """(lengths, energies, coordinates) of one side, going down."""
    if not len(side.lengths):
        return side.lengths, side.energies, side.frames
    kept = select_frames(side.lengths, side.energies, options)
    return side.lengths[kept], side.energies[kept], side.frames[kept]


def path_frames(path, options):
    """Frames from the plus end over the transition state (s = 0) to the minus end: s, energies, coordinates."""
    plus = side_frames(path.plus, options)
    minus = side_frames(path.minus, options)
    ts = path.triple.transition_state
    s = np.concatenate([-plus[0][::-1], [0.0], minus[0]])
    e = np.concatenate([plus[1][::-1], [ts.energy], minus[1]])
    x = np.concatenate([plus[2][::-1], ts.coordinates[None], minus[2]])
    return s, e, x


def write_path(job, number, path):
    """``EofS.k`` and, for atoms, ``path.k.xyz``."""
    s, e, x = path_frames(path, job.keywords["PATH"])
    energy_profile.write(job.path(f"EofS.{number}"), s, e, numbered=True)
    if job.symbols:
        text = "".join(path_frame(point, energy, job.symbols) for point, energy in zip(x, e, strict=True))
        write_text(job.path(f"path.{number}.xyz"), text)


def write_joined_path(job, result):
    """``EofS`` and, for atoms, ``path.xyz`` along the connected path, every piece turned onto the one before."""
    options = job.keywords["PATH"]
    lengths, energies, points = [], [], []
    at, last = 0.0, None
    for k, forward in path_sequence(result):
        s, e, x = path_frames(result.paths[k], options)
        if not forward:
            s, e, x = -s[::-1], e[::-1], x[::-1]
        if job.symbols:
            x = superpose(job.potential.symmetry, x, last)
        skip = 0 if last is None else 1
        lengths.append(at + s[skip:] - s[0])
        energies.append(e[skip:])
        points.append(x[skip:])
        at += s[-1] - s[0]
        last = x[-1]
    energy_profile.write(job.path("EofS"), np.concatenate(lengths), np.concatenate(energies))
    if not job.symbols:
        return
    frames = list(zip(np.concatenate(points), np.concatenate(energies), strict=True))
    if job.keywords.given("PAIRCOLOUR"):
        copies = job.keywords["PAIRCOLOUR"].duplicate
        frames = [frames[0]] * copies + frames + [frames[-1]] * copies
    text = "".join(joined_frame(x, e, labels(job, x)) for x, e in frames)
    write_text(job.path("path.xyz"), text)


def superpose(symmetry, frames, reference):
    """All frames moved by the permutation, rotation and inversion that bring the first one onto the reference."""
    if reference is None:
        return frames
    first = frames[0].reshape(-1, 3)
    aligned = symmetry.align(frames[0], reference)[0].reshape(-1, 3)
    # distances from all atoms of a rigid copy identify the permutation through the coordinates themselves
    centre, target = first.mean(axis=0), aligned.mean(axis=0)
    permutation = _permutation(first - centre, aligned - target)
    u, _, vt = np.linalg.svd((first - centre)[permutation].T @ (aligned - target))
    turn = u @ vt
    moved = (frames.reshape(len(frames), -1, 3) - centre)[:, permutation] @ turn + target
    return moved.reshape(len(frames), -1)


def _permutation(first, second):
    """Permutation p with first[p] congruent to second (a copy up to an orthogonal matrix).

    Atoms are matched by the sorted distances to all others, then ties are settled by the distances to the atoms
    matched already.
    """
    d1 = np.linalg.norm(first[:, None] - first[None], axis=2)
    d2 = np.linalg.norm(second[:, None] - second[None], axis=2)
    n = len(first)
    chosen, free = [], list(range(n))
    s1, s2 = np.sort(d1, axis=1), np.sort(d2, axis=1)

    def extend(k):
        if k == n:
            return True
        for i in sorted(free, key=lambda i: float(np.abs(s1[i] - s2[k]).max())):
            if np.abs(s1[i] - s2[k]).max() > 1e-4:
                return False
            if all(abs(d1[i, j] - d2[k, m]) < 1e-4 for m, j in enumerate(chosen)):
                chosen.append(i)
                free.remove(i)
                if extend(k + 1):
                    return True
                chosen.pop()
                free.append(i)
        return False

    return chosen if extend(0) else list(range(n))


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

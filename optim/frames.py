"""Points along paths, chosen and joined for the files and pictures of a run."""

from dataclasses import dataclass

import numpy as np

from optim.report import path_sequence


@dataclass(slots=True)
class JoinedPath:
    """The connected path from start to finish in one frame of reference.

    Attributes
    ----------
    lengths, energies : ndarray of shape (n_points,)
        Integrated length from the start, and energy.
    points : ndarray of shape (n_points, n_variables)
        Every piece in the copy that goes on from the one before.
    stationary : list of (int, str, int)
        (index of the point, "minimum" or "transition state", its number from 1) in the order of the path.
    """

    lengths: np.ndarray
    energies: np.ndarray
    points: np.ndarray
    stationary: list


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
    if options is None or not len(side.lengths):
        return side.lengths, side.energies, side.frames
    kept = select_frames(side.lengths, side.energies, options)
    return side.lengths[kept], side.energies[kept], side.frames[kept]


def path_frames(path, options=None):
    """Frames from the plus end over the transition state (s = 0) to the minus end: s, energies, coordinates.

    ``options`` are the values of PATH, which choose among the frames recorded.
    """
    plus = side_frames(path.plus, options)
    minus = side_frames(path.minus, options)
    ts = path.triple.transition_state
    s = np.concatenate([-plus[0][::-1], [0.0], minus[0]])
    e = np.concatenate([plus[1][::-1], [ts.energy], minus[1]])
    x = np.concatenate([plus[2][::-1], ts.coordinates[None], minus[2]])
    return s, e, x


def join(result, symmetry, options=None):
    """The connected path of a `ConnectResult`, every piece moved onto the end of the one before; `JoinedPath`."""
    lengths, energies, points, stationary = [], [], [], []
    at, last, count = 0.0, None, 0
    for k, forward in path_sequence(result):
        s, e, x = path_frames(result.paths[k], options)
        if not forward:
            s, e, x = -s[::-1], e[::-1], x[::-1]
        x = superpose(symmetry, x, last)
        skip = 0 if last is None else 1
        ends = result.edges[k] if forward else result.edges[k][::-1]
        if last is None:
            stationary.append((0, "minimum", ends[0] + 1))
        top = int(np.argmin(np.abs(s)))
        stationary.append((count + top - skip, "transition state", k + 1))
        stationary.append((count + len(s) - 1 - skip, "minimum", ends[1] + 1))
        lengths.append(at + s[skip:] - s[0])
        energies.append(e[skip:])
        points.append(x[skip:])
        count += len(s) - skip
        at += s[-1] - s[0]
        last = x[-1]
    return JoinedPath(np.concatenate(lengths), np.concatenate(energies), np.concatenate(points), stationary)


def superpose(symmetry, frames, reference):
    """All frames of a path in the copy whose first one lies on the reference.

    Clusters: moved by the permutation, rotation and inversion found for the first frame. Otherwise frame by frame, each in the
    copy closest to the one before, which is the same thing where frames are close.
    """
    from potentials.symmetry import RigidCluster

    if reference is None:
        return frames
    if isinstance(symmetry, RigidCluster):
        return _move_atoms(symmetry, frames, reference)
    moved = []
    for frame in frames:
        reference = symmetry.align(frame, reference)[0]
        moved.append(reference)
    return np.array(moved)


def _move_atoms(symmetry, frames, reference):
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

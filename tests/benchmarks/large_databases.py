"""Made-up databases as large as the largest that are in use, with coordinates, energies and connections that fit together.

    python tests/benchmarks/large_databases.py lj38 DIRECTORY [minima transition_states]
    python tests/benchmarks/large_databases.py network DIRECTORY

writes ``landscape.db``, the text files of the classic program, ``pathdata`` and ``odata.connect``. Energies are those of the
potential at the coordinates (which are near minima, and not minimised: that would take hours), transition states lie above
both of their minima, which are near neighbours of each other as a rule, and a fiftieth of the minima is not connected with
the rest. The books hold as many attempts, jobs and hits as searches that found all this would have left.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

N_MINIMA, N_STATES = 200_000, 550_000
#: Structures made at a time.
CHUNK = 10_000
#: One minimum in so many belongs to none of the others.
APART = 50
ODATA_LJ = """NEWCONNECT 10 3 2.0 20.0 30 1.0 0.05
NEWNEB 20 100 0.02
NEBK 50.0
DIJKSTRA EXP
DUMPALLPATHS
EDIFFTOL 1.0D-5
GEOMDIFFTOL 0.2
BFGSTS 500 10 100 0.01 100
NOHESS
UPDATES 200 200 15 5 10
MAXBFGS 0.4 0.4 0.4
PUSHOFF 0.1
STEPMIN 1.0
MAXSTEP 0.1
TRAD 0.2
BFGSMIN 1.0D-6
ENDHESS
BFGSSTEPS 5000
POINTS
"""
PATHDATA_LJ = """EXEC
CPUS 1
NATOMS 38
SYSTEM LJ
SEED 1
DIRECTION AB
TEMPERATURE 0.12
PLANCK 1.0
PERMDIST
EDIFFTOL 1.0D-5
GEOMDIFFTOL 0.2
ITOL 0.1
"""


def lattice_subsets(rng, count, n_atoms=38):
    """Clusters cut out of three kinds of packing around random centres: (count, 3 n_atoms)."""
    grid = np.array(np.meshgrid(*[np.arange(-3, 4)] * 3)).reshape(3, -1).T.astype(float)
    fcc = grid[(grid.sum(axis=1) % 2) == 0] / np.sqrt(2.0)
    layers = np.arange(-3, 4)
    hcp = np.array(
        [[i + 0.5 * (j % 2) + 0.5 * (k % 2), (j + (k % 2) / 3.0) * np.sqrt(0.75), k * np.sqrt(2.0 / 3.0)]
         for i in layers for j in layers for k in layers]
    )  # fmt: skip
    normal = np.ones(3) / np.sqrt(3.0)
    # the half of the lattice below a dense plane, mirrored on it
    above = fcc[(fcc @ normal) > -1e-9]
    height = above @ normal
    mirrored = (above - 2.0 * np.outer(height, normal))[height > 1e-9]
    twin = np.concatenate([above, mirrored])
    packings = [fcc, hcp, twin]
    found = np.empty((count, n_atoms, 3))
    for k in range(count):
        sites = packings[k % 3]
        centre = rng.uniform(-0.6, 0.6, 3)
        shape = rng.uniform(0.8, 1.2, 3)
        order = np.argpartition((((sites - centre) * shape) ** 2).sum(axis=1), n_atoms)
        found[k] = sites[order[:n_atoms]]
    return (1.09 * found + 0.02 * rng.normal(size=found.shape)).reshape(count, -1)


def cluster_points(rng, count):
    """Structures of 38 atoms, as (count, 114)."""
    return np.concatenate([lattice_subsets(rng, min(CHUNK, count - k)) for k in range(0, count, CHUNK)])


def network_points(rng, count):
    """Networks [2,10,4], as (count, 74): a few families whose members differ in some nodes."""
    families = 2.0 * rng.normal(size=(200, 74))
    x = families[rng.integers(len(families), size=count)]
    return x + rng.normal(size=x.shape) * rng.choice([0.05, 0.5], p=[0.7, 0.3], size=x.shape)


def connections(rng, energies, vectors, n_states):
    """Ends of the transition states, (n_states, 2) from 0: a tree of near minima, then more pairs of near ones.

    Nearness is that of one random projection of the coordinates and of the energies.
    """
    n = len(energies)
    apart = np.zeros(n, dtype=bool)
    apart[rng.choice(n, n // APART, replace=False)] = True
    apart[np.argmin(energies)] = False
    inside = np.flatnonzero(~apart)
    key = vectors @ rng.normal(size=vectors.shape[1])
    order = inside[np.argsort(key[inside])]
    steps = np.minimum(rng.geometric(0.02, size=len(order) - 1), np.arange(1, len(order)))
    tree = np.stack([order[1:], order[np.arange(1, len(order)) - steps]], axis=1)
    left = n_states - len(tree)
    first = rng.integers(len(order), size=left)
    second = np.clip(first + rng.geometric(0.01, size=left) * rng.choice([-1, 1], size=left), 0, len(order) - 1)
    more = np.stack([order[first], order[second]], axis=1)
    islands = np.flatnonzero(apart)
    # some of those that are apart know each other
    pairs = islands[: 2 * (len(islands) // 4)].reshape(-1, 2)
    more[: len(pairs)] = pairs
    ends = np.concatenate([tree, more])
    return ends[rng.permutation(len(ends))]


def saddle_points(rng, potential, energies, points, ends):
    """Points above both ends, beside the higher one: (coordinates, energies)."""
    higher = np.where(energies[ends[:, 0]] > energies[ends[:, 1]], ends[:, 0], ends[:, 1])
    floor = energies[higher]
    x = np.empty((len(ends), points.shape[1]))
    e = np.full(len(ends), -np.inf)
    size = 0.02
    todo = np.arange(len(ends))
    while len(todo):
        for k in range(0, len(todo), CHUNK):
            part = todo[k : k + CHUNK]
            step = rng.normal(size=(len(part), points.shape[1]))
            x[part] = points[higher[part]] + size * step
            e[part] = batch(potential, x[part])
        todo = todo[e[todo] <= floor[todo]]
        size *= 1.5
    return x, e


def batch(potential, points):
    """Energies of many points."""
    return np.array([potential.energy(x) for x in points])


def potential_of(kind):
    """The potential and the function that makes points."""
    if kind == "lj38":
        from potentials.lj import LennardJones

        return LennardJones(38), cluster_points
    from potentials.mlp import MultilayerPerceptron

    rng = np.random.default_rng(7)
    x = rng.normal(size=(100, 2))
    classes = (np.abs(x).sum(axis=1) * 1.3).astype(int) % 4
    return MultilayerPerceptron([2, 10, 4], x, classes, 1e-4), network_points


def write(kind, directory, n_minima=N_MINIMA, n_states=N_STATES, seed=1, books=True):
    """Write the database of a kind, "lj38" or "network"; returns its path."""
    from common.database import Database

    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "landscape.db"
    rng = np.random.default_rng(seed)
    potential, make = potential_of(kind)
    x = make(rng, n_minima)
    e = batch(potential, x)
    ends = connections(rng, e, x[:, :30], n_states)
    symmetry = potential.symmetry
    columns = {"energy": e, "log_product": 400.0 + 5.0 * rng.normal(size=n_minima), "order": np.ones(n_minima, dtype=int)}
    columns["inertia"] = np.array([symmetry.inertia(point) for point in x])
    tolerances = {"energy_tolerance": 1e-5, "distance_tolerance": 0.2}
    arguments = {"symmetry": symmetry, "fingerprint": potential.fingerprint(), **tolerances}
    with Database(path, **arguments) as database, database.transaction():
        database.append_minima(columns, x)
        for k in range(0, n_states, 50_000):
            part = ends[k : k + 50_000]
            y, energies = saddle_points(rng, potential, e, x, part)
            states = {
                "energy": energies,
                "log_product": 398.0 + 5.0 * rng.normal(size=len(part)),
                "order": np.ones(len(part), dtype=int),
                "inertia": np.array([symmetry.inertia(point) for point in y]),
                "plus": part[:, 0] + 1,
                "minus": part[:, 1] + 1,
                "negative_eigenvalue": -np.abs(10.0 * rng.normal(size=len(part))) - 0.1,
            }
            database.append_transition_states(states, y)
        joined = np.unique(ends)
        ranked = joined[np.argsort(e[joined])]
        database.set_endpoints("A", [int(ranked[0]) + 1])
        database.set_endpoints("B", [int(ranked[len(ranked) // 2]) + 1])
        if books:
            keep_books(database, rng, ends)
    return path


def keep_books(database, rng, ends):
    """Attempts, jobs and hits of the searches that might have found all this."""
    n_jobs, n_minima = len(ends) // 2, database.n_minima
    pairs = ends[rng.permutation(len(ends))[:n_jobs]] + 1
    rows = [(int(min(i, j)), int(max(i, j)) if k % 4 else None) for k, (i, j) in enumerate(pairs.tolist())]
    execute = database._connection.executemany
    text = '{{"first": {}, "second": {}, "attempt": 0, "cycle": {}}}'
    payloads = ((k, text.format(i, j or i, k // 8)) for k, (i, j) in enumerate(rows, 1))
    execute(
        "INSERT INTO jobs (id, kind, payload, state, attempts, seed, child, status, summary, seconds) "
        "VALUES (?, 'connect', ?, 'done', 1, '1', ?, 'connected', '{\"connected\": true, \"calls\": 1000}', 0.5)",
        ((k, text, k) for k, text in payloads),
    )
    execute(
        "INSERT INTO attempts (first, second, outcome, connected, new_minima, new_transition_states, seconds, job) "
        "VALUES (?, ?, ?, ?, 1, 2, 0.5, ?)",
        ((i, j, "connected" if k % 3 else "too many cycles", int(bool(k % 3)), k) for k, (i, j) in enumerate(rows, 1)),
    )
    for kind, count in (("minima", n_minima), ("transition_states", len(ends))):
        hits = rng.geometric(0.3, size=count).tolist()
        execute("INSERT INTO hits VALUES (?, ?, ?)", ((kind, k, n) for k, n in enumerate(hits, 1)))
    execute(
        "INSERT INTO cycles (time, cycle, searches, minima, transition_states, connected, estimates) VALUES (?,?,?,?,?,?,NULL)",
        (
            (f"2026-01-{1 + k // 1440:02d}T{k // 60 % 24:02d}:{k % 60:02d}:00+00:00", k, 8 * k, 5 * k, 15 * k, 5 * k)
            for k in range(1, min(n_jobs // 8, 30_000))
        ),
    )


def write_inputs(kind, directory, *lines):
    """Pathdata with these lines added, and odata.connect."""
    directory = Path(directory)
    if kind == "lj38":
        (directory / "odata.connect").write_text(ODATA_LJ)
        (directory / "pathdata").write_text(PATHDATA_LJ + "".join(f"{line}\n" for line in lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("lj38", "network"))
    parser.add_argument("directory")
    parser.add_argument("sizes", nargs="*", type=int)
    options = parser.parse_args()
    database_path = write(options.kind, options.directory, *options.sizes)
    write_inputs(options.kind, options.directory, "CYCLES 0")
    from common.database import Database
    from common.text_database import export_text

    with Database(database_path, read_only=True) as written:
        export_text(written, options.directory)
    sys.stdout.write(f"{database_path}\n")

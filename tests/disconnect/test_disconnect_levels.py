"""tree.ps and node_numbers against the rules worked out level by level, one level at a time, on random networks and options."""

import re
from collections import deque
from pathlib import Path

import networkx
import numpy as np
import pytest
from made_landscapes import random_network, write_text

from disconnect._superbasins import classic_argsort
from disconnect.cli import main

LEVELS, DELTA, FIRST = 14, 0.8, -0.7
ORDER = np.linspace(0.0, 1.0, 60)[np.random.default_rng(5).permutation(60)]


def ends_in_turn(items):
    """One from the front, two from the back, two from the front, …"""
    left, taken = deque(items), []
    while left:
        take = left.popleft if len(taken) % 4 in (0, 3) else left.pop
        taken.append(take())
    return taken


def arranged(daughters):
    """Drawing order of sets of minima: those with at least half of the largest one's members among groups of smaller ones."""
    order = classic_argsort(np.array([float(len(part)) for part in daughters]))
    largest = len(daughters[order[-1]])
    small = ends_in_turn([k for k in order if 2 * len(daughters[k]) < largest])
    big = ends_in_turn([k for k in order if 2 * len(daughters[k]) >= largest])
    cuts = [int(np.floor(len(small) * (q + 1) / (len(big) + 1) + 0.5)) for q in range(len(big) + 1)]
    result = small[: cuts[0]]
    for q, k in enumerate(reversed(big)):
        result += [k, *small[cuts[q] : cuts[q + 1]]]
    return [daughters[k] for k in result]


class Expected:
    """Nodes of every level from left to right, and the segments, by the rules."""

    def __init__(self, arrays, options):
        self.energies, self.ts, plus, minus = arrays
        self.options = options
        self.edges = [(e, a - 1, b - 1) for e, a, b in zip(self.ts, plus, minus) if a != b]
        self.take_part()
        self.choose_drawn()
        self.levels = [self.parts(FIRST - k * DELTA) for k in range(LEVELS)]
        self.place()

    def take_part(self):
        """NCONNMIN, MAXTSENERGY, MAXTSBARRIER and the connection to the lowest minimum or CONNECTMIN."""
        energies, options = self.energies, self.options
        high, barrier = options.get("MAXTSENERGY", np.inf), options.get("MAXTSBARRIER", np.inf)
        edges = [
            (e, a, b) for e, a, b in self.edges
            if e <= high and (e - energies[a] <= barrier or e - energies[b] <= barrier)
        ]  # fmt: skip
        kept = set(range(energies.size))
        while True:
            edges = [(e, a, b) for e, a, b in edges if a in kept and b in kept]
            degree = np.bincount([k for _, a, b in edges for k in (a, b)], minlength=energies.size)
            if all(degree[k] > options.get("NCONNMIN", 0) for k in kept):
                break
            kept = {k for k in kept if degree[k] > options.get("NCONNMIN", 0)}
        graph = networkx.Graph([(a, b) for _, a, b in edges])
        source = options["CONNECTMIN"] - 1 if "CONNECTMIN" in options else int(np.argmin(energies))
        self.members = networkx.node_connected_component(graph, source) if source in graph else set()
        self.used = [(e, a, b) for e, a, b in edges if a in self.members]
        if "NOBARRIERS" in options:
            self.used = [(max(energies[a], energies[b]), a, b) for _, a, b in self.used]

    def choose_drawn(self):
        """LOWEST, MONOTONIC, EXCLUDEALL, PICK, IDMIN in this order."""
        drawn = np.zeros(self.energies.size, dtype=bool)
        drawn[classic_argsort(self.energies)[: self.options.get("LOWEST", self.energies.size)]] = True
        if "MONOTONIC" in self.options:
            for _, a, b in self.edges:
                drawn[b if self.energies[a] < self.energies[b] else a] = False
        if "EXCLUDEALL" in self.options:
            drawn[:] = False
        for number in self.options.get("PICK", []):
            drawn[abs(number) - 1] = number > 0
        for number in self.options.get("IDMIN", []):
            drawn[number - 1] = True
        self.drawn = {k for k in self.members if drawn[k]}

    def parts(self, energy):
        """Sets of drawn minima of one level, in the order of their first members."""
        graph = networkx.Graph()
        shift = DELTA if "NOSPLIT" in self.options else 0.0
        graph.add_edges_from((a, b) for e, a, b in self.used if e < energy + shift)
        graph.add_nodes_from(k for k in self.members if self.energies[k] < energy + DELTA)
        parts = [sorted(part & self.drawn) for part in networkx.connected_components(graph)]
        return sorted(tuple(part) for part in parts if part)

    def place(self):
        """Columns and order: `self.rows` has a list of (part, first column, parent) per level."""
        lowest = int(np.argmin(self.energies))
        column, self.rows = 0, [[]]
        for part in self.levels[0]:
            self.rows[0].append((part, column, None))
            column += len(part)
        self.n_columns = column
        for parts in self.levels[1:]:
            self.rows.append([])
            for above in self.rows[-2]:
                daughters = [part for part in parts if set(part) <= set(above[0])]
                if not daughters:
                    continue
                daughters = arranged(daughters)
                if "CENTREGMIN" in self.options:
                    for k, part in enumerate(daughters):
                        if lowest in part:
                            middle = len(daughters) // 2
                            daughters[k], daughters[middle] = daughters[middle], part
                            break
                column = above[1]
                for part in daughters:
                    self.rows[-1].append((part, column, above))
                    column += len(part)

    def x(self, row):
        middle = (np.float32(row[1] + 1) + np.float32(len(row[0])) / 2 - 1) / np.float32(self.n_columns)
        return float(middle) * 475 + 80

    def colour(self, part):
        """Of TRMIN (sets of the file) or TRVAL (largest value)."""
        if "TRMIN" in self.options:
            sets = [max([k for k, one in enumerate(self.options["TRMIN"], 1) if m + 1 in one], default=0) for m in part]
            return (0, 0, 0) if 0 in sets else {1: (1, 0, 0), 2: (0, 1, 0), 3: (0, 0, 1)}[max(sets)]
        if "TRVAL" in self.options:
            r = 3.0 * max(ORDER[list(part)])
            if r < 1.0:
                return (2.67 - r) / 2.67, r / 2, 0
            if r < 1.5:
                return 0.625 - 1.25 * (r - 1), 0.5, 0
            return (0, 0.5, 0.625 + 1.25 * (r - 2)) if r < 2.0 else (0, (3 - r) / 2, (r - 0.33) / 2.67)
        return (0, 0, 0)

    def segments(self):
        found = []
        for level in range(1, LEVELS):
            y1, y2 = (792 - 742 * k / (LEVELS - 1) for k in (level - 1, level))
            for row in self.rows[level]:
                x1, x2, end = self.x(row[2]), self.x(row), y2
                if level + 1 == LEVELS or not any(below[2] is row for below in self.rows[level + 1]):
                    fraction = (FIRST - (level - 1) * DELTA - min(self.energies[list(row[0])])) / DELTA
                    end, x2 = max(fraction * (y2 - y1) + y1, y2), fraction * (x2 - x1) + x1
                found.append((x1, y1, x2, end, *self.colour(row[0])))
        return np.array(found).reshape(-1, 7)


def drawn_segments(path="tree.ps"):
    """Segments of a tree.ps below the axis with their colours, shape (n, 7), without the tails of labelled minima."""
    colour, found = (0.0, 0.0, 0.0), []
    for line in Path(path).read_text().split("% Manipulate landmark.")[1].splitlines():
        if line.endswith("setrgbcolor"):
            colour = tuple(float(word) for word in line.split()[:3])
        numbers = re.fullmatch(r"([ \d.-]{7})([ \d.-]{7}) mt ([ \d.-]{7})([ \d.-]{7}) ls", line)
        if numbers:
            found.append((*map(float, numbers.groups()), *colour))
    return np.array(found).reshape(-1, 7)


def random_options(rng, n):
    """Settings and the text of dinfo, in random order, with comments, tabs, either case and Windows line ends now and then."""

    def some(p):
        return rng.random() < p

    options, lines = {}, ["MINIMA min.data", "TS ts.data", f"FIRST {FIRST}", f"DELTA {DELTA:.1e}".replace("e", "D")]
    lines.append(f"LEVELS {LEVELS}")
    for word in ("CENTREGMIN", "MONOTONIC", "NOSPLIT", "NOBARRIERS", "EXCLUDEALL"):
        if some({"CENTREGMIN": 0.6, "EXCLUDEALL": 0.05}.get(word, 0.15)):
            options[word] = True
            lines.append(word)
    for word, p, value in (
        ("NCONNMIN", 0.5, int(rng.integers(0, 3))), ("CONNECTMIN", 0.2, int(rng.integers(1, n + 1))),
        ("MAXTSENERGY", 0.3, float(np.round(rng.uniform(-3, 1), 2))), ("LOWEST", 0.2, int(rng.integers(1, n))),
        ("MAXTSBARRIER", 0.3, float(np.round(rng.uniform(0.3, 3), 2))),
    ):  # fmt: skip
        if some(p):
            options[word] = value
            lines.append(f"{word} {value}")
    if some(0.3):
        options["IDMIN"] = rng.integers(1, n + 1, 2).tolist()
        lines += [f"IDMIN {k}" for k in options["IDMIN"]]
    if some(0.3):
        options["PICK"] = (rng.integers(1, n + 1, 6) * rng.choice([-1, 1], 6)).tolist()
        Path("pick").write_text("".join(f"  {k}\n" for k in [*options["PICK"], n + 7]))
        lines.append("PICK pick")
    if some(0.4):
        options["TRMIN"] = [set((rng.permutation(n)[: n // 2] + 1).tolist()) for _ in range(3)]
        for k, members in enumerate(options["TRMIN"]):
            Path(f"t{k}").write_text("".join(f"{m}\n" for m in sorted(members)))
        lines.append(f"TRMIN 3 {n} t0 t1 t2")
    elif some(0.5):
        options["TRVAL"] = True
        np.savetxt("values", ORDER)
        lines.append(f"TRVAL {n} values")
    lines = [lines[k] for k in rng.permutation(len(lines))] + ["! ts no_such_file", "# LEVELS 3", "COMMENT DELTA 5", ""]
    if some(0.3):
        lines = [re.sub(r"^[A-Z]+", lambda word: word.group().lower(), line) for line in lines]
    if some(0.3):
        lines = [line.replace(" ", "\t") if not line.startswith(("!", "COMM", "comm")) else line for line in lines]
    return options, ("\r\n" if some(0.3) else "\n").join(lines)


@pytest.mark.parametrize("seed", range(40))
def test_segments_and_numbers(seed, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(seed)
    n = 60
    arrays = random_network(n, int(rng.integers(40, 160)), seed, equal=seed % 3 == 0, connected=seed % 4 > 0)
    options, text = random_options(rng, n)
    write_text(tmp_path, *arrays)
    # Degenerate rearrangements, also of no minimum, must not count.
    with open("ts.data", "a") as file:
        file.write("-99.0 0.0 1 3 3 1.0 1.0 1.0\n-98.0 0.0 1 0 0 1.0 1.0 1.0\n")
    stored = (np.loadtxt("min.data")[:, 0].copy(), *np.loadtxt("ts.data")[:-2, [0, 3, 4]].T)
    expected = Expected((stored[0], stored[1], stored[2].astype(int), stored[3].astype(int)), options)
    newline = "" if "\r" in text else None
    Path("dinfo").write_text(text + "\ndumpnumbers\nDUMPSIZES", newline=newline)
    status = main([])
    if not expected.rows[0]:
        assert status == 2 or not expected.members
        return
    assert status == 0, capsys.readouterr().err
    theirs, ours = expected.segments(), drawn_segments()
    assert ours.shape == theirs.shape
    # Two printed digits of positions, four of colours.
    assert np.abs(ours[:, :4] - theirs[:, :4]).max(initial=0.0) <= 0.0050001
    assert np.abs(ours[:, 4:] - theirs[:, 4:]).max(initial=0.0) <= 0.5e-4 + 1e-9
    for level, block in enumerate(re.split(r"\nLEVEL .*\n=+\n", Path("node_numbers").read_text())[1:]):
        nodes = [tuple(int(word) - 1 for word in part.split()[1:]) for part in block.split("Node")[1:]]
        assert nodes == [row[0] for row in expected.rows[level]]
    sizes = [int(word) for word in re.findall(r"^ *\d+: *(\d+)$", Path("node_sizes").read_text(), re.MULTILINE)]
    assert sizes == [len(row[0]) for row_list in expected.rows for row in row_list]

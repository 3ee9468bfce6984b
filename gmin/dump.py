"""GMIN.dump: the state of a run, written now and then and read by RESTORE (FORMATS 3.8).

The classic items come first, so other programs can read the file. They hold 15 decimals and no random numbers; what an exact
continuation needs besides follows under a heading of its own: one line of JSON whose floats are exact.
"""

import base64
import json
import os
import shutil
from pathlib import Path

import numpy as np

from common.atomic import atomic_write
from common.errors import InputError
from common.formats.fortran import f, i
from common.fortran_numbers import read_integer, read_real

DUMP = "GMIN.dump"
EXACT = "exact state of energy-landscapes gmin, version 1"
STEPS = "steps completed NQ(JP) in mc"


def _coordinates(x, width):
    return ["".join(f(v, 25, 15) for v in x[k : k + width]) for k in range(0, len(x), width)]


def write_dump(path, runs, saved, n_atoms, exchange=None):
    """Write the state, keeping the previous file as ``GMIN.dump.save``.

    Parameters
    ----------
    path : Path
    runs : list of WalkerRun
        Walkers with their lists for AVOID and TABOO.
    saved : SavedList
    n_atoms : int
        0: one variable per line.
    exchange : gmin.tempering.WalkerExchange, optional
        Of BHPT.
    """
    walkers, avoid_lists = [r.walker for r in runs], [r.avoid for r in runs]
    width = 3 if n_atoms else 1
    first = walkers[0]
    count = n_atoms or first.potential.n_variables
    entries = saved.entries()
    calls = sum(w.calls for w in walkers)
    lines = [STEPS, i(first.quench, 8), i(len(entries), 8), i(calls, 20), "COORDS"]
    for k, w in enumerate(walkers, start=1):
        lines += [f"run number{i(k, 9)}", i(count, 8), *_coordinates(w.coordinates.tolist(), width)]
        steps = (w.step, w.astep, 0.0, w.temperature)
        lines += ["STEP, ASTEP, OSTEP, TEMP:", "".join(f(v, 25, 15) for v in steps)]
    lines.append("QMIN and QMINP")
    for k, (energy, x, _, calls_then) in enumerate(entries, start=1):
        lines += [f"saved minimum{i(k, 9)}", f(energy, 25, 15), i(calls_then, 20), i(count, 8)]
        lines += _coordinates(x.tolist(), width)
    if any(w.restarts for w in walkers):
        lines.append("new restart procedure - JBEST, EBEST, BESTCOORDS")
        for k, w in enumerate(walkers, start=1):
            lines += [f"run number{i(k, 9)}", i(w.best_quench_of_relaxation, 8) + "," + f(w.best_energy_of_relaxation, 25, 15)]
            lines += [i(count, 8), *_coordinates(w.relaxation_coordinates.tolist(), width)]
        lines.append("new restart procedure - saved energies and coordinates in MSB list")
        for avoid in avoid_lists:
            number = avoid.count if avoid is not None else 0
            lines.append(i(number, 8))
            for k in range(number):
                lines += [f"structure number{i(k + 1, 9)}", f(float(avoid.energies[k]), 25, 15)]
                lines += _coordinates(avoid.coordinates[k].tolist(), width)
    lines += [EXACT, json.dumps(_exact(runs, entries, exchange))]
    path = Path(path)
    keep_previous(path)
    with atomic_write(path, durable=False) as file:
        file.write("\n".join(lines) + "\n")


def keep_previous(path):
    """Give the file at ``path`` the second name ``path.save``; it keeps the first until a new file replaces it."""
    if not path.exists():
        return
    spare = path.with_name(path.name + ".save")
    passing = path.with_name(path.name + ".save.part")
    passing.unlink(missing_ok=True)
    try:
        os.link(path, passing)
    except OSError:
        # no hard links in this file system
        shutil.copyfile(path, passing)
    passing.replace(spare)


def _pack(a):
    return base64.b64encode(np.ascontiguousarray(a, dtype="<f8").tobytes()).decode("ascii")


def _unpack(text, shape):
    return np.frombuffer(base64.b64decode(text), dtype="<f8").reshape(shape).copy()


#: Plain numbers that make up a walker; JSON writes floats so that they are read back exactly.
FIELDS = (
    "markov_energy",
    "best_energy",
    "last_energy",
    "step",
    "astep",
    "temperature",
    "temperature_factor",
    "quench",
    "calls",
    "since_accepted",
    "accepted_block",
    "steps_block",
    "accepted_total",
    "steps_total",
    "best_quench_of_relaxation",
    "best_energy_of_relaxation",
    "avoid_active",
    "renewed",
    "seconds",
)
#: Arrays in the state of a chain over symmetric structures.
CHAIN_ARRAYS = ("x", "offset", "operations")


def _exact(runs, entries, exchange):
    state = {"walkers": [], "saved": []}
    for r in runs:
        w, avoid = r.walker, r.avoid
        item = {name: getattr(w, name) for name in FIELDS}
        item["x"] = _pack(w.coordinates)
        item["last"] = _pack(w.last_quench)
        item["relaxation"] = _pack(w.relaxation_coordinates)
        item["found"] = list(w.found_targets)
        item["random"] = plain(w.bit_generator.state)
        item["shell_left"] = w.moves.shell_left
        item["taboo"] = r.taboo.entries if r.taboo is not None else []
        item["saved"] = _packed(r.saved.entries())
        if w.network is not None:
            item["network"] = {**w.network.state, "pool": _packed(w.network.pool.entries())}
        if w.symmetric is not None:
            state_of_chain = w.symmetric.state
            item["symmetric"] = {**state_of_chain, **{name: _pack(state_of_chain[name]) for name in CHAIN_ARRAYS}}
        if avoid is not None:
            item["avoid"] = {
                "count": avoid.count,
                "position": avoid.position,
                "energies": _pack(avoid.energies),
                "coordinates": _pack(avoid.coordinates),
            }
        state["walkers"].append(item)
    state["saved"] = _packed(entries)
    if exchange is not None:
        state["exchange"] = exchange.state()
    return state


def _packed(entries):
    return [[energy, _pack(x), quench, calls] for energy, x, quench, calls in entries]


def plain(value):
    """The state of a bit generator as values that JSON can hold."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value if isinstance(value, str) else int(value)


def read_dump(path, runs, saved, n_atoms, exchange=None):
    """Put walkers, saved list and AVOID lists into the state of a dump.

    Returns
    -------
    exact : bool
        Whether the file held the exact state; a dump of another program holds the classic items only, and the walkers are then
        quenched anew.

    Raises
    ------
    InputError
        If the file is no dump, is truncated, or belongs to another system or number of walkers.
    """
    path = Path(path)
    lines = path.read_text(encoding="ascii", errors="replace").splitlines()
    if not lines or lines[0].strip() != STEPS:
        raise InputError(f"{path.name}:1: expected the line '{STEPS}'; this is no dump of a basin-hopping run")
    if len(lines) > 1 and EXACT in lines[-2]:
        try:
            state = json.loads(lines[-1])
            _restore_exact(state, runs, saved, path, exchange)
        except (KeyError, ValueError, TypeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path.name}:{len(lines)}: the state cannot be read ({error}); use {path.name}.save") from None
        return True
    _Classic(path, lines, [r.walker for r in runs], saved, [r.avoid for r in runs], n_atoms).restore()
    return False


def _restore_exact(state, runs, saved, path, exchange):
    n = runs[0].walker.potential.n_variables
    if len(state["walkers"]) != len(runs):
        raise InputError(f"{path.name}: holds {len(state['walkers'])} walkers, the input asks for {len(runs)} (PARALLEL)")
    for item, r in zip(state["walkers"], runs):
        w, avoid = r.walker, r.avoid
        x = _unpack(item["x"], -1)
        if len(x) != n:
            raise InputError(f"{path.name}: holds {len(x)} variables, the potential has {n}")
        w.set_state(x, item["markov_energy"])
        w.set_last(_unpack(item["last"], n))
        w.set_relaxation(_unpack(item["relaxation"], n), item["best_energy_of_relaxation"], item["best_quench_of_relaxation"])
        for name in FIELDS:
            setattr(w, name, item[name])
        w.found_targets = item["found"]
        w.bit_generator.state = item["random"]
        w.moves.shell_left = item["shell_left"]
        if r.taboo is not None:
            r.taboo.entries = [(energy, tuple(inertia)) for energy, inertia in item["taboo"]]
            w.set_taboo(r.taboo.energies)
        if avoid is not None and "avoid" in item:
            a = item["avoid"]
            coordinates = _unpack(a["coordinates"], (-1, n))
            if len(coordinates) != avoid.length:
                raise InputError(f"{path.name}: its AVOID list has {len(coordinates)} places, the input says {avoid.length}")
            avoid.count, avoid.position = a["count"], a["position"]
            avoid.energies, avoid.coordinates = _unpack(a["energies"], -1), coordinates
        _fill(r.saved, item.get("saved", ()), n)
        if w.network is not None and "network" in item:
            w.network.state = item["network"]
            _fill(w.network.pool, item["network"]["pool"], n)
        if w.symmetric is not None and "symmetric" in item:
            chain = item["symmetric"]
            w.symmetric.state = {**chain, **{name: _unpack(chain[name], -1) for name in CHAIN_ARRAYS}}
    if exchange is not None and "exchange" in state:
        exchange.set_state(state["exchange"])
    # older files hold one list for all walkers
    if not any("saved" in item for item in state["walkers"]):
        _fill(saved, state["saved"], n)


def _fill(saved, packed, n):
    for energy, x, quench, calls in packed:
        saved.add(energy, _unpack(x, n), quench, calls)


class _Classic:
    """Reader of the classic items."""

    def __init__(self, path, lines, walkers, saved, avoid_lists, n_atoms):
        self.path, self.lines, self.walkers, self.saved, self.avoid_lists = path, lines, walkers, saved, avoid_lists
        self.n = walkers[0].potential.n_variables
        self.at = 1
        self.words = []

    def line(self):
        if self.at >= len(self.lines):
            raise InputError(f"{self.path.name}: ends after line {self.at}: truncated; use {self.path.name}.save")
        self.at += 1
        return self.lines[self.at - 1]

    def number(self, read=read_real):
        word = (self.line().replace(",", " ").split() or [""])[0]
        try:
            return read(word)
        except ValueError:
            raise InputError(f"{self.path.name}:{self.at}: expected a number, found '{word}'") from None

    def numbers(self, count):
        values = []
        while len(values) < count:
            for word in self.line().replace(",", " ").split():
                try:
                    values.append(read_real(word))
                except ValueError:
                    raise InputError(f"{self.path.name}:{self.at}: expected a number, found '{word}'") from None
        return np.array(values[:count])

    def coordinates(self):
        count = self.number(read_integer)
        if count * 3 != self.n and count != self.n:
            raise InputError(f"{self.path.name}:{self.at}: {count} atoms do not fit {self.n} variables")
        return self.numbers(self.n)

    def restore(self):
        steps = self.number(read_integer)
        n_saved = self.number(read_integer)
        calls = self.number(read_integer)
        self.line()
        for w in self.walkers:
            self.line()
            x = self.coordinates()
            w.set_state(x, w.markov_energy)
            if "STEP" in self.lines[min(self.at, len(self.lines) - 1)]:
                self.line()
            w.step, w.astep, _, w.temperature = self.numbers(4).tolist()
            w.quench = w.steps_total = steps
            w.best_quench_of_relaxation = steps
        self.walkers[0].calls = calls
        self.line()
        for _ in range(n_saved):
            self.line()
            energy = self.number()
            calls_then = self.number(read_integer)
            self.saved.add(energy, self.coordinates(), 0, calls_then)
            for w in self.walkers:
                w.best_energy = min(w.best_energy, energy)
        if self.at < len(self.lines) and "JBEST" in self.lines[self.at]:
            self._restart_items()

    def _restart_items(self):
        self.line()
        for w in self.walkers:
            self.line()
            quench, energy = self.numbers(2)
            w.set_relaxation(self.coordinates(), float(energy), int(quench))
        self.line()
        for w, avoid in zip(self.walkers, self.avoid_lists):
            for _ in range(self.number(read_integer)):
                self.line()
                energy = self.number()
                x = self.numbers(self.n)
                if avoid is not None:
                    avoid.add(energy, x)
                    w.avoid_active = True

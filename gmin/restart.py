"""``bsptrestart``: the whole state of a tempering run, written now and then and read by BSPTRESTART."""

import json
import zipfile
from contextlib import suppress

import numpy as np

from common.atomic import atomic_write
from common.errors import InputError
from gmin.dump import keep_previous, plain

STATE = "bsptrestart"


def identity(run):
    """What must be equal for a run to continue from a state."""
    t, mc = run.tempering, run.settings
    return {
        "kind": t.kind,
        "variables": run.job.potential.n_variables,
        "temperatures": list(t.temperatures),
        "equilibration": mc.n_equilibration,
        "plain": mc.n_plain,
        "quench": mc.n_quench,
        "bins": [*mc.energy_range, mc.n_bins],
        "quench bins": [*mc.quench_range, mc.n_quench_bins] if mc.n_quench else [],
        "single-atom moves": mc.pairs,
    }


def write_state(path, run):
    """Write the state, keeping the previous one as ``bsptrestart.save``.

    Parameters
    ----------
    path : Path
    run : gmin.monte_carlo.MonteCarloRun
    """
    r = run.replicas
    head = {
        "identity": identity(run),
        "random": [plain(b.state) for b in r.bit_generators],
        "exchange_random": plain(run.exchange.bit_generator.state),
        "structures": run.structures.sizes if run.structures is not None else [],
        "seconds": run.seconds,
    }
    arrays = {f"replicas_{name}": a for name, a in r.arrays().items()}
    arrays |= {f"exchange_{name}": a for name, a in run.exchange.arrays().items()}
    if run.quenches is not None:
        arrays |= {f"quenches_{name}": a for name, a in run.quenches.arrays().items()}
    entries = run.saved.entries()
    arrays["saved_energies"] = np.array([e for e, *_ in entries])
    arrays["saved_points"] = np.array([x for _, x, *_ in entries]).reshape(len(entries), run.job.potential.n_variables)
    arrays["saved_steps"] = np.array([step for *_, step, _ in entries], dtype=np.int64)
    keep_previous(path)
    with atomic_write(path, "wb", durable=False) as file:
        np.savez_compressed(file, head=np.array(json.dumps(head)), **arrays)


def read_state(path, run):
    """Take up the state of a run.

    Raises
    ------
    InputError
        If the file is missing, is no state, or belongs to another input.
    """
    if not path.exists():
        raise InputError(f"BSPTRESTART: no file {path.name} in {path.parent.resolve()}; take the line out to begin anew")
    try:
        with np.load(path, allow_pickle=False) as file:
            data = {name: file[name] for name in file.files}
        head = json.loads(str(data["head"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path.name}: this is no state of a tempering run ({error}); try {path.name}.save") from None
    mine = identity(run)
    for name, value in head["identity"].items():
        if mine.get(name) != value:
            here = _short(mine.get(name))
            raise InputError(f"{path.name}: belongs to a run with {name} {_short(value)}, the input says {here}")

    def part(prefix):
        return {name[len(prefix) :]: a for name, a in data.items() if name.startswith(prefix)}

    try:
        run.replicas.set_arrays(part("replicas_"))
        run.exchange.set_arrays(part("exchange_"))
        if run.quenches is not None:
            run.quenches.set_arrays(part("quenches_"))
        for generator, state in zip(run.replicas.bit_generators, head["random"], strict=True):
            generator.state = state
    except (KeyError, ValueError) as error:
        raise InputError(f"{path.name}: the state cannot be read ({error}); try {path.name}.save") from None
    run.exchange.bit_generator.state = head["exchange_random"]
    for energy, x, step in zip(data["saved_energies"].tolist(), data["saved_points"], data["saved_steps"].tolist()):
        run.saved.add(energy, x, step, 0)
    if run.structures is not None:
        with suppress(OSError):
            run.structures.cut(head["structures"])
    run.cpu_before = head["seconds"]


def _short(value):
    if isinstance(value, list) and len(value) > 3:
        return f"{value[0]:g} ... {value[-1]:g} ({len(value)})"
    return value

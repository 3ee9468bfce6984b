"""Published tables and figures, run anew: table.yaml says the cases, their sizes and the published numbers beside ours.

The directory of a table holds table.yaml and the input files as templates, in which $NAME stands for a value of the size or the
case. Every case is run in a folder of its own by the commands of ``programs``; the pictures that ``figure`` names are put
together in one.
"""

import json
import os
import re
import resource
import shlex
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from string import Template

import numpy as np

from common.atomic import atomic_write
from common.errors import ConvergenceError, InputError

#: Input files that are templates.
TEMPLATES = ("data", "coords", "odata.connect", "pathdata", "dinfo", "network.yaml", "landscape.py")
#: What table.yaml must hold. Beside that it may say ``programs`` (command lines, for all cases or one), ``figure`` (pictures of
#: the cases that make the figure), ``across`` (how many side by side) and ``titles`` (whether with the names of the cases); a
#: case may say ``needs`` (files of the user's, without which it is left out) and ``without`` (lines of pathdata to leave out).
KEYS = ("title", "columns", "sizes", "cases")
#: Commands that a table may run: the module, and the template that it cannot do without.
PROGRAMS = {
    "gmin": ("gmin.cli", "data"),
    "pathsample": ("pathsample.cli", "pathdata"),
    "disconnect": ("disconnect.cli", "dinfo"),
    "spin_glass": ("pathsample.learning.spin_glass", None),
    "student": ("pathsample.learning.student", "network.yaml"),
}
#: The one without which the figures of a case are complete.
DRAWS = "disconnect"
#: Records of a database whose words are figures, as name=value.
RECORDS = ("mlsup_test", "network", "misclassification", "heat_capacity", "auc_steps", "basins", "pictures")
#: Where the templates state seeds.
SEEDS = (("data", r"^ *RANSEED +(\d+)"), ("pathdata", r"^ *SEED +(\d+)"), ("network.yaml", r"^  seed: (\d+)"))
#: Pictures beside each other in the figure of a table.
ACROSS = 2
#: Width of one of them and height of its title in inches.
PICTURE_WIDTH, TITLE_HEIGHT = 6.0, 0.3
#: Option of prctl(2), and seconds that the processes that a program leaves are given to end.
PR_SET_CHILD_SUBREAPER, PATIENCE = 36, 2.0


def reproduce(directory, size, report, only=()):
    """--reproduce: run the cases of table.yaml and print their figures beside the published ones.

    Parameters
    ----------
    directory : str or Path
        Holds table.yaml.
    size : str
        One of its sizes: small or full.
    report : Report
    only : sequence of str
        Names of the cases to run; the others keep what results.json holds of the same size. All, where there are none.

    Returns
    -------
    list of dict
        Figures of the cases, also written as results.json and table.md.

    Raises
    ------
    InputError
        If table.yaml or a template is missing or wrong.
    ConvergenceError
        If a program fails.
    """
    directory = Path(directory)
    table = read_table(directory / "table.yaml")
    if size not in table["sizes"]:
        raise InputError(f"{directory / 'table.yaml'}: no size {size}; there are {', '.join(table['sizes'])}")
    names = [str(case["name"]) for case in table["cases"]]
    for name in only:
        if name not in names:
            raise InputError(f"{directory / 'table.yaml'}: no case {name}; there are {', '.join(names)}")
    prepared = prepare(directory, table, size)
    known = earlier(directory / "results.json", size)
    results = []
    for case, (files, commands) in zip(table["cases"], prepared):
        name = str(case["name"])
        folder = directory / name
        if only and name not in only:
            results += [row for row in known if row["case"] == name]
            continue
        missing = [file for file in case.get("needs", ()) if not (directory / file).is_file()]
        if missing:
            report.line(f"reproduce> {name}: left out, no file {', '.join(missing)} in {directory.resolve()}")
            continue
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            if old.is_file():
                old.unlink()
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        for file in case.get("needs", ()):
            (folder / file).symlink_to((directory / file).resolve())
        adopt_orphans()
        started, used = time.perf_counter(), processor_seconds()
        for command in commands:
            try:
                run_program(command, folder)
            except ConvergenceError as problem:
                if command[0] != DRAWS:
                    raise
                # a graph needs a transition state, which a short run may not find; the figures stand without it
                report.line(f"reproduce> {problem}")
        found = figures(folder) | {"seeds": seeds(files, commands)}
        found |= {"seconds": time.perf_counter() - started, "cpu_seconds": processor_seconds() - used}
        results.append({"case": name, "found": found, "published": case.get("published", {})})
        report.line(f"reproduce> {name}: {found['seconds']:.0f} s, {found['cpu_seconds']:.0f} s of processor time")
        done = {row["case"] for row in results}
        write_results(directory, table, size, results + [row for row in known if row["case"] not in done])
    lines = write_results(directory, table, size, results)
    report.lines(lines)
    if table.get("figure"):
        written = put_together(directory, table, results)
        report.line(f"reproduce> figure in {', '.join(written)}" if written else "reproduce> no case has a picture")
    return results


def write_results(directory, table, size, results):
    """Write results.json and table.md; returns the lines of the latter."""
    lines = table_lines(table, size, results)
    with atomic_write(directory / "results.json") as file:
        file.write(json.dumps({"title": table["title"], "size": size, "results": results}, indent=1) + "\n")
    with atomic_write(directory / "table.md", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return lines


def earlier(path, size):
    """Results of an earlier run of the same size."""
    try:
        old = json.loads(path.read_text(encoding="utf-8"))
        return old["results"] if old["size"] == size else []
    except (OSError, ValueError, KeyError):
        return []


def processor_seconds():
    """Processor time of all finished processes that this one has started, and of those that they have left."""
    with suppress(ChildProcessError):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.01)
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def adopt_orphans():
    """Become the parent of processes whose own ends first: the server of a program's workers, whose time would be lost."""
    import ctypes

    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def read_table(path):
    """The contents of table.yaml.

    Raises
    ------
    InputError
    """
    import yaml

    try:
        table = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({(error.strerror or 'no such file').lower()})") from None
    except yaml.YAMLError as error:
        raise InputError(f"{path}: no YAML ({' '.join(str(error).split())})") from None
    missing = [key for key in KEYS if not isinstance(table, dict) or key not in table]
    if missing:
        raise InputError(f"{path}: missing: {', '.join(missing)}")
    return table


def prepare(directory, table, size):
    """Input files and commands of all cases, their names filled in: list of (dict of name to text, list of list of str).

    Raises
    ------
    InputError
        If a template is missing or names something that neither the size nor the case gives, or a command is unknown.
    """
    result = []
    for case in table["cases"]:
        given = {**table["sizes"][size], **case.get("values", {})}
        # a value of a case may name one of the size
        values = {name: Template(str(value)).safe_substitute(table["sizes"][size]) for name, value in given.items()}
        lines = case.get("programs") or table.get("programs") or ["gmin", "pathsample"]
        commands = [shlex.split(_filled(line, values, directory / "table.yaml")) for line in lines]
        files = {}
        for name in TEMPLATES:
            path = directory / name
            if path.is_file():
                files[name] = _filled(path.read_text(encoding="utf-8"), values, path)
        for program, *_ in commands:
            if program not in PROGRAMS:
                raise InputError(f"{directory / 'table.yaml'}: no program {program}; there are {', '.join(PROGRAMS)}")
            needed = PROGRAMS[program][1]
            if needed and needed not in files:
                raise InputError(f"{directory / needed}: no such file; {program} needs it")
        # a line that asks for what a case has not is left out
        for line in case.get("without", ()):
            files["pathdata"] = "".join(each for each in files["pathdata"].splitlines(True) if not each.startswith(line))
        result.append((files, commands))
    return result


def _filled(text, values, path):
    try:
        return Template(text).substitute(values)
    except KeyError as error:
        raise InputError(f"{path}: ${error.args[0]} is given by no size and no case of table.yaml") from None


def seeds(files, commands):
    """The seeds that a case states, as text: of the data, the minima, the searches."""
    found = []
    for name, pattern in SEEDS:
        found += [f"{name} {seed}" for seed in re.findall(pattern, files.get(name, ""), re.MULTILINE)[:1]]
    for program, *arguments in commands:
        if "--seed" in arguments:
            found.append(f"{program} {arguments[arguments.index('--seed') + 1]}")
    return ", ".join(found)


def run_program(command, folder):
    """Run a program of the suite in a folder; its output goes to program.out."""
    program, *arguments = command
    module = PROGRAMS[program][0]
    with open(folder / f"{program}.out", "w", encoding="utf-8") as out:
        status = subprocess.run([sys.executable, "-m", module, *arguments], cwd=folder, stdout=out, stderr=out, check=False)
    if status.returncode:
        last = (folder / f"{program}.out").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise ConvergenceError(f"{program} failed in {folder}: {''.join(last)}")


def figures(folder):
    """Figures of a case: of its database, and of figures.json where a program without a database writes one.

    Of a database the counts, the lowest loss, AUC at the lowest minimum, mean and deviation, and what the keywords leave in
    `RECORDS`.
    """
    from common.database import Database

    found = {}
    if (folder / "figures.json").exists():
        found |= json.loads((folder / "figures.json").read_text(encoding="utf-8"))
    if not (folder / "landscape.db").exists():
        return found
    with Database(folder / "landscape.db", read_only=True) as database:
        energies = database.energies()
        lowest = int(np.argmin(energies))
        found |= {
            "minima": database.n_minima, "transition_states": database.n_transition_states, "loss": float(energies[lowest]),
            "band": float(np.ptp(energies)),
        }  # fmt: skip
        for name in database.property_names():
            column = database.property(name)
            if name.startswith("auc"):
                found |= {
                    name: float(column[lowest]),
                    f"mean_{name}": float(column.mean()),
                    f"sigma_{name}": float(column.std()),
                }
        for word in " ".join(database.meta(name) or "" for name in RECORDS).split():
            key, value = word.split("=")
            found[key] = int(value) if value.isdigit() else float(value)
    return found


def table_lines(table, size, results):
    """The table in Markdown: every case in two lines, found and published."""
    columns = table["columns"]
    lines = [f"{table['title']}, size {size}", ""]
    lines += ["| case | | " + " | ".join(columns.values()) + " | CPU s |", "|---" * (len(columns) + 3) + "|"]
    for row in results:
        for kind in ("found", "published"):
            values = row[kind]
            cells = [_cell(values.get(key)) for key in columns]
            name = row["case"] if kind == "found" else ""
            lines.append(f"| {name} | {kind} | " + " | ".join(cells) + f" | {_cell(values.get('cpu_seconds'), 0)} |")
    said = {row["found"].get("seeds") for row in results}
    lines += ["", "Seeds: " + "; ".join(sorted(text for text in said if text)) + "."] if any(said) else []
    return lines


def _cell(value, digits=3):
    if value is None:
        return ""
    if isinstance(value, (int, str)):
        return str(value)
    return f"{value:.{digits}g}" if value and abs(value) < 10.0**-digits else f"{value:.{digits}f}"


def put_together(directory, table, results):
    """The pictures of all cases in one, figure.pdf and figure.png; returns the names of what was written."""
    from matplotlib.figure import Figure
    from matplotlib.image import imread

    pictures = []
    for row in results:
        for name in table["figure"]:
            path = directory / row["case"] / name
            if path.exists():
                pictures.append((row["case"], imread(path)))
    if not pictures:
        return []
    across = min(int(table.get("across", ACROSS)), len(pictures))
    down = -(-len(pictures) // across)
    shapes = [image.shape[0] / image.shape[1] for _, image in pictures]
    # every row is as high as its tallest picture
    heights = [max(shapes[row * across : (row + 1) * across]) * PICTURE_WIDTH + TITLE_HEIGHT for row in range(down)]
    figure = Figure(figsize=(PICTURE_WIDTH * across, sum(heights)), layout="constrained")
    grid = figure.add_gridspec(down, across, height_ratios=heights)
    for place, (name, image) in enumerate(pictures):
        axes = figure.add_subplot(grid[place // across, place % across])
        axes.imshow(image, interpolation="antialiased")
        if table.get("titles", True):
            axes.set_title(name.replace("_", " "), fontsize=11)
        axes.set_axis_off()
    written = ["figure.pdf", "figure.png"]
    for name in written:
        figure.savefig(directory / name, dpi=150)
    return written

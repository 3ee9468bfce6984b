"""Published tables, run anew: table.yaml says the cases, their sizes and the published figures, which stand beside ours.

The directory of a table holds table.yaml and the input files of gmin and pathsample as templates, in which $NAME stands for a
value of the size or the case. Every case is run in a folder of its own by the commands gmin and pathsample.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from string import Template

import numpy as np

from common.atomic import atomic_write
from common.errors import ConvergenceError, InputError

#: Input files that are templates.
TEMPLATES = ("data", "odata.connect", "pathdata", "network.yaml")
#: What table.yaml must hold.
KEYS = ("title", "columns", "sizes", "cases")


def reproduce(directory, size, report):
    """--reproduce: run the cases of table.yaml and print their figures beside the published ones.

    Parameters
    ----------
    directory : str or Path
        Holds table.yaml.
    size : str
        One of its sizes: small or full.
    report : Report

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
    texts = prepare(directory, table, size)
    results = []
    for case, files in zip(table["cases"], texts):
        folder = directory / str(case["name"])
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            if old.is_file():
                old.unlink()
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        started = time.perf_counter()
        for program in ("gmin", "pathsample"):
            run_program(program, folder)
        found = figures(folder) | {"seconds": time.perf_counter() - started}
        results.append({"case": case["name"], "found": found, "published": case.get("published", {})})
        report.line(f"reproduce> {case['name']}: {found['seconds']:.0f} s")
    lines = table_lines(table, size, results)
    report.lines(lines)
    with atomic_write(directory / "results.json") as file:
        file.write(json.dumps({"title": table["title"], "size": size, "results": results}, indent=1) + "\n")
    with atomic_write(directory / "table.md", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return results


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
    """Input files of all cases, their names filled in: list of dict of name to text.

    Raises
    ------
    InputError
        If a template is missing or names something that neither the size nor the case gives.
    """
    result = []
    for case in table["cases"]:
        values = {**table["sizes"][size], **case.get("values", {})}
        files = {}
        for name in TEMPLATES:
            path = directory / name
            try:
                files[name] = Template(path.read_text(encoding="utf-8")).substitute(values)
            except OSError:
                if name == "network.yaml":
                    # not every landscape is that of a network
                    continue
                raise InputError(f"{path}: no such file; a table needs {', '.join(TEMPLATES)}") from None
            except KeyError as error:
                raise InputError(f"{path}: ${error.args[0]} is given by no size and no case of table.yaml") from None
        # a line that asks for what a case has not is left out
        for line in case.get("without", ()):
            files["pathdata"] = "".join(each for each in files["pathdata"].splitlines(True) if not each.startswith(line))
        result.append(files)
    return result


def run_program(program, folder):
    """Run a program of the suite in a folder; its output goes to program.out."""
    with open(folder / f"{program}.out", "w", encoding="utf-8") as out:
        status = subprocess.run([sys.executable, "-m", f"{program}.cli"], cwd=folder, stdout=out, stderr=out, check=False)
    if status.returncode:
        last = (folder / f"{program}.out").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:]
        raise ConvergenceError(f"{program} failed in {folder}: {''.join(last)}")


def figures(folder):
    """Figures of a database: counts, lowest loss, AUC at the lowest minimum, mean and deviation, those of MLSUP and NETWORK."""
    from common.database import Database

    with Database(folder / "landscape.db", read_only=True) as database:
        energies = database.energies()
        lowest = int(np.argmin(energies))
        found = {
            "minima": database.n_minima, "transition_states": database.n_transition_states, "loss": float(energies[lowest]),
        }  # fmt: skip
        for name in database.property_names():
            column = database.property(name)
            if name.startswith("auc"):
                found |= {
                    name: float(column[lowest]),
                    f"mean_{name}": float(column.mean()),
                    f"sigma_{name}": float(column.std()),
                }
        for word in f"{database.meta('mlsup_test') or ''} {database.meta('network') or ''}".split():
            key, value = word.split("=")
            found[key] = int(value) if value.isdigit() else float(value)
    return found


def table_lines(table, size, results):
    """The table in Markdown: every case in two lines, found and published."""
    columns = table["columns"]
    lines = [f"{table['title']}, size {size}", ""]
    lines += ["| case | | " + " | ".join(columns.values()) + " | s |", "|---" * (len(columns) + 3) + "|"]
    for row in results:
        for kind in ("found", "published"):
            values = row[kind]
            cells = [_cell(values.get(key)) for key in columns]
            name = row["case"] if kind == "found" else ""
            lines.append(f"| {name} | {kind} | " + " | ".join(cells) + f" | {_cell(values.get('seconds'), 0)} |")
    return lines


def _cell(value, digits=3):
    if value is None:
        return ""
    return str(value) if isinstance(value, int) else f"{value:.{digits}f}"

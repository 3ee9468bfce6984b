"""A superposition of minima as a file, and its answers for new data; needs NumPy alone.

The file is a NumPy archive without pickled objects: ``weights0``, ``biases0``, ``weights1``, … of the networks, shapes
(m, nodes out, nodes in) and (m, nodes out), ``choice_weights0``, ``choice_biases0``, … of the network that chooses, shapes
(nodes out, nodes in) and (nodes out,), ``shift`` and ``divisor`` of the inputs, the numbers ``minima`` of the networks in their
database, ``positive_class``, and where the classes of the data are words in a table their ``names`` and the column ``outcome``.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.errors import InputError

#: Version of the layout of the file.
FORMAT = 1


@dataclass(slots=True)
class Model:
    """A superposition of minima.

    Attributes
    ----------
    weights, biases : list of ndarray of shapes (m, nodes out, nodes in) and (m, nodes out)
        Of the m networks, layer by layer.
    choice_weights, choice_biases : list of ndarray of shapes (nodes out, nodes in) and (nodes out,)
        Of the second network, whose m outputs say which of the networks answers.
    shift, divisor : ndarray of shape (n_inputs,)
        The networks see (input - shift) / divisor.
    minima : ndarray of int of shape (m,)
        Numbers of the minima in their database, from 1.
    positive_class : int
    names : tuple of str
        Of the classes, where the training data name them.
    outcome : str
        Where a table has its classes: ``first``, ``last``, or the name of the column.
    """

    weights: list
    biases: list
    choice_weights: list
    choice_biases: list
    shift: np.ndarray
    divisor: np.ndarray
    minima: np.ndarray
    positive_class: int
    names: tuple = ()
    outcome: str = "first"

    @property
    def n_inputs(self):
        """Number of inputs."""
        return self.choice_weights[0].shape[1]

    def choose(self, inputs):
        """Which of the networks answers for scaled inputs of shape (N, n_inputs): int of shape (N,), counted from 0."""
        return np.argmax(forward(self.choice_weights, self.choice_biases, inputs), axis=1)

    def predict(self, inputs, scaled=False):
        """Class probabilities of the network chosen for each item.

        Parameters
        ----------
        inputs : ndarray of shape (N, n_inputs)
        scaled : bool
            Whether they are on the scale of the training data already.

        Returns
        -------
        probabilities : ndarray of shape (N, n_classes)
        chosen : ndarray of int of shape (N,)
            Index into ``minima``.
        """
        inputs = np.asarray(inputs, dtype=float)
        if not scaled:
            inputs = (inputs - self.shift) / self.divisor
        chosen = self.choose(inputs)
        probabilities = np.empty((len(inputs), self.biases[-1].shape[1]))
        for m in range(len(self.minima)):
            part = chosen == m
            if part.any():
                probabilities[part] = forward([w[m] for w in self.weights], [b[m] for b in self.biases], inputs[part])
        return probabilities, chosen

    def save(self, path):
        """Write the archive; the file is replaced when the new one is complete."""
        from common.atomic import atomic_write

        arrays = {f"weights{k}": w for k, w in enumerate(self.weights)}
        arrays |= {f"biases{k}": b for k, b in enumerate(self.biases)}
        arrays |= {f"choice_weights{k}": w for k, w in enumerate(self.choice_weights)}
        arrays |= {f"choice_biases{k}": b for k, b in enumerate(self.choice_biases)}
        with atomic_write(path, "wb") as file:
            np.savez(
                file, format=FORMAT, shift=self.shift, divisor=self.divisor, minima=self.minima,
                positive_class=self.positive_class, names=np.array(self.names, dtype=str), outcome=np.array(self.outcome),
                **arrays,
            )  # fmt: skip


def forward(weights, biases, inputs):
    """Probabilities of a network of tanh layers with softmax outputs: shape (N, n_classes)."""
    x = inputs
    for w, b in zip(weights[:-1], biases[:-1]):
        x = np.tanh(x @ w.T + b)
    y = x @ weights[-1].T + biases[-1]
    p = np.exp(y - y.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


def read_model(path):
    """A model written by `Model.save`.

    Raises
    ------
    InputError
        If the file cannot be read or is none.
    """
    from zipfile import BadZipFile

    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if int(arrays["format"]) != FORMAT:
            raise InputError(f"{path}: layout {int(arrays['format'])} of a model, this version reads {FORMAT}")
        layers = {
            kind: [arrays[f"{kind}{k}"] for k in range(sum(name.rstrip("0123456789") == kind for name in arrays))]
            for kind in ("weights", "biases", "choice_weights", "choice_biases")
        }
        single = [arrays[name] for name in ("shift", "divisor", "minima")]
        # models of before had neither
        names = tuple(str(name) for name in arrays.get("names", ()))
        return Model(*layers.values(), *single, int(arrays["positive_class"]), names, str(arrays.get("outcome", "first")))
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({(error.strerror or 'no such file').lower()})") from None
    except (ValueError, KeyError, EOFError, TypeError, BadZipFile, AttributeError):
        raise InputError(f"{path}: not a model of MLSUP; pathsample writes one as mlsup.npz") from None


def read_inputs(path, n_inputs, names=(), outcome="first"):
    """New data from a NumPy archive (arrays ``inputs`` and perhaps ``classes``) or from a table of numbers.

    A table has one item per line, separated by commas or blanks, after at most one line of names: the inputs, or these and the
    class, which is a number or one of ``names`` and stands where ``outcome`` says (first, last, or in a column of that name).

    Returns
    -------
    inputs : ndarray of shape (N, n_inputs)
    classes : ndarray of int of shape (N,) or None

    Raises
    ------
    InputError
    """
    path = Path(path)
    classes = None
    try:
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as file:
                inputs = np.array(file["inputs"], dtype=float, ndmin=2)
                classes = np.array(file["classes"]) if "classes" in file.files else None
        else:
            lines = [_cells(line) for line in path.read_text(encoding="utf-8-sig").splitlines()]
            rows = [(number, words) for number, words in enumerate(lines, start=1) if words]
            inputs, classes = _table(path, rows, n_inputs, list(names), outcome)
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({(error.strerror or 'no such file').lower()})") from None
    except KeyError:
        raise InputError(f"{path}: no array inputs in it") from None
    except (ValueError, UnicodeDecodeError):
        raise InputError(f"{path}: neither an archive of numbers nor a table of them") from None
    if inputs.ndim != 2 or inputs.shape[1] != n_inputs or not len(inputs):
        raise InputError(f"{path}: inputs of shape {inputs.shape}, the model has {n_inputs}")
    if not np.isfinite(inputs).all():
        raise InputError(f"{path}: numbers must be finite")
    if classes is not None:
        if classes.shape != (len(inputs),) or (classes != np.round(classes)).any() or (classes < 0).any():
            raise InputError(f"{path}: the classes must be {len(inputs)} integers that are not negative")
        classes = classes.astype(np.intp)
    return inputs, classes


def _cells(line):
    """Cells of a line, by commas where it has some, by blanks otherwise."""
    return [cell.strip() for cell in line.split(",")] if "," in line else line.split()


def _table(path, rows, n_inputs, names, outcome):
    """Inputs, and classes or None, of the lines of a table; a first line without numbers names the columns."""
    header = rows.pop(0)[1] if rows and not any(_is_number(word) for word in rows[0][1]) else []
    width = len(header) or (len(rows[0][1]) if rows else 0)
    place = None
    if width == n_inputs + 1:
        place = header.index(outcome) if outcome in header else n_inputs if outcome == "last" else 0
    problems, values, classes = [], [], []
    for number, words in rows:
        if len(words) != width or width not in (n_inputs, n_inputs + 1):
            problems.append(f"{path}:{number}: {len(words)} columns; expected {n_inputs} inputs, or these and the class")
            continue
        try:
            values.append([float(word) for k, word in enumerate(words) if k != place])
        except ValueError as error:
            problems.append(f"{path}:{number}: expected numbers ({error})")
        if place is not None:
            word = words[place]
            if word not in names and not _is_number(word):
                known = f"one of {', '.join(names)}" if names else "an integer"
                problems.append(f"{path}:{number}: expected a class, {known}, found '{word}'")
            else:
                classes.append(names.index(word) if word in names else float(word))
    if problems:
        raise InputError(problems[:10])
    return np.array(values, ndmin=2), None if place is None else np.array(classes)


def _is_number(word):
    try:
        float(word)
    except ValueError:
        return False
    return True


def predict_file(model_path, data_path, report, output=None):
    """--predict: answers of a model for a file of data, as a table beside it.

    The table DATA.predicted.csv has the number of the minimum chosen, the most probable class, its name where the classes have
    names, and all probabilities.

    Returns
    -------
    Path
        Of the table.
    """
    from common.atomic import atomic_write
    from pathsample.learning.auc import area_under_curve

    model = read_model(model_path)
    inputs, classes = read_inputs(data_path, model.n_inputs, model.names, model.outcome)
    probabilities, chosen = model.predict(inputs)
    outcomes = probabilities.argmax(axis=1)
    path = Path(output) if output else Path(f"{data_path}.predicted.csv")
    n_classes = probabilities.shape[1]
    named = len(model.names) == n_classes
    with atomic_write(path, encoding="utf-8") as file:
        file.write(",".join(["minimum", "class", *(["name"] if named else []), *(f"p{c}" for c in range(n_classes))]) + "\n")
        for m, c, p in zip(model.minima[chosen], outcomes, probabilities):
            name = f"{model.names[c]}," if named else ""
            file.write(f"{m},{c},{name}" + ",".join(f"{value:.8g}" for value in p) + "\n")
    report.line(f"predict> {data_path}: {len(inputs)} items, answers in {path}")
    for m, count in zip(model.minima, np.bincount(chosen, minlength=len(model.minima))):
        report.line(f"predict> minimum {m:8d} answers for {count:8d} items")
    if classes is not None:
        positive = classes == model.positive_class
        line = f"predict> accuracy {np.mean(outcomes == classes):8.4f}"
        if positive.any() and not positive.all():
            area = area_under_curve(probabilities[:, model.positive_class], positive)
            line += f", AUC of class {model.positive_class} {area:8.4f}"
        report.line(line)
    return path

"""YAML files with a declared schema: everything wrong is found at once, each problem with file and line.

A schema is a dict of `Field` by key. Keys nobody declared are problems that name the nearest declared one; numbers may be
written as in the keyword files (1e-4 and 1D-4 are numbers, which plain YAML takes for words).
"""

import difflib
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from common.errors import InputError
from common.fortran_numbers import read_real

#: In words, for messages and documentation.
KINDS = {
    "int": "an integer",
    "real": "a real number",
    "logical": "true or false",
    "word": "a word",
    "file": "the name of a file",
    "integers": "a list of integers",
    "section": "a section of keys",
    "seed or false": "an integer (a seed) or false",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a section.

    Attributes
    ----------
    kind : str
        A key of ``KINDS``.
    meaning : str
    default : object
        Value where the key is absent.
    required : bool
    choices : tuple of str
    minimum, maximum : float or None
        Of a number, or of every number of a list.
    positive : bool
    """

    kind: str
    meaning: str = ""
    default: object = None
    required: bool = False
    choices: tuple = ()
    minimum: float | None = None
    maximum: float | None = None
    positive: bool = False


class Section:
    """A mapping of a YAML file.

    Attributes
    ----------
    place : str
        ``file:line`` of its first key.
    keys : dict of str to str
        ``file:line`` by key.
    """

    def __init__(self, node, path, problems, title):
        import yaml

        self.path = path
        self.problems = problems
        self.title = title
        self.nodes = {}
        self.keys = {}
        self.place = f"{path}:{node.start_mark.line + 1}"
        for key_node, value_node in node.value:
            where = f"{path}:{key_node.start_mark.line + 1}"
            if not isinstance(key_node, yaml.ScalarNode):
                problems.append(f"{where}: expected a key, found a {'list' if key_node.id == 'sequence' else key_node.id}")
                continue
            key = key_node.value
            if key in self.nodes:
                problems.append(f"{where}: {key}: stands twice in {title}")
            self.nodes[key] = value_node
            self.keys[key] = where

    def error(self, key, text):
        """Collect a problem with a key (or with the section, where it is absent)."""
        self.problems.append(f"{self.keys.get(key, self.place)}: {key}: {text}")

    def read(self, *schemas):
        """Values of the fields of one or more schemas, defaults filled in; what does not fit is collected.

        Returns
        -------
        types.SimpleNamespace
            One attribute per field; a section is a `Section` or None.
        """
        fields = {name: field for schema in schemas for name, field in schema.items()}
        for key, where in self.keys.items():
            if key not in fields:
                close = difflib.get_close_matches(key.lower(), fields, n=1, cutoff=0.6)
                hint = f"did you mean {close[0]}?" if close else f"expected one of {', '.join(fields)}"
                self.problems.append(f"{where}: {key}: unknown key of {self.title}; {hint}")
        values = SimpleNamespace()
        for name, field in fields.items():
            node = self.nodes.get(name)
            if node is None:
                if field.required:
                    self.problems.append(f"{self.place}: {self.title} needs {name}: {field.meaning or KINDS[field.kind]}")
                value = field.default
            else:
                try:
                    value = self._value(name, field, node)
                except ValueError as problem:
                    self.error(name, str(problem))
                    value = field.default
            setattr(values, name.replace("lambda", "lam"), value)
        return values

    def _value(self, name, field, node):
        import yaml

        expected = "one of " + ", ".join(field.choices) if field.choices else KINDS[field.kind]
        if field.kind == "section":
            if not isinstance(node, yaml.MappingNode):
                raise ValueError("expected a section of keys below it, indented")
            return Section(node, self.path, self.problems, name)
        if field.kind == "integers":
            if not isinstance(node, yaml.SequenceNode) or not all(isinstance(item, yaml.ScalarNode) for item in node.value):
                raise ValueError(f"expected {expected}, as [2, 10, 4]")
            return tuple(self._number(item.value, "int", field, "integers") for item in node.value)
        if not isinstance(node, yaml.ScalarNode):
            raise ValueError(f"expected {expected}")
        text = node.value
        if field.kind in ("int", "real"):
            return self._number(text, field.kind, field, expected)
        if field.kind in ("logical", "seed or false"):
            if text.lower() in ("true", "yes", "on", "false", "no", "off"):
                value = text.lower() in ("true", "yes", "on")
                if field.kind == "logical" or not value:
                    return value
            if field.kind == "seed or false":
                return self._number(text, "int", field, expected)
            raise ValueError(f"expected {expected}, found '{text}'")
        if not text:
            raise ValueError(f"expected {expected}, found nothing")
        if field.choices:
            if text.lower() not in field.choices:
                close = difflib.get_close_matches(text.lower(), field.choices, n=1, cutoff=0.6)
                raise ValueError(f"expected {expected}, found '{text}'" + (f"; did you mean {close[0]}?" if close else ""))
            return text.lower()
        return text

    @staticmethod
    def _number(text, kind, field, expected):
        try:
            value = read_real(text)
        except ValueError:
            value = None
        if value is None or (kind == "int" and value != int(value)):
            raise ValueError(f"expected {expected}, found '{text}'")
        if field.positive and not value > 0:
            raise ValueError(f"must be positive, found '{text}'")
        if field.minimum is not None and not value >= field.minimum:
            raise ValueError(f"must be at least {field.minimum:g}, found '{text}'")
        if field.maximum is not None and not value <= field.maximum:
            raise ValueError(f"must be at most {field.maximum:g}, found '{text}'")
        return int(value) if kind == "int" else float(value)


def open_yaml(path, problems, title):
    """The top section of a YAML file.

    Parameters
    ----------
    path : str or Path
    problems : list of str
        Where problems with its content will be collected.
    title : str
        What messages call the file's content.

    Raises
    ------
    InputError
        If the file cannot be read, is no YAML, or holds no section.
    """
    import yaml

    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file; {title} is a YAML file") from None
    except OSError as error:
        reason = (error.strerror or "no such file").lower()
        raise InputError(f"{path}: cannot be read ({reason}); it describes {title}") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark is not None else str(path)
        raise InputError(f"{where}: not valid YAML: {getattr(error, 'problem', None) or error}") from None
    if not isinstance(node, yaml.MappingNode):
        raise InputError(f"{path}: expected lines 'key: value' that describe {title}")
    return Section(node, path, problems, title)

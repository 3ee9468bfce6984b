"""The table of keywords of a program, read from its ``keywords.yaml``.

One table feeds the parser, the defaults, ``--keywords``, the reference in ``docs/keywords`` and the echo of the settings. A
file is a mapping from the name of a keyword (upper case) to its description:

meaning
    One sentence.
group
    Heading in the reference.
status
    ``supported`` (default), or ``known``: a keyword of the classic programs that this suite does not have; an error when used.
reason
    Why a known keyword is not supported, and what to use instead.
aliases
    Other names for it.
repeat
    ``true`` when several lines accumulate; otherwise the last one wins, as in the classic programs.
required
    ``true`` when a file without it is an error.
body
    ``lines`` when all remaining physical lines belong to it (POINTS), ``none`` (default) otherwise.
ends
    ``true`` when nothing after it is read (STOP).
extra
    ``ignore`` for keywords behind which published inputs carry text; by default items that nothing consumes are an error.
arguments
    List of mappings with: ``name`` (a Python name); ``type``, one of

    ======= ==============================================================
    int     integer (wales: any number, truncated towards zero)
    real    real number with D, d, E, e or bare signed exponent
    logical T, TRUE, .TRUE., ON, … or F, FALSE, …
    word    one item, case kept
    file    one item, the name of a file
    text    all remaining items joined by blanks
    ======= ==============================================================

    or alternatives such as ``int|word``, tried in order; ``default`` (then it may be left out); ``optional: true`` (None when
    left out); ``choices`` (compared without regard to case; of a mixed type they hold for the word); ``unit``; ``minimum``,
    ``maximum``, ``positive``; ``rest: true`` (takes all remaining items, as a list); ``meaning``.
"""

import keyword as python_keyword
import re
from pathlib import Path

from common.fortran_numbers import read_integer, read_real

TYPES = {
    "int": "integer",
    "real": "real number",
    "logical": "logical, T or F",
    "word": "word",
    "file": "file name",
    "text": "text",
}
_KEYWORD_KEYS = {"meaning", "group", "status", "reason", "aliases", "repeat", "required", "body", "ends", "extra", "arguments"}
_ARGUMENT_KEYS = {
    "name", "type", "default", "optional", "choices", "unit", "minimum", "maximum", "positive", "rest", "meaning",
}  # fmt: skip
TRUE_WORDS = {"T", "TRUE", ".TRUE.", ".T.", "ON", "YES", "Y"}
FALSE_WORDS = {"F", "FALSE", ".FALSE.", ".F.", "OFF", "NO", "N"}


class BadValue(ValueError):
    """An item that does not fit its argument; the message says what was expected."""


class Argument:
    """One argument of a keyword. Attributes are the keys of the table; `types` is a tuple."""

    __slots__ = (
        "choices", "default", "has_default", "maximum", "meaning", "minimum", "name", "optional", "positive", "rest", "types",
        "unit",
    )  # fmt: skip

    def __init__(self, entry, place):
        unknown = set(entry) - _ARGUMENT_KEYS
        if unknown:
            raise ValueError(
                f"{place}: unknown key {min(map(str, unknown))!r} in argument {entry.get('name')} (quote texts with commas)"
            )
        self.name = str(entry.get("name", ""))
        if not self.name.isidentifier() or python_keyword.iskeyword(self.name):
            raise ValueError(f"{place}: {self.name!r} cannot be the name of an argument")
        self.types = tuple(str(entry.get("type", "")).replace(" ", "").split("|"))
        for kind in self.types:
            if kind not in TYPES:
                raise ValueError(f"{place}: argument {self.name} has the unknown type {kind!r}")
        self.choices = [str(choice) for choice in entry.get("choices") or ()]
        self.unit = entry.get("unit")
        self.positive = bool(entry.get("positive", False))
        self.rest = bool(entry.get("rest", False))
        self.meaning = str(entry.get("meaning") or "")
        self.minimum = self._number(entry.get("minimum"))
        self.maximum = self._number(entry.get("maximum"))
        self.has_default = "default" in entry and entry["default"] is not None
        self.optional = bool(entry.get("optional", False)) or self.has_default
        self.default = None
        if self.has_default:
            given = entry["default"]
            try:
                if self.rest:
                    self.default = [self._default(item) for item in (given if isinstance(given, list) else [given])]
                else:
                    self.default = self._default(given)
            except BadValue as error:
                raise ValueError(f"{place}: argument {self.name}: bad default: {error}") from None

    @staticmethod
    def _number(value):
        return None if value is None else float(read_real(str(value)))

    def _default(self, value):
        if isinstance(value, bool):
            return self.read("T" if value else "F", "wales")
        return self.read(str(value), "wales")

    @property
    def mandatory(self):
        """Whether leaving it out is an error."""
        return not self.optional

    def expected(self):
        """What kind of item is expected, in words."""
        if self.choices and self.types == ("word",):
            return "one of " + ", ".join(self.choices)
        words = [TYPES[kind] for kind in self.types]
        if self.choices:
            words = [TYPES[kind] for kind in self.types if kind != "word"] + ["one of " + ", ".join(self.choices)]
        return " or ".join(words)

    def read(self, item, style="wales"):
        """Value of one item.

        Raises
        ------
        BadValue
        """
        for kind in self.types:
            try:
                value = _READERS[kind](self, item, style)
            except ValueError:
                continue
            self._check_range(value, item)
            return value
        expected = self.expected()
        article = "" if expected.startswith("one of") else "an " if expected[0] in "aeiou" else "a "
        if self.types == ("text",) or (self.types == ("word",) and not self.choices):
            article = "a "
        raise BadValue(f"{self.name} must be {article}{expected}, found '{item}'")

    def _check_range(self, value, item):
        if isinstance(value, (str, bool)):
            return
        if self.positive and not value > 0:
            raise BadValue(f"{self.name} must be positive, found '{item}'")
        if self.minimum is not None and not value >= self.minimum:
            raise BadValue(f"{self.name} must be at least {self.minimum:g}, found '{item}'")
        if self.maximum is not None and not value <= self.maximum:
            raise BadValue(f"{self.name} must be at most {self.maximum:g}, found '{item}'")

    def _read_word(self, item, style):
        if not self.choices:
            return str(item)
        for choice in self.choices:
            if choice.upper() == item.upper():
                return choice
        raise BadValue("not a choice")


def _read_integer(argument, item, style):
    return read_integer(item, strict=style == "dinfo")


def _read_real(argument, item, style):
    return read_real(item)


def _read_logical(argument, item, style):
    word = item.upper()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ValueError(item)


_READERS = {
    "int": _read_integer,
    "real": _read_real,
    "logical": _read_logical,
    "word": Argument._read_word,
    "file": lambda argument, item, style: str(item),
    "text": lambda argument, item, style: str(item),
}


class Keyword:
    """One keyword. Attributes are the keys of the table, `name`, and `source`, the file that declares it."""

    __slots__ = (
        "aliases", "arguments", "body", "ends", "extra", "group", "meaning", "name", "reason", "repeat", "required", "source",
        "status",
    )  # fmt: skip

    def __init__(self, name, entry, source):
        place = f"{source}: {name}"
        entry = entry or {}
        if not isinstance(entry, dict):
            raise ValueError(f"{place}: expected a mapping")
        unknown = set(entry) - _KEYWORD_KEYS
        if unknown:
            raise ValueError(f"{place}: unknown key {min(map(str, unknown))!r}")
        if name != name.upper():
            raise ValueError(f"{place}: the name of a keyword is written in capitals")
        self.name = name
        self.source = source
        self.meaning = str(entry.get("meaning") or "").strip()
        self.group = str(entry.get("group") or "Other")
        self.status = entry.get("status", "supported")
        self.reason = str(entry.get("reason") or "").strip()
        self.aliases = [str(alias).upper() for alias in entry.get("aliases") or ()]
        self.repeat = bool(entry.get("repeat", False))
        self.required = bool(entry.get("required", False))
        self.body = entry.get("body", "none") == "lines"
        self.ends = bool(entry.get("ends", False))
        self.extra = entry.get("extra", "error")
        if self.status not in ("supported", "known"):
            raise ValueError(f"{place}: status must be supported or known")
        if self.extra not in ("error", "ignore"):
            raise ValueError(f"{place}: extra must be error or ignore")
        if entry.get("body", "none") not in ("none", "lines"):
            raise ValueError(f"{place}: body must be none or lines")
        if not self.meaning and self.status == "supported":
            raise ValueError(f"{place}: meaning is missing")
        if self.status == "known" and not self.reason:
            raise ValueError(f"{place}: a known keyword needs a reason")
        self.arguments = [Argument(argument, place) for argument in entry.get("arguments") or ()]
        names = [argument.name for argument in self.arguments]
        if len(set(names)) != len(names):
            raise ValueError(f"{place}: two arguments have the same name")
        optional_seen = False
        for position, argument in enumerate(self.arguments):
            takes_all = argument.rest or "text" in argument.types
            if takes_all and position != len(self.arguments) - 1:
                raise ValueError(f"{place}: nothing can follow {argument.name}, which takes all remaining items")
            if argument.mandatory and optional_seen:
                raise ValueError(f"{place}: the mandatory argument {argument.name} follows an optional one")
            optional_seen = optional_seen or argument.optional

    @property
    def supported(self):
        """Whether the suite has it."""
        return self.status == "supported"

    def syntax(self):
        """One line: the name, mandatory arguments bare, optional ones in brackets."""
        words = [self.name]
        for argument in self.arguments:
            word = argument.name + (" ..." if argument.rest or "text" in argument.types else "")
            words.append(f"[{word}]" if argument.optional else word)
        return " ".join(words)


class Table:
    """Keywords by name, in the order of the files.

    Attributes
    ----------
    keywords : dict of str to Keyword
    aliases : dict of str to str
        Other name to main name.
    sources : list of str
    """

    def __init__(self):
        self.keywords = {}
        self.aliases = {}
        self.sources = []

    def add(self, keyword):
        """Add one keyword.

        Raises
        ------
        ValueError
            Its name or an alias is taken.
        """
        for name in [keyword.name, *keyword.aliases]:
            taken = self.find(name)
            if taken is not None:
                raise ValueError(f"{keyword.source}: {name} is already declared in {taken.source}")
        self.keywords[keyword.name] = keyword
        for alias in keyword.aliases:
            self.aliases[alias] = keyword.name

    def find(self, word):
        """The `Keyword` of that name or alias, without regard to case, or None."""
        word = word.upper()
        return self.keywords.get(self.aliases.get(word, word))

    def closest(self, word):
        """The known name most like `word`, or None when nothing is alike."""
        import difflib

        names = [*self.keywords, *self.aliases]
        # A supported keyword is the better suggestion when two are equally alike.
        names.sort(key=lambda name: not self.find(name).supported)
        found = difflib.get_close_matches(word.upper(), names, n=1, cutoff=0.6)
        return found[0] if found else None

    def __contains__(self, word):
        return self.find(word) is not None

    def __iter__(self):
        return iter(self.keywords.values())

    def __len__(self):
        return len(self.keywords)


def _loader():
    """A YAML loader that keeps ON, OFF, YES and NO as words and refuses a key that stands twice."""
    import yaml

    base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):
        def construct_mapping(self, node, deep=False):
            seen = set()
            for key_node, _ in node.value:
                key = self.construct_object(key_node, deep=True)
                if key in seen:
                    raise ValueError(f"line {key_node.start_mark.line + 1}: {key} is declared twice")
                seen.add(key)
            return super().construct_mapping(node, deep)

    only_true_false = [("tag:yaml.org,2002:bool", re.compile("^(?:true|True|false|False)$"))]
    Loader.yaml_implicit_resolvers = {
        first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:bool"] + (only_true_false if first in "tTfF" else [])
        for first, pairs in base.yaml_implicit_resolvers.items()
    }
    return yaml, Loader


def load_table(*paths):
    """Read one or more ``keywords.yaml``.

    Parameters
    ----------
    *paths : str or Path
        Later files add to earlier ones.

    Returns
    -------
    Table

    Raises
    ------
    ValueError
        A file breaks the rules of the table, or two declare the same name.
    """
    yaml, loader = _loader()
    table = Table()
    for path in paths:
        source = "/".join(Path(path).parts[-2:])
        with open(path, encoding="utf-8") as file:
            try:
                content = yaml.load(file, Loader=loader) or {}
            except (yaml.YAMLError, ValueError) as error:
                raise ValueError(f"{source}: {error}") from None
        for name, entry in content.items():
            table.add(Keyword(str(name), entry, source))
        table.sources.append(str(path))
    return table

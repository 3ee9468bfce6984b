"""Keyword files of the four programs: read, check, and say everything that is wrong at once.

`load_table` reads the declarations (see `common.keyword_table`), `parse_file` reads an input file against them and returns
`Settings`. Problems are collected, with file and line, what was expected and the nearest known word; the program adds its own
with `Settings.error` and `Settings.finish` raises them all in one `InputError`. Nothing in an input file is ignored silently.

``python -m common.keywords`` writes the reference ``docs/keywords/*.md`` of a source tree.
"""

from pathlib import Path
from types import SimpleNamespace

from common.errors import InputError
from common.keyword_table import Argument, BadValue, Keyword, Table, load_table
from common.tokeniser import BodyLine, Reader, shorten

__all__ = [
    "Argument",
    "BodyLine",
    "Keyword",
    "Settings",
    "Table",
    "describe",
    "load_table",
    "parse_file",
    "parse_text",
    "reference_markdown",
]


class Occurrence:
    """One line of the input that gave a keyword.

    Attributes
    ----------
    keyword : Keyword
    values : SimpleNamespace
        One attribute per argument.
    where : str
        ``file:line``.
    text : str
        The logical line.
    """

    __slots__ = ("keyword", "text", "values", "where")

    def __init__(self, keyword, values, where, text):
        self.keyword = keyword
        self.values = values
        self.where = where
        self.text = text


class Settings:
    """What an input file says, with the defaults of the table filled in.

    ``settings["STEPS"].n`` is an argument of the last line that gave STEPS, or its default when none did (None for mandatory
    arguments). A value that could not be read, which `finish` will report, is its default or None too.

    Attributes
    ----------
    path : Path or None
    name : str
        How messages call the file.
    table : Table
    occurrences : list of Occurrence
        In the order of the file.
    problems : list of str
    notes : list of str
        Remarks that are no errors: a line that a later one replaces.
    """

    def __init__(self, table, name, path=None):
        self.table = table
        self.name = name
        self.path = path
        self.occurrences = []
        self.problems = []
        self.notes = []
        self.echoed = []
        self._by_name = {}
        self._bodies = {}

    # -- reading ------------------------------------------------------------------------------------------------------

    def _keyword(self, name):
        keyword = self.table.find(name)
        if keyword is None:
            raise KeyError(f"{name} is not in the table of keywords")
        return keyword

    def __getitem__(self, name):
        keyword = self._keyword(name)
        found = self._by_name.get(keyword.name)
        return found[-1].values if found else _defaults(keyword)

    def given(self, name):
        """Whether the input has this keyword, under any of its names."""
        return self._keyword(name).name in self._by_name

    def all(self, name):
        """Values of every line that gave this keyword, in order."""
        return [occurrence.values for occurrence in self._by_name.get(self._keyword(name).name, ())]

    def body(self, name):
        """Raw lines below a keyword that takes the rest of the file, as ``(line number, text)`` with attribute ``where``."""
        return self._bodies.get(self._keyword(name).name, [])

    def where(self, name, index=-1):
        """``file:line`` of a keyword (of line `index` when several gave it), or the name of the file when it is absent."""
        found = self._by_name.get(self._keyword(name).name)
        return found[index].where if found else self.name

    def with_changes(self, change, without=()):
        """These settings with the keywords of others in place of their own.

        Parameters
        ----------
        change : Settings
            Of the same table.
        without : iterable of str
            Keywords that are taken out before.

        Returns
        -------
        Settings
        """
        new = Settings(self.table, self.name, self.path)
        gone = {self._keyword(name).name for name in without} | set(change._by_name)
        new.occurrences = [o for o in self.occurrences if o.keyword.name not in gone] + list(change.occurrences)
        new._by_name = {name: found for name, found in self._by_name.items() if name not in gone} | change._by_name
        new._bodies = self._bodies | change._bodies
        return new

    # -- problems -----------------------------------------------------------------------------------------------------

    def error(self, name, text, index=-1):
        """Collect a problem with a keyword; `finish` will raise it.

        Parameters
        ----------
        name : str
        text : str
            What is wrong and what would be right.
        index : int
            Which of several lines that gave the keyword.
        """
        keyword = self._keyword(name)
        found = self._by_name.get(keyword.name)
        if found:
            self.problems.append(f"{found[index].where}: {shorten(found[index].text)}: {text}")
        else:
            self.problems.append(f"{self.name}: {keyword.name}: {text}")

    def finish(self):
        """Raise everything that was found wrong.

        Raises
        ------
        InputError
        """
        if self.problems:
            raise InputError(self.problems)

    # -- output -------------------------------------------------------------------------------------------------------

    def echo(self):
        """The settings in the format of the input, one line each, defaults of given keywords filled in.

        Reading these lines again gives the same settings. Lines that ``#echo on`` asked for, and those that a later line
        replaced, follow as comments.
        """
        lines = []
        for occurrence in self.occurrences:
            keyword = occurrence.keyword
            if not keyword.repeat and self._by_name[keyword.name][-1] is not occurrence:
                continue
            lines.append(_line(keyword, occurrence.values))
            if keyword.body:
                lines.append(f"! {len(self.body(keyword.name))} lines follow in the input")
        return lines + [f"! {text}" for text in [*self.notes, *self.echoed]]

    # -- building -----------------------------------------------------------------------------------------------------

    def _read_line(self, line, style):
        """Take in one logical line; returns its `Keyword`, or None when it is unknown."""
        text = " ".join(line.items)
        keyword = self.table.find(line.items[0])
        start = f"{line.where}: {shorten(text)}"
        if keyword is None:
            self.problems.append(f"{start}: unknown keyword{_hint(line.items[0], self.table)}")
            return None
        if not keyword.supported:
            self.problems.append(f"{start}: {keyword.name} is known but not supported: {keyword.reason}")
            return keyword
        values = self._read_arguments(keyword, line.items[1:], style, start)
        occurrence = Occurrence(keyword, values, line.where, text)
        earlier = self._by_name.setdefault(keyword.name, [])
        if earlier and not keyword.repeat:
            self.notes.append(f"{line.where}: {shorten(text)} replaces {shorten(earlier[-1].text)} of {earlier[-1].where}")
        earlier.append(occurrence)
        self.occurrences.append(occurrence)
        return keyword

    def _read_arguments(self, keyword, items, style, start):
        values = _defaults(keyword)
        used = 0
        for argument in keyword.arguments:
            taken = items[used:] if argument.rest or "text" in argument.types else items[used : used + 1]
            used += len(taken)
            if "text" in argument.types and not argument.rest:
                taken = [" ".join(taken)]
            # An empty item between two commas leaves the argument at its default.
            taken = [item for item in taken if item]
            if not taken:
                if argument.mandatory:
                    meaning = f": {argument.meaning}" if argument.meaning else ""
                    self.problems.append(f"{start}: missing argument {argument.name} ({argument.expected()}{meaning})")
                continue
            try:
                read = [argument.read(item, style) for item in taken]
            except BadValue as error:
                self.problems.append(f"{start}: {error}")
                continue
            setattr(values, argument.name, read if argument.rest else read[0])
        extra = items[used:]
        if extra and keyword.extra == "error":
            most = len(keyword.arguments)
            takes = "no arguments" if most == 0 else "one argument" if most == 1 else f"at most {most} arguments"
            self.problems.append(
                f"{start}: {keyword.name} takes {takes}, got '{shorten(' '.join(extra), 40)}' too (comments start with ' ! ')"
            )
        return values


def _defaults(keyword):
    """Values of a keyword that was not given."""
    return SimpleNamespace(
        **{
            argument.name: list(argument.default) if isinstance(argument.default, list) else argument.default
            for argument in keyword.arguments
        }
    )


def _hint(word, table):
    """What to say behind an unknown keyword."""
    if word[:1] in "!#" and len(word) > 1:
        return f"; a comment needs a blank after '{word[0]}'"
    close = table.closest(word)
    return f"; did you mean {close}?" if close else "; --keywords lists all of them"


def _line(keyword, values):
    """One setting in input format."""
    items = []
    for argument in keyword.arguments:
        value = getattr(values, argument.name)
        items += [_item(v) for v in value] if isinstance(value, list) else [_item(value, text="text" in argument.types)]
    while items and items[-1] is None:
        items.pop()
    line = keyword.name
    after_item = True
    for item in items:
        # Every comma behind a first one stands for an argument that was left out.
        line += f" {item}" if item is not None else " ,," if after_item else ","
        after_item = item is not None
    return line


def _item(value, text=False):
    """One value as an item, or None for an argument that is not given."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, float):
        return repr(value).upper()
    if isinstance(value, int):
        return str(value)
    plain = value and not any(c in value for c in " \t,'\"") and value[0] != "(" and value not in ("!", "+++", "&")
    if plain or text:
        return value
    quote = '"' if "'" in value else "'"
    return f"{quote}{value}{quote}"


def parse_text(text, table, name="data", style="wales", path=None):
    """Read keyword lines from a string.

    Parameters
    ----------
    text : str
    table : Table
    name : str
        How messages call it.
    style : {"wales", "dinfo"}
        Which classic dialect (see `common.tokeniser`).
    path : str or Path, optional
        File the text came from; ``#include`` looks beside it.

    Returns
    -------
    Settings
        With all problems collected; call its ``finish``.
    """
    settings = Settings(table, name, Path(path) if path is not None else None)
    reader = Reader(name, text, settings.problems, style, path)
    for line in reader.logical_lines():
        keyword = settings._read_line(line, style)
        if keyword is None:
            continue
        if keyword.body:
            settings._bodies[keyword.name] = reader.remaining()
            break
        if keyword.ends:
            break
    settings.echoed = reader.echoed
    for keyword in table:
        # a misspelt keyword is one problem, not two
        misspelt = any(problem.endswith(f"did you mean {keyword.name}?") for problem in settings.problems)
        if keyword.required and keyword.name not in settings._by_name and not misspelt:
            settings.problems.append(f"{name}: {keyword.name} is missing: {keyword.meaning} ({keyword.syntax()})")
    return settings


def parse_file(path, table, style="wales"):
    """Read a keyword file.

    Parameters
    ----------
    path : str or Path
    table : Table
    style : {"wales", "dinfo"}

    Returns
    -------
    Settings
        With all problems collected; call its ``finish``.

    Raises
    ------
    InputError
        The file is missing or cannot be read.
    """
    path = Path(path)
    try:
        # Old inputs carry comments in any encoding; bytes that are not UTF-8 survive unread.
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file in {Path.cwd()}; this file holds the keywords") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    return parse_text(text, table, str(path), style, path)


def describe(table, name=None):
    """Text for ``--keywords [NAME]``; see `common.keyword_reference`."""
    from common import keyword_reference

    return keyword_reference.describe(table, name)


def reference_markdown(table, title):
    """Markdown page of a table; see `common.keyword_reference`."""
    from common import keyword_reference

    return keyword_reference.reference_markdown(table, title)


if __name__ == "__main__":
    from common import keyword_reference

    raise SystemExit(keyword_reference.main())

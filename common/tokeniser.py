"""From the text of a keyword file to logical lines of items.

Two dialects exist among the classic programs.

wales (GMIN ``data``, OPTIM ``odata``, PATHSAMPLE ``pathdata``)
    Items are separated by blanks or commas, two adjacent commas make an empty item, quotes keep blanks, an item that starts
    with ``(`` opens a bracketed comment, a last item ``+++`` continues the line, and ``#include``, ``#revert``, ``#concat`` and
    ``#echo`` are directives. A line is a comment when its first item is NOTE, COMMENT, ``\\``, ``!`` or ``#``.
dinfo (disconnectionDPS)
    Items are separated by blanks or commas, ``&`` at the end joins the next line, and a line is a comment when its first
    character is ``#`` or its first item is COMMENT or ``!``.

In both a free-standing ``!`` ends the line, a superset of what the originals accept, and nothing is ever cut off at a column.
"""

from pathlib import Path

BLANKS = " \t\r\f\v"
QUOTES = "'\""
COMMENT_WORDS = {"wales": frozenset({"NOTE", "COMMENT", "\\", "\\\\", "!", "#"}), "dinfo": frozenset({"COMMENT", "!"})}
STYLES = tuple(COMMENT_WORDS)


class TokenError(ValueError):
    """A line that cannot be split into items."""


class Quoted(str):
    """An item that stood in quotes: never a comment mark, a continuation or a directive."""

    __slots__ = ()


class BodyLine(tuple):
    """``(line number, text)`` of one raw line below a keyword such as POINTS; `where` names its file too."""

    def __new__(cls, file, number, text):  # noqa: D102
        self = super().__new__(cls, (number, text))
        self.where = f"{file}:{number}"
        return self


class LogicalLine:
    """Items of one logical line and the place where it starts.

    Attributes
    ----------
    file : str
    number : int
        1-based physical line at which the logical line starts.
    items : list of str
    """

    __slots__ = ("file", "items", "number")

    def __init__(self, file, number, items):
        self.file = file
        self.number = number
        self.items = items

    @property
    def where(self):
        """``file:line``."""
        return f"{self.file}:{self.number}"


def split_items(text, style="wales", first=True):
    """Split one physical line into items.

    Parameters
    ----------
    text : str
    style : {"wales", "dinfo"}
    first : bool
        Whether the line starts a logical line, so that a comment word makes it a comment.

    Returns
    -------
    list of str
        Empty for a comment or a blank line; items that stood in quotes are `Quoted`.

    Raises
    ------
    TokenError
        A quote or a bracketed comment is not closed.
    """
    if style == "dinfo" and first and text.lstrip(BLANKS).startswith("#"):
        return []
    comment_words = COMMENT_WORDS[style] if first else frozenset()
    items = []
    after_comma = False
    i, n = 0, len(text)
    while i < n:
        c = text[i]
        if c in BLANKS:
            i += 1
        elif c == ",":
            if after_comma:
                items.append("")
            after_comma = True
            i += 1
        elif c == "(" and style == "wales":
            i = _end_of_comment(text, i)
        elif c in QUOTES:
            end = text.find(c, i + 1)
            if end < 0:
                raise TokenError(f"the quotation opened by {c} in column {i + 1} is not closed")
            items.append(Quoted(text[i + 1 : end]))
            after_comma = False
            i = end + 1
        else:
            end = i
            while end < n and text[end] != "," and text[end] not in BLANKS:
                end += 1
            word = text[i:end]
            if word == "!":
                break
            if not items and word.upper() in comment_words:
                return []
            items.append(word)
            after_comma = False
            i = end
    return items


def _end_of_comment(text, start):
    """Index after the bracket that closes the one at `start`."""
    depth = 0
    for i in range(start, len(text)):
        if text[i] == "(":
            depth += 1
        elif text[i] == ")":
            depth -= 1
            if depth == 0:
                return i + 1
    raise TokenError(f"the bracketed comment opened in column {start + 1} is not closed (or quote what starts with '(')")


class _Source:
    """Position in one open file."""

    __slots__ = ("folder", "lines", "name", "next", "path")

    def __init__(self, name, text, folder, path):
        self.name = name
        # Only line ends end a line; str.splitlines would also cut comments at exotic separators.
        self.lines = text.replace("\r\n", "\n").split("\n")
        if self.lines[-1] == "":
            self.lines.pop()
        self.next = 0
        self.folder = folder
        self.path = path


class Reader:
    """Logical lines of a keyword file and of the files it includes.

    Parameters
    ----------
    name : str
        How the file is called in messages.
    text : str
    problems : list of str
        Where lines that cannot be read are reported, as ``file:line: …``.
    style : {"wales", "dinfo"}
    path : Path or None
        The file the text came from; included files are looked for beside the file that names them, then beside this one.

    Attributes
    ----------
    echoed : list of str
        Lines read while ``#echo on`` held.
    """

    def __init__(self, name, text, problems, style="wales", path=None):
        if style not in STYLES:
            raise ValueError(f"style must be one of {', '.join(STYLES)}, not {style!r}")
        self.style = style
        self.problems = problems
        self.echoed = []
        self._echo = False
        self._continuation = "+++" if style == "wales" else "&"
        self._main_folder = Path(path).parent if path is not None else Path()
        resolved = Path(path).resolve() if path is not None else None
        self._stack = [_Source(name, text, self._main_folder, resolved)]

    def _next_physical(self):
        """The next physical line as (file, number, text), or None at the end of everything."""
        while self._stack:
            source = self._stack[-1]
            if source.next < len(source.lines):
                source.next += 1
                text = source.lines[source.next - 1]
                if self._echo:
                    self.echoed.append(f"{source.name}:{source.next}: {text}")
                return source.name, source.next, text
            self._stack.pop()
        return None

    def logical_lines(self):
        """Generate every `LogicalLine`; comments, blank lines and directives are dealt with on the way."""
        while (physical := self._next_physical()) is not None:
            file, number, text = physical
            try:
                items = self._collect(text, file, number)
            except TokenError as error:
                self.problems.append(f"{file}:{number}: {shorten(text)}: {error}")
                continue
            if not items or items[0] == "":
                continue
            if self.style == "wales" and items[0].startswith("#") and not isinstance(items[0], Quoted):
                self._directive(items, file, number)
                continue
            yield LogicalLine(file, number, items)

    def _collect(self, text, file, number):
        """Items of the logical line that starts with `text`."""
        items = split_items(text, self.style)
        while items and self._continues(items):
            here = self._stack[-1] if self._stack else None
            # A continuation does not reach beyond the end of its own file.
            if here is None or here.name != file or here.next >= len(here.lines):
                raise TokenError(f"'{self._continuation}' continues the line, but the file ends here")
            items += split_items(self._next_physical()[2], self.style, first=False)
        return items

    def _continues(self, items):
        """Remove the continuation mark at the end of `items`; whether there was one."""
        last = items[-1]
        if isinstance(last, Quoted):
            return False
        if last == self._continuation:
            items.pop()
            return True
        if self.style == "dinfo" and last.endswith("&"):
            items[-1] = last[:-1]
            return True
        return False

    def _directive(self, items, file, number):
        word = items[0].lower()
        where = f"{file}:{number}: {shorten(' '.join(items))}"
        if word == "#include":
            if len(items) < 2 or not items[1]:
                self.problems.append(f"{where}: missing the name of the file to include")
            else:
                self._include(items[1], where)
        elif word == "#revert":
            # The rest of this file is not read.
            self._stack.pop()
        elif word == "#concat":
            if len(items) < 2 or not items[1]:
                self.problems.append(f"{where}: missing the string that continues a line")
            else:
                self._continuation = str(items[1])
        elif word == "#echo":
            state = items[1].lower() if len(items) > 1 else "on"
            if state not in ("on", "off"):
                self.problems.append(f"{where}: expected 'on' or 'off', found '{items[1]}'")
            else:
                self._echo = state == "on"
        else:
            self.problems.append(
                f"{where}: unknown directive (known: #include, #revert, #concat, #echo; a comment needs a blank after '#')"
            )

    def _include(self, name, where):
        if "\0" in name:
            self.problems.append(f"{where}: a file name cannot hold a null character")
            return
        beside = self._stack[-1].folder / name
        path = beside if beside.exists() else self._main_folder / name
        resolved = path.resolve()
        if any(source.path == resolved for source in self._stack):
            chain = " -> ".join([source.name for source in self._stack] + [name])
            self.problems.append(f"{where}: files include each other in a circle: {chain}")
            return
        try:
            text = path.read_text(encoding="utf-8", errors="surrogateescape")
        except OSError as error:
            self.problems.append(f"{where}: cannot read '{name}': {error.strerror}")
            return
        self._stack.append(_Source(str(path), text, path.parent, resolved))

    def remaining(self):
        """All physical lines not yet read, as a list of `BodyLine`."""
        lines = []
        while (physical := self._next_physical()) is not None:
            lines.append(BodyLine(*physical))
        return lines


def shorten(text, width=72):
    """`text` on one line, cut in the middle of a message if it is long."""
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 3] + "..."

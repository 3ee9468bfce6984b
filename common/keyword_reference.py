"""Help text and reference pages made from the tables of keywords."""

import textwrap
from pathlib import Path

from common.keyword_table import TYPES, load_table

ROOT = Path(__file__).resolve().parents[1]
# Package with a keywords.yaml, and the title of its page.
PAGES = {
    "gmin": "Keywords of gmin (file `data`)",
    "optim": "Keywords of optim (file `odata`)",
    "pathsample": "Keywords of pathsample (file `pathdata`)",
    "disconnect": "Keywords of disconnect (file `dinfo`)",
    "potentials": "Keywords of the potentials (gmin, optim and pathsample)",
}
_RULES = """
# Keyword files

One keyword with its arguments per line, in any order and in either case. `PROGRAM --keywords` lists the keywords of a program,
`PROGRAM --keywords NAME` explains one, `PROGRAM --check` validates an input without running it. Everything that is wrong with
an input is reported at once, with file and line, and nothing is run or written then.

## gmin, optim and pathsample (`data`, `odata`, `pathdata`)

- Items are separated by blanks or commas. Two adjacent commas leave an argument at its default: `AVOID 4.0,,F`.
- A line is a comment when its first item is `!`, `#`, `NOTE`, `COMMENT` or `\\`; a free-standing `!` makes the rest of any line
  a comment. An item that starts with `(` opens a comment up to the matching `)`.
- `'...'` or `"..."` keeps blanks, commas and marks inside an item.
- `+++` at the end continues the line on the next one. Lines may be of any length.
- Numbers: `1.0D-6`, `1e-6`, `1.D0`, `.025`, `1.0-6`. An integer may be written as a real, which is truncated.
- `#include FILE` reads another file, up to its end or `#revert`. `#concat '...'` changes the continuation mark. `#echo on`
  repeats the following lines in the echo of the settings, `#echo off` ends that.
- `STOP` ends the input.

## disconnect (`dinfo`)

- Items are separated by blanks or commas; `&` at the end joins the next line.
- A line is a comment when its first character is `#` or its first item `!` or `COMMENT`; a free-standing `!` ends any line.
- Integers have no decimal point.

## Reference
""".strip()
_NOTICE_RULES = "<!-- Written by `python -m common.keywords`; the text is in common/keyword_reference.py. -->"
_NOTICE = "<!-- Written by `python -m common.keywords` from keywords.yaml; edit that file instead. -->"


def _value(value):
    """A default or limit as a user would type it."""
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, list):
        return " ".join(_value(item) for item in value)
    if isinstance(value, float):
        return f"{value:.15g}".upper()
    return str(value)


def argument_kind(argument):
    """Type and limits of an argument in words."""
    words = [" or ".join(TYPES[kind] for kind in argument.types)]
    if argument.choices:
        choices = ", ".join(argument.choices)
        words = [choices if argument.types == ("word",) else f"{words[0]} ({choices})"]
    if argument.rest:
        words.append("one or more")
    if argument.positive:
        words.append("> 0")
    if argument.minimum is not None:
        words.append(f">= {argument.minimum:g}")
    if argument.maximum is not None:
        words.append(f"<= {argument.maximum:g}")
    return ", ".join(words)


def _default(argument):
    if argument.has_default:
        return _value(argument.default)
    return "none" if argument.optional else ""


def describe(table, name=None):
    """Help text for ``--keywords [NAME]``.

    Parameters
    ----------
    table : Table
    name : str, optional
        One keyword or alias; without it, one line for each supported keyword.

    Returns
    -------
    str

    Raises
    ------
    InputError
        No such keyword.
    """
    if not name:
        return _overview(table)
    keyword = table.find(name)
    if keyword is None:
        from common.errors import InputError

        close = table.closest(name)
        raise InputError(f"{name}: unknown keyword" + (f"; did you mean {close}?" if close else ""))
    lines = [keyword.syntax()]
    if keyword.aliases:
        lines.append(f"also written {', '.join(keyword.aliases)}")
    lines += textwrap.wrap(keyword.meaning, 100, initial_indent="    ", subsequent_indent="    ")
    if not keyword.supported:
        lines += textwrap.wrap(f"Not supported: {keyword.reason}", 100, initial_indent="    ", subsequent_indent="    ")
    width = max((len(argument.name) for argument in keyword.arguments), default=0)
    for argument in keyword.arguments:
        text = argument_kind(argument)
        if argument.unit:
            text += f" [{argument.unit}]"
        if argument.optional:
            text += f", default {_default(argument)}"
        if argument.meaning:
            text += f": {argument.meaning}"
        head = f"    {argument.name:{width}}  "
        lines += textwrap.wrap(text, 100, initial_indent=head, subsequent_indent=" " * len(head), break_long_words=False)
    for remark in _remarks(keyword):
        lines.append(f"    {remark}")
    return "\n".join(lines)


def _remarks(keyword):
    """Sentences on how a keyword behaves in the file."""
    remarks = []
    if keyword.required:
        remarks.append("Required.")
    if keyword.repeat:
        remarks.append("May stand several times; the lines add up.")
    if keyword.body:
        remarks.append("All lines below belong to it.")
    if keyword.ends:
        remarks.append("Nothing below it is read.")
    if keyword.extra == "ignore":
        remarks.append("Text behind its arguments is ignored.")
    return remarks


def _groups(table):
    """Supported keywords by group, groups in the order of the table."""
    groups = {}
    for keyword in table:
        if keyword.supported:
            groups.setdefault(keyword.group, []).append(keyword)
    return groups


def _overview(table):
    lines = []
    for group, keywords in _groups(table).items():
        lines.append(f"{group}")
        for keyword in keywords:
            text = textwrap.shorten(keyword.meaning, 90, placeholder=" ...")
            syntax = keyword.syntax()
            if len(syntax) > 28:
                lines += [f"  {syntax}", " " * 32 + text]
            else:
                lines.append(f"  {syntax:28}  {text}")
        lines.append("")
    known = [keyword.name for keyword in table if not keyword.supported]
    if known:
        lines.append("Known from the classic programs, not supported (--keywords NAME says why)")
        lines += textwrap.wrap(", ".join(known), 100, initial_indent="  ", subsequent_indent="  ")
    return "\n".join(lines).rstrip()


def _cell(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def reference_markdown(table, title):
    """Reference page of a table: supported keywords by group, then the known ones with reasons.

    Parameters
    ----------
    table : Table
    title : str

    Returns
    -------
    str
    """
    lines = [_NOTICE, "", f"# {title}", ""]
    groups = _groups(table)
    lines += [
        "Keywords may be written in either case. Arguments in brackets may be left out; an argument without a default is then "
        "not set. When a keyword stands several times the last line holds, unless stated otherwise.",
        "",
    ]
    for group, keywords in groups.items():
        lines += [f"## {group}", ""]
        for keyword in keywords:
            lines += _entry(keyword)
    known = [keyword for keyword in table if not keyword.supported]
    if known:
        lines += ["## Known but not supported", "", "A file that contains one of these is refused with the reason.", ""]
        lines += ["| keyword | reason |", "|---|---|"]
        for keyword in known:
            names = ", ".join([keyword.name, *keyword.aliases])
            lines.append(f"| {names} | {_cell(keyword.reason)} |")
        lines.append("")
    return "\n".join(lines)


def _entry(keyword):
    lines = [f"### {keyword.name}", "", f"`{keyword.syntax()}`", ""]
    if keyword.aliases:
        lines += [f"Also written {', '.join(f'`{alias}`' for alias in keyword.aliases)}.", ""]
    meaning = keyword.meaning[:1].upper() + keyword.meaning[1:].rstrip(". ") + "."
    lines += [" ".join([meaning, *_remarks(keyword)]), ""]
    if keyword.arguments:
        lines += ["| argument | type | unit | default | meaning |", "|---|---|---|---|---|"]
        for argument in keyword.arguments:
            cells = [
                f"`{argument.name}`",
                argument_kind(argument),
                argument.unit or "",
                _default(argument),
                argument.meaning,
            ]
            lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
        lines.append("")
    return lines


def pages(root=ROOT):
    """Reference pages of a source tree as a dict from path to text, for every table that exists."""
    folder = Path(root) / "docs" / "keywords"
    found = {}
    for package, title in PAGES.items():
        source = Path(root) / package / "keywords.yaml"
        if source.exists():
            found[folder / f"{package}.md"] = reference_markdown(load_table(source), title)
    links = [f"- [{PAGES[path.stem]}]({path.name})" for path in found]
    found[folder / "README.md"] = "\n".join([_NOTICE_RULES, "", _RULES, "", *links, ""])
    return found


def main():
    """Write ``docs/keywords/*.md``; the exit status is 0."""
    for path, text in pages().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)
    return 0

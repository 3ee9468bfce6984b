"""What dinfo and the command line ask for, checked."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from common.errors import InputError
from common.keywords import load_table, parse_file, parse_text

TABLE = Path(__file__).with_name("keywords.yaml")
INPUT = "dinfo"
KINDS = ("ps", "pdf", "png", "svg", "html")
A4 = (595, 842)
PAPERS = {"LETTER": (612, 792), "A5": (420, 595), "LANDSCAPE": (842, 595)}
HALF_HEIGHT = 421


@dataclass
class Options:
    """Settings of a run.

    Attributes
    ----------
    settings : common.keywords.Settings
    outputs : list of str
        Pictures to write.
    database : str or None
    minima, ts : str or None
        Text files.
    colour, colour_map, axis_label : str or None
    insets : list of (int, str or None)
        Minima, from 1, with an image or None for the structure.
    automatic : bool
        No dinfo: everything that is not asked for is chosen.
    """

    settings: object
    outputs: list = field(default_factory=list)
    database: str | None = None
    minima: str | None = None
    ts: str | None = None
    colour: str | None = None
    colour_map: str | None = None
    axis_label: str | None = None
    insets: list = field(default_factory=list)
    automatic: bool = False

    def value(self, keyword, argument, default=None):
        """An argument of a keyword when it was given."""
        return getattr(self.settings[keyword], argument) if self.settings.given(keyword) else default

    def page_size(self):
        """Width and height of the paper of tree.ps, the last word counting."""
        width, height = A4
        for occurrence in self.settings.occurrences:
            name = occurrence.keyword.name
            if name in PAPERS:
                width, height = PAPERS[name]
            elif name == "HALFPAGE":
                height = HALF_HEIGHT
        return width, height


def read_options(path=None, output=None, database=None, colour=None, colour_map=None, label=None, inset=None):
    """Read dinfo and join it with the command line, which has the last word.

    Parameters
    ----------
    path : str or None
        Keyword file; None for dinfo when there is one.
    output : list of str or None
    database, colour, colour_map, label : str or None
    inset : list of str or None
        ``N`` or ``N=IMAGE``.

    Returns
    -------
    Options

    Raises
    ------
    InputError
        Everything that is wrong with the input, one line each.
    """
    table = load_table(TABLE)
    automatic = path is None and not Path(INPUT).exists()
    settings = (
        parse_text("", table, name="command line") if automatic else parse_file(Path(path or INPUT), table, style="dinfo")
    )
    options = Options(settings, automatic=automatic)
    value = options.value
    options.outputs = list(output or [])
    if not options.outputs:
        for line in settings.all("OUTPUT"):
            options.outputs += line.files or []
    if not options.outputs:
        options.outputs = ["tree.pdf", "tree.png"] if automatic or settings.given("COMPARE") else ["tree.ps"]
    for name in options.outputs:
        if name.rsplit(".", 1)[-1].lower() not in KINDS or "." not in name:
            settings.problems.append(
                f"{name}: the kind of picture is not known; end the name in .ps, .pdf, .png, .svg or .html"
            )
        elif Path(name).parent != Path() and not Path(name).parent.is_dir():
            settings.problems.append(f"{name}: there is no folder {Path(name).parent}; make it first")
    options.database = database or value("DATABASE", "file")
    options.minima, options.ts = value("MINIMA", "file"), value("TS", "file")
    options.colour = colour or value("COLOURBY", "name")
    options.colour_map = colour_map or value("COLOURBY", "map")
    options.axis_label = label or value("AXISLABEL", "label")
    options.insets = [(line.minimum, line.picture) for line in settings.all("INSET")]
    for word in inset or []:
        number, _, image = word.partition("=")
        if number.isdigit():
            options.insets.append((int(number), image or None))
        else:
            settings.problems.append(f"--inset {word}: expected the number of a minimum, or number=image")
    if options.insets and all(name.rsplit(".", 1)[-1].lower() in ("ps", "html") for name in options.outputs):
        settings.notes.append("INSET has no effect: pictures are placed in .pdf, .png and .svg files only")
    _check(settings, options, database)
    settings.finish()
    return options


def _check(settings, options, database_option):
    """Problems that concern more than one keyword."""
    given = settings.given
    if given("MINIMA") != given("TS"):
        there, missing = ("MINIMA", "TS") if given("MINIMA") else ("TS", "MINIMA")
        settings.error(there, f"{missing} is missing; both files are needed")
    if given("MINIMA") and given("DATABASE"):
        settings.error("DATABASE", "MINIMA and TS are given too; name either the database or the text files")
    if given("COMPARE"):
        _check_comparison(settings, options)
    if database_option:
        options.minima = options.ts = None
    if given("DELTA") and not given("LEVELS"):
        settings.error("DELTA", "Number of levels must be specified using LEVELS (or leave out DELTA too, and all is chosen).")
    if given("LEVELS") and not given("DELTA"):
        settings.error("LEVELS", "Energy gap must be specified using DELTA (or leave out LEVELS too, and all is chosen).")
    if given("TRMIN"):
        values = settings["TRMIN"]
        if values.sets is not None and values.files is not None and len(values.files) < values.sets:
            settings.error("TRMIN", f"{values.sets} sets are announced, {len(values.files)} files are named")
        if given("CHOOSECOLOURS") and (values.sets or 0) > 9:
            settings.error("CHOOSECOLOURS", f"there are nine colours, for {values.sets} sets; leave it out for a rainbow")
    for first, second in (
        ("TRMIN", "COLOURBY"),
        ("TRVAL", "COLOURBY"),
        ("METRIC", "WEIGHTS"),
        ("SCALEBAR", "EPSILON"),
    ):
        if given(first) and given(second):
            settings.error(second, f"{first} is given too; choose one of them")
    # The original accepts these, so that its inputs go on working; the log says that they do nothing.
    if given("TRMIN") and given("TRVAL"):
        settings.notes.append(f"{settings.where('TRVAL')}: TRVAL has no effect, TRMIN is given too and goes first")
    for keyword, needed in (("CHOOSECOLOURS", "TRMIN"), ("COLOURPRINT", "TRMIN"), ("SETAXIS", "METRIC")):
        if given(keyword) and not given(needed):
            settings.notes.append(f"{settings.where(keyword)}: {keyword} has no effect without {needed}")
    for keyword in ("COLOURRANGE", "COLOURRULE", "CATEGORIES", "COLOURLABEL"):
        if given(keyword) and not options.colour:
            settings.error(keyword, "it belongs to COLOURBY, which is not given")
    for keyword in ("SETAXIS", "COLOURRANGE"):
        values = settings[keyword]
        if given(keyword) and None not in (values.low, values.high) and not values.low < values.high:
            settings.error(keyword, f"{values.low:g} is not below {values.high:g}")
    if given("LABELFORMAT"):
        from disconnect.postscript import fortran_label

        try:
            fortran_label(settings["LABELFORMAT"].format)
        except ValueError as error:
            settings.error("LABELFORMAT", str(error))


def _check_comparison(settings, options):
    """A comparison takes few other keywords; none may be ignored in silence."""
    allowed = {
        "COMPARE", "FIRST", "DELTA", "LEVELS", "COLOURBY", "COLOURRANGE", "COLOURRULE", "AXISLABEL", "CENTREGMIN",
        "TEMPERATURE", "OUTPUT",
    }  # fmt: skip
    for name in dict.fromkeys(occurrence.keyword.name for occurrence in settings.occurrences):
        if name not in allowed:
            settings.error(name, "it has no meaning beside COMPARE; leave it out")
    for name in options.outputs:
        if name.rsplit(".", 1)[-1].lower() in ("ps", "html"):
            settings.problems.append(f"{name}: a comparison is drawn as .pdf, .png or .svg")


def minimum_list(path, n_minima, signed=False):
    """Numbers of minima from a file, the first item of every line.

    Parameters
    ----------
    path : str
    n_minima : int
    signed : bool
        A list of PICK: negative numbers are allowed, and numbers that no minimum has are left out with a warning, as in the
        original.

    Returns
    -------
    ndarray of int

    Raises
    ------
    InputError
        The file cannot be read, or a line is not the number of a minimum.
    """
    try:
        text = Path(path).read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    numbers = []
    for line_number, line in enumerate(text.splitlines(), 1):
        words = line.replace(",", " ").split()
        if not words:
            continue
        try:
            number = int(words[0])
        except ValueError:
            number = None
        if number is not None and signed and not 1 <= abs(number) <= n_minima:
            print(f"WARNING: Ignoring {number:8d} in {path}; minima numbers: 1 to {n_minima:6d}")
            continue
        if number is None or not 1 <= abs(number) <= n_minima or (number < 0 and not signed):
            kind = "1 to {0} or -1 to -{0}" if signed else "1 to {0}"
            raise InputError(
                f"{path}:{line_number}: '{words[0]}' is not the number of a minimum; expected {kind.format(n_minima)}"
            )
        numbers.append(number)
    return np.array(numbers, dtype=np.intp)


def value_list(path, n_minima, announced):
    """Values of TRVAL or METRIC: the first item of line k for minimum k, -1 for minima beyond the end of the file."""
    from disconnect.sources import first_values

    # The classic programs allocate `announced` values; a number too small would have stopped them.
    if announced < n_minima:
        raise InputError(
            f"{path}: {announced} values are announced for {n_minima} minima; write their number before the file name"
        )
    values = np.full(n_minima, -1.0)
    found = first_values(path, n_minima)
    values[: found.size] = found
    return values

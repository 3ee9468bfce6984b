"""``tree.ps`` as disconnectionDPS draws it: the same page, axis, segments in the same order, and labels."""

import re
from dataclasses import dataclass, field

import numpy as np

MARGIN_X, MARGIN_Y = 40, 50
SCALE_WIDTH = 40
AXIS_X = 70.0
TICK = 3.0
FONT = 10
FORMAT = re.compile(r"\(?(I|F|E|ES|EN|D|G)(\d+)(?:\.(\d+))?(?:E(\d+))?\)?\Z", re.IGNORECASE)

# Shorthand and the routines that TRVALSCALE needs; published files have them all.
PROLOGUE = """\
/ls {lineto stroke} def
/mt {moveto} def
0.1 setlinewidth
/swidth { 30 mul } def
/dpi { 30 div } def
/Rez 1000 dpi def % calc lines per point for fill
/Step 1 Rez div def
/StartRGB { /B1 exch def /S1 exch def /H1 exch def
          } def
/EndRGB { /B2 exch def /S2 exch def /H2 exch def
          /Steps s Step div def
          /Hstep H2 H1 sub Steps div def
          /Sstep S2 S1 sub Steps div def
          /Bstep B2 B1 sub Steps div def
        } def
/StepRGB { /H1 H1 Hstep add def
           /S1 S1 Sstep add def
           /B1 B1 Bstep add def
           H1 S1 B1 setrgbcolor
         } def

"""


@dataclass(frozen=True)
class Page:
    """Size of the page and what is written on it.

    Attributes
    ----------
    width, height : int
        Points.
    label_format : str
        Fortran format of the numbers on the axis.
    label_size : int
        Points, for labels of minima and nodes.
    scale_bar : float or None
        SCALEBAR: length of a bar instead of the axis, with the first level left out.
    epsilon : bool
        EPSILON: a bar of one level spacing instead of the axis.
    value_scale : tuple of float or None
        TRVALSCALE: position of the colour scale.
    identify : bool
    identify_node, identify_size : int or None
    labelled : tuple of int
        Minima of IDMIN, counted from 1.
    """

    width: int = 595
    height: int = 842
    label_format: str = "F8.2"
    label_size: int = 10
    scale_bar: float | None = None
    epsilon: bool = False
    value_scale: tuple | None = None
    identify: bool = False
    identify_node: int | None = None
    identify_size: int | None = None
    labelled: tuple = field(default=())

    def x(self, x):
        """Points from the left for a position between 0 and 1."""
        return x * (self.width - 2 * MARGIN_X - SCALE_WIDTH) + MARGIN_X + SCALE_WIDTH

    def y(self, depth, levels):
        """Points from below for a depth in levels below level 1."""
        skipped = 0 if self.scale_bar is None else 1
        return self.height - ((depth - skipped) / max(levels.n - 1 - skipped, 1) * (self.height - 2 * MARGIN_Y) + MARGIN_Y)


def fortran_label(form):
    """A function that formats a number as a Fortran edit descriptor does.

    Parameters
    ----------
    form : str
        ``F8.2``, ``E12.4``, ``ES10.3``, ``D12.4``, ``G12.5`` or ``I6``.

    Raises
    ------
    ValueError
        It is not a format for one number.
    """
    match = FORMAT.match(form.strip())
    kind = match.group(1).upper() if match else ""
    if match is None or (match.group(3) is None and kind != "I"):
        raise ValueError(f"'{form}' is no Fortran format for a number; F8.2, E12.4 and I6 are examples")
    from common.formats import fortran

    width = int(match.group(2))
    if kind == "I":
        return lambda value: fortran.i(round(value), width)
    digits = int(match.group(3))
    if kind == "F":
        return lambda value: fortran.f(value, width, digits)
    if kind == "G":
        return lambda value: fortran.g(value, width, digits)

    def exponential(value):
        if kind in ("ES", "EN"):
            mantissa, exponent = f"{value:.{digits}e}".split("e")
            power = int(exponent)
            shift = power % 3 if kind == "EN" else 0
            if shift:
                mantissa = f"{float(mantissa) * 10**shift:.{digits}f}"
            text = f"{mantissa}E{power - shift:+03d}"
        elif value == 0.0:
            text = f"0.{'0' * digits}{kind}+00"
        else:
            mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
            sign = "-" if value < 0 else ""
            text = f"{sign}0.{mantissa.lstrip('-').replace('.', '')}{kind}{int(exponent) + 1:+03d}"
        return text.rjust(width) if len(text) <= width else "*" * width

    return exponential


def write_tree(path, layout, page, colouring=None, scale=None, minima_name="min.data", ts_name="ts.data"):
    """Write the graph in the classic form.

    Parameters
    ----------
    path : str or Path
    layout : disconnect.layout.Layout
    page : Page
    colouring : disconnect.colours.Colouring or None
    scale : callable or None
        From `disconnect.layout.weighted_layout`.
    minima_name, ts_name : str
        For the head of the file.
    """
    from common.atomic import atomic_write
    from disconnect.layout import segments

    levels = layout.tree.levels
    parts = segments(layout, scale)
    x1, y1, x2, y2 = parts.lines(page.x, lambda depth: page.y(depth, levels))
    with atomic_write(path, "wb", durable=False) as file:
        write = file.write
        write(_head(layout, page, minima_name, ts_name).encode("utf-8", "surrogateescape"))
        for chunk in _levels(parts, levels, x1, y1, x2, y2, colouring, 2 if page.scale_bar is None else 3):
            write(chunk)
        write(_labels(layout, page, parts, x2, y2, scale).encode())
        if page.value_scale is not None:
            write(_value_scale(page, colouring).encode())
        write(b"\nshowpage\n")


def _head(layout, page, minima_name, ts_name):
    levels = layout.tree.levels
    lines = [
        "%!PS-Adobe-3.0 EPSF-3.0",
        "%% Creator: disconnection.f90",
        f"%% Minima: {minima_name}",
        f"%% Transition states: {ts_name}",
        f"%%BoundingBox: 0 0 {page.width:5d}{page.height:5d}",
    ]
    text = "\n".join(lines) + "\n" + PROLOGUE
    line, ticks, label = _order_parameter_axis(layout, page) if layout.axis is not None else ("", "", "")
    if page.scale_bar is not None:
        text += _scale_bar(page, levels) + line + ticks + label
    elif page.epsilon:
        text += _epsilon_bar(page, levels) + line + ticks + label
    else:
        upright, marks, numbers = _energy_axis(page, levels)
        text += upright + line + marks + ticks + label + numbers
    return text + "\n% Manipulate landmark.\n\n"


def _line(x1, y1, x2, y2):
    return f"{x1:7.2f}{y1:7.2f} mt {x2:7.2f}{y2:7.2f} ls\n"


def _font(size, name="Times-Roman"):
    return f"/{name} findfont {size:2d} scalefont setfont\n"


def _energy_axis(page, levels):
    """The line, its ticks and its numbers."""
    label = fortran_label(page.label_format)
    heights = [page.y(float(i), levels) for i in range(levels.n)]
    ticks = "".join(_line(AXIS_X - TICK / 2, y, AXIS_X + TICK / 2, y) for y in heights)
    text = _font(FONT)
    energies = levels.energies()
    for i in range(levels.n - 1, -1, -1):
        text += f"{15.0:7.2f}{heights[i] - 5.0:7.2f} mt ({label(energies[i])}) show\n"
    return _line(AXIS_X, heights[0], AXIS_X, heights[-1]), ticks, text


def _epsilon_bar(page, levels):
    """A bar from the last level but one to the last, with the letter epsilon."""
    top, bottom = page.y(float(levels.n - 2), levels), page.y(float(levels.n - 1), levels)
    text = _line(AXIS_X, top, AXIS_X, bottom)
    text += "".join(_line(AXIS_X - TICK / 2, y, AXIS_X + TICK / 2, y) for y in (top, bottom))
    return text + _font(FONT + 6, "Symbol") + f"{MARGIN_X + SCALE_WIDTH:7.2f}{top - 15.0:7.2f} mt ( e ) show\n"


def _scale_bar(page, levels):
    """A bar of a given energy, upwards from the last level, with its length."""
    bottom = page.y(float(levels.n - 1), levels)
    top = page.y(levels.n - 1 - page.scale_bar / levels.delta, levels)
    text = _line(AXIS_X, top, AXIS_X, bottom)
    text += "".join(_line(AXIS_X - TICK / 2, y, AXIS_X + TICK / 2, y) for y in (top, bottom))
    label = fortran_label(page.label_format)(page.scale_bar)
    return text + _font(FONT) + f"{15.0:7.2f}{(top + bottom) / 2 - 5.0:7.2f} mt ({label}) show\n"


def _order_parameter_axis(layout, page):
    """Horizontal axis of METRIC with ticks at multiples of a power of ten: the line, its ticks and its numbers."""
    low, high = layout.axis
    bottom = page.y(float(layout.tree.levels.n - 1), layout.tree.levels)
    line = _line(page.x(0.0), bottom, page.x(1.0), bottom)
    size = np.log10(high - low)
    power = np.trunc(size - 1.0)
    if size - power < 0.5:
        power -= 1.0
    step = 10.0**power
    start = np.trunc(low / step + 1.0) * step
    values = start + step * np.arange(int((high - start) / step) + 2 if high >= start else 0)
    values = values[values <= high]
    positions = [page.x((value - low) / (high - low)) for value in values]
    ticks = "".join(_line(x, bottom - TICK / 2, x, bottom + TICK / 2) for x in positions)
    text = _font(FONT + 2)
    label = fortran_label(page.label_format)
    for value, x in zip(values, positions):
        text += f"{x - 20.0:7.2f}{bottom - 15.0:7.2f} mt ({label(value)}) show\n"
    return line, ticks, text


def _colour_commands(colouring):
    """Index of each node's colour, and the commands."""
    known = np.isfinite(colouring.rgb[:, 0])
    unique, inverse = np.unique(colouring.rgb[known], axis=0, return_inverse=True)
    index = np.full(known.size, -1, dtype=np.intc)
    index[known] = inverse.reshape(-1)
    return index, [" ".join(_channel(v) for v in rgb).encode() + b" setrgbcolor\n" for rgb in unique]


def _channel(value):
    return f"{value:g}" if value in (0.0, 1.0) else f"{value:.4f}"


def _levels(parts, levels, x1, y1, x2, y2, colouring, first):
    """The segments, level by level, as bytes."""
    from disconnect import _format

    if colouring is None:
        colour, commands = np.full(parts.node.size, -1, dtype=np.intc), []
    else:
        index, commands = _colour_commands(colouring)
        colour = np.ascontiguousarray(index[parts.node])
    edges = np.searchsorted(parts.level, np.arange(first, levels.n + 2))
    nothing_above = False
    for level in range(first, levels.n + 1):
        begin, end = edges[level - first], edges[level - first + 1]
        yield f"\n% Level: {level - 1:2d} to {level:2d}\n\n".encode()
        if nothing_above:
            return
        nothing_above = begin == end
        part = slice(begin, end)
        yield _format.segment_lines(x1[part], y1[part], x2[part], y2[part], colour[part], commands)


def _labels(layout, page, parts, x2, y2, scale):
    """Labels of branch ends and nodes, in the classic order."""
    tree = layout.tree
    text = ""
    ends = parts.end
    if page.scale_bar is not None:
        ends = ends[parts.level[ends] > 2]
    place = {int(tree.lowest[parts.node[k]]): (x2[k], y2[k]) for k in ends}
    if page.identify:
        text += "1 0 0 setrgbcolor\n" + _font(page.label_size)
        text += "".join(f"{place[m][0]:7.2f}{place[m][1]:7.2f} mt ({m + 1}) show\n" for m in sorted(place))
        text += "0 0 0 setrgbcolor\n"
    if page.identify_node is not None:
        text += "0.5 0 1 setrgbcolor\n" + _font(page.label_size)
        splits = np.diff(tree.start) > 1
        text += _node_labels(layout, page, parts, scale, splits & (tree.size > page.identify_node), at_bottom=True)
        text += "0 0 0 setrgbcolor\n"
    if page.identify_size is not None:
        text += "0 0.7 0 setrgbcolor\n" + _font(page.label_size)
        many = (tree.size > 1) & (tree.size > page.identify_size)
        text += _node_labels(layout, page, parts, scale, many, at_bottom=False)
        text += "0 0 0 setrgbcolor\n"
    if page.labelled:
        text += "1 0 0 setrgbcolor\n" + _font(page.label_size)
        for number in page.labelled:
            if number - 1 in place:
                x, y = place[number - 1]
                text += f"{x:7.2f}{y:7.2f} mt ({number}) show\n{x:7.2f}{y:7.2f} mt {x:7.2f}{y - 10.0:7.2f} ls \n"
        text += "0 0 0 setrgbcolor\n"
    return text


def _node_labels(layout, page, parts, scale, chosen, at_bottom):
    """``level_number`` where a node splits, or its number of minima at every level."""
    tree = layout.tree
    number = np.arange(parts.level.size) - np.searchsorted(parts.level, parts.level) + 1
    show = chosen[parts.node]
    if at_bottom:
        show = show & (parts.level == tree.bottom[parts.node])
    lines = []
    for k in np.flatnonzero(show).tolist():
        node, level = parts.node[k], parts.level[k]
        # At the height of the level, also where the branch ends above it.
        x = layout.x[node] if scale is None else scale(layout.x[node], level)
        word = f"{level}_{number[k]}" if at_bottom else f"{tree.size[node]}"
        lines.append(f"{page.x(x):7.2f}{page.y(level - 1.0, tree.levels):7.2f} mt ({word}) show\n")
    return "".join(lines)


def _value_scale(page, colouring):
    """The colour scale of TRVAL: a box of 30 by 90 points, filled with thin lines, with five numbers."""
    from disconnect.colours import order_parameter_rgb

    x, y = page.value_scale
    rows = 180
    text = f"0 0 0 setrgbcolor\n{x:10.5f}{y:10.5f} translate % origin to bottom right\n{90.0 / rows + 0.1:.2f} setlinewidth\n"
    for k, rgb in enumerate(order_parameter_rgb((np.arange(rows) + 0.5) / rows)):
        height = (k + 0.5) * 90.0 / rows
        text += " ".join(_channel(v) for v in rgb) + f" setrgbcolor 0 {height:.2f} moveto 30 {height:.2f} lineto stroke\n"
    text += "1.0 setlinewidth\n0 0 0 setrgbcolor\n30 90 moveto 30 0 lineto 0 0 lineto 0 90 lineto closepath stroke\n"
    for k in (1, 2, 3):
        text += f"21 {22.5 * k:.2f} moveto 30 {22.5 * k:.2f} lineto stroke\n"
    text += _font(12) + "0 102 moveto\n(Order Parameter) show\n" + _font(FONT)
    high = colouring.high if colouring is not None else 1.0
    for k in range(5):
        text += f"36 {22.5 * k - 1.2:.2f} moveto\n( {0.25 * k * high:7.2f} ) show\n"
    return text

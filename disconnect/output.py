"""From a tree to files: positions, colours, pictures and listings."""

import numpy as np

from common.errors import InputError
from disconnect import colours
from disconnect.layout import branch_ends, classic_layout, metric_layout, weighted_layout


def lay_out(network, tree, options, additions):
    """Positions of the branches.

    Returns
    -------
    layout : disconnect.layout.Layout
    scale : callable or None
        For the widths of the levels.
    """
    settings = options.settings
    print("Working out basin branching numbers.\nDone.\n")
    if additions.order_parameter is not None:
        axis = settings["SETAXIS"]
        limits = (axis.low, axis.high) if settings.given("SETAXIS") else None
        return metric_layout(tree, additions.order_parameter, limits), None
    # When everything is chosen, the lowest minimum is in the middle: the shape of a funnel shows best.
    centre = settings.given("CENTREGMIN") or options.automatic
    layout = classic_layout(tree, network.global_minimum if centre else None)
    if additions.weights is None:
        return layout, None
    from disconnect.additions import level_log_weights

    log_weights = level_log_weights(additions.weights, tree.levels, options.value("WEIGHTS", "file"))
    print("Calculated weights:")
    for level, (energy, weight) in enumerate(zip(tree.levels.energies(), log_weights), 1):
        print(f"{level:8d}{energy:20.10G}{weight:20.10G}")
    return layout, weighted_layout(layout, log_weights)


def colour_tree(tree, options, additions):
    """Colours of the nodes, or None for black."""
    settings = options.settings
    if additions.marks is not None:
        line = settings["TRMIN"]
        names = [name.rsplit("/", 1)[-1].rsplit(".", 1)[0] for name in line.files[: line.sets]]
        return colours.by_sets(tree, additions.marks, names, settings.given("CHOOSECOLOURS"))
    if settings.given("TRVAL"):
        line = settings["TRVAL"]
        return colours.by_order_parameter(tree, additions.values, line.scale, line.lower)
    if additions.values is None:
        return None
    label = options.value("COLOURLABEL", "label") or additions.label
    try:
        if settings.given("CATEGORIES"):
            names = settings["CATEGORIES"].names or ()
            return colours.by_kind(tree, additions.values, label, names, options.colour_map)
        ends = settings["COLOURRANGE"]
        rule = settings["COLOURRULE"].rule or "MAX"
        return colours.by_value(tree, additions.values, label, options.colour_map, ends.low, ends.high, rule.upper())
    except ValueError as error:
        where = settings.where("COLOURBY") if settings.given("COLOURBY") else "--map"
        raise InputError(f"{where}: {error}") from None


def write_listings(network, selection, layout, options, additions):
    """Write disconnected and what DUMPNUMBERS, DUMPSIZES and COLOURPRINT ask for; returns the colours."""
    from disconnect import listings

    settings = options.settings
    if not options.automatic:
        listings.write_disconnected("disconnected", network, selection.disconnected)
    if settings.given("DUMPSIZES"):
        print('Writing node sizes to "node_sizes".')
        listings.write_node_sizes("node_sizes", layout)
        print("Done.\n")
    if settings.given("DUMPNUMBERS"):
        print('Writing minima numbers associated with nodes to "node_numbers".')
        listings.write_node_numbers("node_numbers", layout)
        print("Done.\n")
    colouring = colour_tree(layout.tree, options, additions)
    if settings.given("COLOURPRINT") and additions.marks is not None:
        print('Writing section assignments of nodes for colour to "node_sections".')
        listings.write_node_sections("node_sections", layout, colouring.values)
        print("Done.\n")
    return colouring


def write_pictures(network, selection, layout, scale, colouring, options, additions):
    """Write every picture asked for, with the classic lines of the log."""
    for name in options.outputs:
        print(f"Writing {name}.")
        kind = name.rsplit(".", 1)[-1].lower()
        if kind == "ps":
            from disconnect.postscript import write_tree

            write_tree(name, layout, page_of(options), colouring, scale, network.minima_name, network.ts_name)
        elif kind == "html":
            write_html(name, network, selection, layout, options, additions)
        else:
            from disconnect.picture import save_picture

            widths, style = widths_of(layout.tree, options, additions), style_of(layout, options, scale)
            save_picture(name, layout, colouring, widths, style, scale, additions.insets)
        print("Done.\n")


def write_comparison(options, check=False):
    """Read the databases of COMPARE and draw them side by side; returns the exit status."""
    from pathlib import Path

    from disconnect.comparison import save_comparison
    from disconnect.sources import read_database
    from disconnect.superbasins import Levels

    settings = options.settings
    lines = settings.all("COMPARE")
    networks = [read_database(line.file, options.value("TEMPERATURE", "t")) for line in lines]
    titles = [line.title or Path(line.file).parent.name or Path(line.file).stem for line in lines]
    for network, title in zip(networks, titles):
        print(f"{network.n_minima:6d} minima and {network.ts_energies.size:6d} non-degenerate paths of {title}.")
        if options.colour:
            network.property(options.colour)
    if check:
        print("The input is correct; nothing was written.")
        return 0
    levels = None
    if settings.given("DELTA"):
        levels = Levels(settings["FIRST"].energy, settings["DELTA"].energy, settings["LEVELS"].number)
    ends = settings["COLOURRANGE"]
    for name in options.outputs:
        print(f"Writing {name}.")
        try:
            save_comparison(
                name, networks, titles, levels=levels, colour=options.colour, colour_map=options.colour_map,
                colour_range=(ends.low, ends.high) if settings.given("COLOURRANGE") else None,
                rule=(settings["COLOURRULE"].rule or "MAX").upper(), axis_label=axis_label(options),
                centre=settings.given("CENTREGMIN"),
            )  # fmt: skip
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"--map: {error}") from None
        print("Done.\n")
    return 0


def write_html(name, network, selection, layout, options, additions):
    """Write the page for the browser, with every property of the database and the values that colour the branches."""
    from disconnect.webpage import write_page

    settings = options.settings
    properties = {}
    colour = None
    if additions.values is not None and additions.label != "energy":
        properties[additions.label or "order parameter"] = additions.values
    if additions.values is not None:
        colour = additions.label or "order parameter"
    if additions.marks is not None:
        properties["set"] = np.where(additions.marks > 0, additions.marks, np.nan)
        colour = "set"
    ends = settings["COLOURRANGE"]
    lower = settings.given("TRVAL") and settings["TRVAL"].lower
    write_page(
        name, network, selection, layout, properties=properties, colour=colour, colour_map=options.colour_map,
        rule="MIN" if lower else (settings["COLOURRULE"].rule or "MAX").upper(),
        colour_range=(ends.low, ends.high) if settings.given("COLOURRANGE") else None, label=axis_label(options),
        title=f"{network.n_minima} minima of {network.minima_name}",
    )  # fmt: skip


def widths_of(tree, options, additions):
    """Line width of every node in points, or None."""
    if additions.widths is None:
        return None
    line = options.settings["WIDTHBY"]
    return colours.widths_by(tree, additions.widths, line.thin, line.thick)


def page_of(options):
    """The classic page."""
    from disconnect.postscript import Page

    settings, value = options.settings, options.value
    width, height = options.page_size()
    scale = settings["TRVALSCALE"]
    return Page(
        width=width, height=height, label_format=settings["LABELFORMAT"].format, label_size=settings["LABELSIZE"].points,
        scale_bar=value("SCALEBAR", "energy"), epsilon=settings.given("EPSILON"),
        value_scale=(scale.x, scale.y) if settings.given("TRVALSCALE") else None, identify=settings.given("IDENTIFY"),
        identify_node=value("IDENTIFY_NODE", "more_than"), identify_size=value("IDENTIFY_NODE_SIZE", "more_than"),
        labelled=tuple(line.minimum for line in settings.all("IDMIN")),
    )  # fmt: skip


def axis_label(options):
    """Words beside the energy axis."""
    return options.axis_label or ("free energy" if options.settings.given("TEMPERATURE") else "energy")


def style_of(layout, options, scale=None):
    """Axis, labels and size of the other pictures."""
    from disconnect.picture import HEIGHT, WIDTH, Style

    settings = options.settings
    tree = layout.tree
    labels = []
    leaves = np.flatnonzero(tree.leaves)
    chosen = leaves if settings.given("IDENTIFY") else leaves[:0]
    wanted = np.array([line.minimum - 1 for line in settings.all("IDMIN")], dtype=int)
    chosen = np.union1d(chosen, leaves[np.isin(tree.lowest[leaves], wanted)]).astype(int)
    end_x, end_energy = branch_ends(layout, scale)
    for node in chosen:
        labels.append((float(end_x[node]), float(end_energy[node]), str(tree.lowest[node] + 1), "red", False))
    energies = tree.levels.energies()
    for keyword, colour in (("IDENTIFY_NODE", "indigo"), ("IDENTIFY_NODE_SIZE", "green")):
        if not settings.given(keyword):
            continue
        many = tree.size > settings[keyword].more_than
        split = np.diff(tree.start) > 1
        for node in np.flatnonzero(many & split):
            level = int(tree.bottom[node])
            if keyword == "IDENTIFY_NODE":
                text = f"{level}_{np.flatnonzero(layout.nodes_at(level) == node)[0] + 1}"
            else:
                text = str(tree.size[node])
            x = layout.x[node] if scale is None else scale(layout.x[node], level)
            labels.append((float(x), float(energies[level - 1]), text, colour, True))
    bar = options.value("SCALEBAR", "energy")
    epsilon = settings.given("EPSILON")
    width, height = options.page_size()
    size = (WIDTH, HEIGHT) if (width, height) == (595, 842) else (width / 595 * WIDTH, height / 842 * HEIGHT)
    return Style(
        axis_label=axis_label(options), scale_bar=tree.levels.delta if epsilon else bar,
        bar_label="\N{GREEK SMALL LETTER EPSILON}" if epsilon else None, labels=labels,
        label_size=0.8 * settings["LABELSIZE"].points, size=size,
    )  # fmt: skip

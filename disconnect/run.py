"""The program on one page: read, choose what takes part, find the superbasins, lay out, draw."""

import numpy as np

from common.errors import InputError
from disconnect import sources
from disconnect.options import read_options
from disconnect.superbasins import Levels, superbasins


def run(path=None, check=False, output=None, database=None, colour=None, colour_map=None, label=None, inset=None):
    """Draw the graph that dinfo and the command line describe.

    Parameters
    ----------
    path : str or None
        Keyword file; None for dinfo when there is one, otherwise everything is chosen.
    check : bool
        Read and check all input, then stop.
    output : list of str or None
        Pictures, instead of those of OUTPUT.
    database, colour, colour_map, label : str or None
        Instead of DATABASE, COLOURBY and AXISLABEL.
    inset : list of str or None
        ``N`` or ``N=IMAGE``, besides those of INSET.

    Returns
    -------
    int
        Exit status.
    """
    from disconnect.additions import read_additions
    from disconnect.insets import check_insets
    from disconnect.output import lay_out, write_listings, write_pictures

    options = read_options(path, output, database, colour, colour_map, label, inset)
    print("\nDisconnectivity Graphs\n----------------------\n")
    for note in options.settings.notes:
        print(f"Note: {note}")
    if options.settings.given("COMPARE"):
        from disconnect.output import write_comparison

        return write_comparison(options, check)
    network = read_network(options)
    additions = read_additions(network, options)
    selection = select(network, options)
    levels, selection = find_levels(network, selection, options)
    if check:
        print("The input is correct; nothing was written.")
        return 0
    tree = analyse(network, selection, levels, options, additions)
    if additions.insets:
        # Before anything is written.
        check_insets(tree, additions.insets)
    layout, scale = lay_out(network, tree, options, additions)
    colouring = write_listings(network, selection, layout, options, additions)
    write_pictures(network, selection, layout, scale, colouring, options, additions)
    return 0


def read_network(options):
    """The network from text files or a database, with the classic lines of the log."""
    temperature = options.value("TEMPERATURE", "t")
    if options.minima is not None:
        network = sources.read_text(options.minima, options.ts, temperature)
    else:
        network = sources.read_database(options.database or sources.DATABASE, temperature)
    lowest = network.global_minimum
    print(f"{network.n_minima:6d} minima read in from {network.minima_name}.")
    print(f" Global minimum at index, energy {lowest + 1:10d}{network.energies[lowest]:18.10f}.")
    print(f"{network.ts_energies.size:6d} non-degenerate paths read in from {network.ts_name}.")
    if network.ts_energies.size == 0 and network.n_minima > 1:
        raise InputError(
            f"{network.ts_name}: no transition state connects two of the {network.n_minima} minima; "
            "connect them with pathsample first"
        )
    if network.ts_energies.size:
        print(f"Highest and lowest transition states: {network.highest_ts:18.10f}{network.lowest_ts:18.10f}")
    print(f" n_min,n_ts= {network.n_minima:11d} {network.ts_energies.size:11d}")
    return network


def select(network, options, max_ts_energy=None):
    """What takes part, with the classic lines of the log."""
    from disconnect.selection import choose_connect_minimum, connected_part

    settings = options.settings
    least = settings["NCONNMIN"].number
    limits = {
        "max_ts_energy": options.value("MAXTSENERGY", "energy", np.inf) if max_ts_energy is None else max_ts_energy,
        "max_ts_barrier": options.value("MAXTSBARRIER", "energy", np.inf),
        "least_connections": least,
        "no_barriers": settings.given("NOBARRIERS"),
    }
    target = options.value("CONNECTMIN", "minimum")
    selection = connected_part(network, connect_to=target, **limits)
    if target is None and not selection.minima[network.global_minimum]:
        target = choose_connect_minimum(network, **limits)
        print(
            f"The lowest minimum, {network.global_minimum + 1}, has too few connections to be in the graph; what is "
            f"connected to minimum {target} is drawn. CONNECTMIN chooses another one."
        )
        selection = connected_part(network, connect_to=target, **limits)
    if least >= 0:
        print(f"{selection.few:8d} minima with {least:8d} connections or fewer will not be considered")
    goal = "global minimum" if target is None else f"minimum {target:8d}"
    print(f"Steps to {goal} converged in {selection.sweeps:8d} cycles; disconnected={selection.disconnected.size:8d}")
    print(f"Number of remaining minima and transition states={int(selection.minima.sum()):8d}{int(selection.ts.sum()):8d}\n")
    return selection


def find_levels(network, selection, options):
    """Levels as given, shifted by AUTORANGE, or chosen; and the selection, which chosen levels may narrow."""
    from disconnect.automatic import choose_levels, lower_first

    settings = options.settings
    if settings.given("DELTA"):
        levels = Levels(settings["FIRST"].energy, settings["DELTA"].energy, settings["LEVELS"].number)
        if settings.given("AUTORANGE"):
            levels = lower_first(levels, selection)
            print(f"Highest level: {levels.first:.10g}\n")
        return levels, selection
    if not selection.drawn.any():
        raise InputError(f"{network.minima_name}: no minimum has enough connections; lower NCONNMIN or raise MAXTSENERGY")
    levels, limit = choose_levels(network, selection, options.value("FIRST", "energy"))
    if np.isfinite(limit):
        before = int(selection.minima.sum())
        selection = select(network, options, max_ts_energy=limit)
        print(
            f"{before - int(selection.minima.sum())} minima that join the others only above {limit:.10g}, far above the "
            "rest, are left out; FIRST, DELTA and LEVELS show them."
        )
        levels, _ = choose_levels(network, selection, options.value("FIRST", "energy"))
    print(f"Levels chosen: FIRST {levels.first:.10g}, DELTA {levels.delta:.10g}, LEVELS {levels.n}\n")
    return levels, selection


def analyse(network, selection, levels, options, additions):
    """The tree, with the classic lines of the log."""
    from disconnect.selection import choose_drawn

    settings = options.settings
    if settings.given("NOBARRIERS"):
        print("Resetting transition state energies to that of the higher connected minimum.\nDone.\n")
    drawn = choose_drawn(
        network, selection, lowest=options.value("LOWEST", "number"), monotonic=settings.given("MONOTONIC"),
        exclude_all=settings.given("EXCLUDEALL"), pick=additions.pick, outside=additions.outside,
        keep=[line.minimum for line in settings.all("IDMIN")],
    )  # fmt: skip
    tree = superbasins(network, selection.with_drawn(drawn), levels, nosplit=settings.given("NOSPLIT"))
    print("Assigning minima to basins.")
    for count, energy in zip(tree.basins.tolist(), levels.energies().tolist()):
        print(f"{count:6d} {'basin  at' if count == 1 else 'basins at'} energy {energy:18.10f}")
    print("Done.\n\nPruning minima.")
    for level, count in enumerate(tree.nodes_per_level().tolist(), 1):
        print(f"Nodes remaining at level {level:3d}: {count:6d}")
    print("Done.\n")
    return tree

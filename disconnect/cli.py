"""Command line of disconnect."""

import sys


def add_arguments(parser):
    """Arguments beyond those that every program has; they go before what dinfo says."""
    parser.add_argument(
        "input", nargs="?", metavar="DINFO", help="keyword file; dinfo when it exists, otherwise everything is chosen"
    )
    parser.add_argument(
        "-o", "--output", action="append", metavar="FILE", help="picture to write: .pdf, .png, .svg, .ps or .html"
    )
    parser.add_argument("--database", metavar="FILE", help="database to read instead of text files")
    parser.add_argument("--colour", "--color", metavar="NAME", help="colour by this property, or by a file of values")
    parser.add_argument("--map", metavar="NAME", help="colour map of Matplotlib")
    parser.add_argument(
        "--inset", action="append", metavar="N[=IMAGE]", help="picture of minimum N below the graph: its structure, or an image"
    )
    parser.add_argument("--label", metavar="TEXT", help="words beside the energy axis")


def run_here(arguments):
    """Run in the current directory; imports late, so that --version stays quick."""
    from disconnect.run import run

    return run(
        arguments.input, check=arguments.check, output=arguments.output, database=arguments.database, colour=arguments.colour,
        colour_map=arguments.map, label=arguments.label, inset=arguments.inset,
    )  # fmt: skip


def tables():
    """Paths of the keyword tables of dinfo."""
    from disconnect.options import TABLE

    return [TABLE]


def main(argv=None):
    """Entry point of the commands disconnect and disconnectionDPS."""
    from common.cli import run_program

    description = "Draw the disconnectivity graph of a database of minima and transition states."
    return run_program("disconnect", run_here, argv, tables, description, add_arguments)


if __name__ == "__main__":
    sys.exit(main())

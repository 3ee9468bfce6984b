"""Command line of optim: ``optim [suffix]`` in a directory with ``odata`` (and ``finish`` for a connection)."""

import os
import sys

from common.cli import run_program

DESCRIPTION = (
    "Minima, transition states, pathways and connections between minima. Reads odata[.suffix] (keywords and starting point) "
    "and, for a connection, finish[.suffix]; prints the result lines on standard output."
)


def main(argv=None):
    """Run the program; returns the exit status."""
    return run_program("optim", _main, argv, _tables, DESCRIPTION, _arguments)


def _tables():
    from optim.job import table_paths

    return table_paths()


def _arguments(parser):
    parser.add_argument("suffix", nargs="?", default="", help="behind the names of all files: odata.suffix, ...")
    parser.add_argument("--plot", action="store_true", help="draw the paths into profile.png and profile.pdf")


def _main(arguments):
    # Matrices here are small: threads of the linear algebra library cost more than they save
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from optim.run import run

    return run(".", arguments.suffix, arguments.check, " ".join(["optim", *sys.argv[1:]]), plot=arguments.plot)


if __name__ == "__main__":
    sys.exit(main())

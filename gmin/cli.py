"""Command line of gmin: ``gmin [outfile]`` in a directory with ``data`` and ``coords``."""

import gc
import os
import sys

from common.cli import run_program

DESCRIPTION = (
    "Basin-hopping global optimisation. Reads data (keywords) and coords (one x y z per atom), writes output, lowest, "
    "GMIN.dump and landscape.db."
)


def main(argv=None):
    """Run the program; returns the exit status."""
    return run_program("gmin", _main, argv, _tables, DESCRIPTION, _arguments)


def _tables():
    from gmin.job import table_paths

    return table_paths()


def _arguments(parser):
    parser.add_argument("outfile", nargs="?", default="output", help="file for the lines of the run (default: output)")
    parser.add_argument("--plot", action="store_true", help="draw the run whose lines are in outfile as gmin.png; no run")


def _main(arguments):
    # Matrices here are small: threads of the linear algebra library cost more than they save, and they disturb the walkers.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if arguments.plot:
        from gmin.plot import plot

        print("\n".join(plot(arguments.outfile)))
        return 0
    from gmin.run import run

    # what is loaded stays: the collector need not look at it every time that lists of numbers come and go
    gc.freeze()
    return run(".", arguments.outfile, arguments.check, " ".join(["gmin", *sys.argv[1:]]))


if __name__ == "__main__":
    sys.exit(main())

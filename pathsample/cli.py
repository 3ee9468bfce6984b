"""Command line of pathsample."""

import sys


def add_arguments(parser):
    """Arguments beyond those that every program has."""
    text = "check every stationary point of landscape.db, print a table and stop"
    parser.add_argument("--verify", action="store_true", help=text)
    text = "print one page about landscape.db and stop; possible while a run is at work"
    parser.add_argument("--status", action="store_true", help=text)
    text = (
        "draw what earlier runs computed as NAME.pdf and NAME.png, and stop: survey, the curve of discovery; rates, an "
        "Arrhenius plot (RATESCYCLE); fpt, distributions of first-passage times (WAITPDF); cv, the heat capacity (CV, "
        "CVMINIMA); committor, a disconnectivity graph coloured by committors (NGT)"
    )
    parser.add_argument("--plot", choices=["survey", "rates", "fpt", "cv", "committor"], help=text)
    text = "classify new data (an archive .npz with inputs, or a table) with a model that MLSUP wrote, and stop"
    parser.add_argument("--predict", nargs=2, metavar=("MODEL", "DATA"), help=text)
    parser.add_argument("--output", metavar="FILE", help="with --predict: table to write, DATA.predicted.csv by default")
    text = (
        "run the published table that table.yaml describes, our figures beside the published ones, and stop; with names of "
        "CASEs those only, beside what earlier runs of this size found for the others"
    )
    parser.add_argument("--reproduce", nargs="+", metavar=("SIZE", "CASE"), help=text)
    parser.add_argument("--job-script", action="store_true", help="write pathsample.slurm, a batch script for Slurm, and stop")


def run_here(arguments):
    """Run in the current directory; imports late, so that --version stays quick."""
    if arguments.predict:
        from pathsample.learning.prediction import predict_file
        from pathsample.summary import Report

        predict_file(*arguments.predict, Report(), arguments.output)
        return 0
    if arguments.reproduce:
        from pathsample.learning.reproduce import reproduce
        from pathsample.summary import Report

        size, *cases = arguments.reproduce
        reproduce(".", size, Report(), cases)
        return 0
    if arguments.output:
        from common.errors import InputError

        raise InputError("pathsample: --output goes with --predict MODEL DATA")
    from pathsample.run import look, run

    if arguments.status or arguments.plot or arguments.job_script:
        return look(".", status=arguments.status, plot=arguments.plot, job_script=arguments.job_script)
    return run(".", check=arguments.check, verify=arguments.verify)


def tables():
    """Paths of the keyword tables of pathdata."""
    from pathsample.setup import pathdata_tables

    return pathdata_tables()


def main(argv=None):
    """Entry point of the commands pathsample and PATHSAMPLE."""
    from common.cli import run_program

    description = "Grow and check a database of minima and transition states, as the file pathdata says."
    return run_program("pathsample", run_here, argv, tables, description, add_arguments)


if __name__ == "__main__":
    sys.exit(main())

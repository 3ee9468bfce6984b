"""The frame of a command-line program: options, messages, exit status, signals.

Only what every start needs is imported at the top; ``--version`` answers before anything else is loaded.
"""

import os
import sys

from common.errors import EXIT_BAD_INPUT, EXIT_DONE, EXIT_GOAL_NOT_REACHED, EXIT_STOPPED, InputError, LandscapeError

#: Threads of the linear algebra libraries, one unless the user says otherwise: the matrices of a landscape are small, and
#: threads that wait for each other make them ten times slower as soon as the cores are busy.
THREAD_LIMITS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")


def run_program(program, main_function, argv, table_paths, description, extra_arguments=None):
    """Run a program as the user called it.

    Parameters
    ----------
    program : str
        Name of the program.
    main_function : callable
        Takes the parsed arguments (``check`` is true when the input is only to be validated) and returns the exit status;
        None counts as done. It runs in the directory that ``-C`` names.
    argv : list of str or None
        Arguments without the program's name; None means those of the process.
    table_paths : list of paths, or callable returning one
        Tables of keywords for ``--keywords``. A callable is asked only then.
    description : str
        What the program does, for ``--help``.
    extra_arguments : callable, optional
        Takes the `argparse.ArgumentParser` and adds arguments of this program.

    Returns
    -------
    int
        0 done, 1 the calculation did not reach its goal, 2 bad input, 3 stopped and resumable.

    Notes
    -----
    SIGINT and SIGTERM set the flag of `common.stop`, and a second one ends the process. Problems with the input are printed on
    standard error, one line each and starting with file and line.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    if argv == ["--version"]:
        return _version(program)
    arguments = _parse(program, argv, description, extra_arguments)
    try:
        if arguments.version:
            return _version(program)
        if arguments.directory is not None:
            os.chdir(arguments.directory)
        if arguments.keywords is not None:
            return _keywords(table_paths, arguments.keywords)
        for name in THREAD_LIMITS:
            os.environ.setdefault(name, "1")
        from common import stop

        stop.install()
        status = main_function(arguments)
        sys.stdout.flush()
        return EXIT_DONE if status is None else int(status)
    except InputError as error:
        _report(error.problems)
        return error.exit_status
    except LandscapeError as error:
        _report([f"{program}: {line}" for line in str(error).splitlines()])
        return error.exit_status
    except BrokenPipeError:
        # The reader of our output has gone (gmin --keywords | head): no traceback, and none at interpreter exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_GOAL_NOT_REACHED
    except KeyboardInterrupt:
        _report([f"{program}: stopped"])
        return EXIT_STOPPED
    except MemoryError:
        _report([f"{program}: out of memory"])
        return EXIT_GOAL_NOT_REACHED
    except OSError as error:
        return _report_os_error(program, error)


def _parse(program, argv, description, extra_arguments):
    import argparse

    parser = argparse.ArgumentParser(prog=program, description=description, allow_abbrev=False)
    parser.add_argument("-C", dest="directory", metavar="DIR", help="run in this directory")
    parser.add_argument("--check", action="store_true", help="check the input and stop; nothing is written")
    parser.add_argument("--keywords", nargs="?", const="", metavar="NAME", help="list the keywords, or explain one, and stop")
    parser.add_argument("--version", action="store_true", help="print the version and stop")
    if extra_arguments is not None:
        extra_arguments(parser)
    return parser.parse_args(argv)


def _version(program):
    from common import __version__

    print(f"{program} (energy-landscapes) {__version__}")
    return EXIT_DONE


def _keywords(table_paths, name):
    from common.keywords import describe, load_table

    paths = table_paths() if callable(table_paths) else table_paths
    print(describe(load_table(*paths), name or None), flush=True)
    return EXIT_DONE


def _report(lines):
    sys.stdout.flush()
    for line in lines:
        # Names of files may hold bytes that are no text.
        print(line.encode("utf-8", "surrogateescape").decode("utf-8", "replace"), file=sys.stderr)


def _report_os_error(program, error):
    """One line for an error of the operating system: bad input when a file cannot be read, a failed run otherwise."""
    reason = error.strerror or str(error)
    if error.filename is None:
        _report([f"{program}: {reason}"])
        return EXIT_GOAL_NOT_REACHED
    filename = os.fsdecode(error.filename)
    if isinstance(error, (FileNotFoundError, PermissionError, IsADirectoryError, NotADirectoryError)):
        _report([f"{filename}: {reason[:1].lower()}{reason[1:]}"])
        return EXIT_BAD_INPUT
    _report([f"{program}: {filename}: {reason[:1].lower()}{reason[1:]}"])
    return EXIT_GOAL_NOT_REACHED

"""pathdata.change: keywords that are taken over between two cycles of a growth."""

import dataclasses

from common.errors import InputError

#: Keywords that may be changed during a growth; the others belong to the database or to the workers.
CHANGEABLE = (
    "CYCLES", "JOBSPERCYCLE", "TEMPERATURE", "MAXTSENERGY", "EVCUT", "ALLTS", "DIRECTION", "PAIRLIST", "SKIPPAIRS",
    "IGNOREPAIRS", "PRINTSUMMARY", "DEBUG", "CONNECTIONS", "DIJKSTRA", "NGT", "PLANCK", "STOP",
)  # fmt: skip


def changed_setup(setup, text):
    """The setup with the keywords of a text in place of those of pathdata.

    A keyword that chooses the searches takes the place of the one that did.

    Parameters
    ----------
    setup : Setup
    text : str
        Contents of pathdata.change.

    Returns
    -------
    setup : Setup or None
        None where the text has a problem.
    lines : list of str
        What to print.
    """
    from common.keywords import parse_text
    from pathsample.setup import STRATEGIES, check_pathdata

    change = parse_text(text, setup.settings.table, "pathdata.change")
    problems = list(change.problems)
    chosen = [name for name in STRATEGIES if change.given(name)]
    for occurrence in change.occurrences:
        if occurrence.keyword.name not in (*CHANGEABLE, *STRATEGIES):
            where = f"{occurrence.where}: {occurrence.text}"
            problems.append(f"{where}: cannot change during a growth; end the run and edit pathdata")
    if problems:
        return None, [f"change> {problem}; nothing is changed" for problem in problems]
    gone = [name for name in STRATEGIES if name != "CONNECTIONS"] if chosen else []
    settings = setup.settings.with_changes(change, without=gone)
    new = dataclasses.replace(setup, settings=settings)
    try:
        check_pathdata(new)
        settings.finish()
    except InputError as error:
        return None, [f"change> {problem}; nothing is changed" for problem in error.problems]
    return new, [f"change> {line}" for line in change.echo()]

"""Which keyword of pathdata chooses the searches."""

from pathsample.pairs import ConnectPairs, ConnectRegion, ConnectUnconnected, InitialPath, NewConnections
from pathsample.path_pairs import PathPairs, Shortcut, UsePairs
from pathsample.survey import Survey
from pathsample.untrap import FreePairs, Untrap


def make_strategy(setup):
    """The strategy that pathdata asks for.

    Returns
    -------
    Strategy
    """
    settings = setup.settings
    if settings.given("SURVEY"):
        values = settings["SURVEY"]
        return Survey(values.neighbours, values.attempts, values.fresh)
    if settings.given("CONNECTPAIRS"):
        return ConnectPairs.from_file(setup.path(settings["CONNECTPAIRS"].file))
    if settings.given("USEPAIRS"):
        return UsePairs.from_file(setup.path(settings["USEPAIRS"].file))
    if settings.given("CONNECTUNC"):
        return ConnectUnconnected(settings["CONNECTUNC"].order.upper(), settings["CONNECTUNC"].n)
    if settings.given("CONNECTREGION"):
        values = settings["CONNECTREGION"]
        return ConnectRegion(values.first, values.second, values.distance, values.last)
    for name in ("DIJINITCONT", "DIJINITSTART"):
        if settings.given(name):
            return InitialPath(settings[name].weight, settings[name].neighbours)
    if settings.given("DIJPAIR"):
        return PathPairs(setup, settings["DIJPAIR"])
    if settings.given("SHORTCUT"):
        return Shortcut(setup, settings["SHORTCUT"])
    if settings.given("UNTRAP"):
        return Untrap(setup, settings["UNTRAP"])
    if settings.given("FREEPAIRS"):
        return FreePairs(setup, settings["FREEPAIRS"])
    if settings.given("NEWCONNECTIONS"):
        values = settings["NEWCONNECTIONS"]
        return NewConnections(values.n, values.attempts, values.start)
    return NewConnections(settings["CONNECTIONS"].n, settings["CONNECTIONS"].attempts)

"""The kinetics that pathdata asks for, on the database as it is at the end of the run."""

from common import stop
from common.errors import InputError
from pathsample.kinetics import rates, regrouping
from pathsample.kinetics.exact_rates import TRANSFORMATIONS

#: Keywords that need rates and the sets A and B.
BETWEEN_SETS = (
    "DIJKSTRA", "DIJKSTRAWAIT", "DIJKSTRALIST", "KSHORTESTPATHS", *TRANSFORMATIONS, "NGTKEEPLIST", "TFOLD", "PFOLD", "KMC",
    "KMCCOMMIT", "WAITPDF",
)  # fmt: skip
#: Keywords that need rates only.
OF_THE_NETWORK = ("ARNOLDI", "DIAG")
#: Keywords that make networks of their own.
BY_THEMSELVES = ("RATESCYCLE", "TARGETRATES", "RFMULTI")
KINETICS = (*BETWEEN_SETS, *OF_THE_NETWORK, *BY_THEMSELVES)
#: Keywords that read numbers of minima or write a database of the minima of a path.
OF_MINIMA = ("DIJKSTRALIST", "NGTKEEPLIST")


def wanted(settings):
    """The kinetic keywords that were given."""
    found = [name for name in KINETICS if settings.given(name)]
    if settings.given("WAITPDFPRINT") and "WAITPDF" not in found:
        found.append("WAITPDF")
    return found or (["REGROUPING"] if regrouping.chosen(settings) else [])


def check_keywords(settings, directory):
    """Collect what does not fit together."""
    if settings.given("NGTKEEPLIST"):
        if not (directory / "NGTkeeplist").is_file():
            settings.error("NGTKEEPLIST", f"no file NGTkeeplist in {directory.resolve()}; it lists the minima to keep")
        if not settings.given("TEMPERATURE"):
            settings.error("NGTKEEPLIST", "the free energies of the reduced network need a temperature; add TEMPERATURE kT")
    chosen = wanted(settings)
    for name in ("PRINTTAUGT", "RENORMREACTANT"):
        if settings.given(name) and not settings.given("NGTKEEPLIST"):
            settings.error(name, "it speaks of the reduced network of NGTKEEPLIST, which is not given; add NGTKEEPLIST")
    if settings.given("PERSISTEXACT") and not settings.given("PERSIST"):
        settings.error("PERSISTEXACT", "it takes the energies of PERSIST as they are; add PERSIST increment threshold")
    if settings.given("DIJKSTRA") and settings.given("KSHORTESTPATHS"):
        settings.error("KSHORTESTPATHS", "not together with DIJKSTRA; remove one of the two")
    needs = [name for name in chosen if name not in ("RATESCYCLE", "RFMULTI", "REGROUPING")]
    regrouping.check_keywords(settings)
    for name in OF_MINIMA:
        merging = [other for other in regrouping.MERGING if settings.given(other)]
        if settings.given(name) and merging:
            settings.error(name, f"it speaks of minima, and {merging[0]} makes groups of them; remove one of the two")
    if settings.given("DIJKSTRALIST") and not (directory / "DijkstraList").is_file():
        settings.error("DIJKSTRALIST", f"no file DijkstraList in {directory.resolve()}; it lists the minima to visit")
    if needs and not settings.given("TEMPERATURE") and not settings.given("ENERGY"):
        settings.error(needs[0], "rates need a temperature; add TEMPERATURE kT (or ENERGY for a total energy)")
    if settings.given("ENERGY") and settings.given("RATESCYCLE"):
        settings.error("RATESCYCLE", "not together with ENERGY, which states rates at a total energy")
    if settings.given("ENERGY") and settings.given("RFMULTI"):
        settings.error("RFMULTI", "not together with ENERGY; free energies belong to a temperature")
    for name in ("CV", "SHANNON", "SHANNONR", "SHANNONZ"):
        lowest, highest = settings[name].lowest, settings[name].highest
        if lowest is not None and highest is not None and highest < lowest:
            settings.error(name, "the highest temperature is below the lowest")
    for name in ("DOS", "MICROTHERM"):
        lowest, highest = settings[name].lowest, settings[name].highest
        if lowest is not None and highest is not None and highest < lowest:
            settings.error(name, "the highest energy is below the lowest")
    if settings.given("CVMINIMA") and not settings.given("CV"):
        settings.error("CVMINIMA", "it adds partial sums to CV, which is not given; add CV Tmin Tmax dT")
    if settings.given("ENERGY") and settings.given("FREEENERGY"):
        settings.error("FREEENERGY", "not together with ENERGY; free energies belong to a temperature")


def number_of_modes(setup, database):
    """Vibrational modes kappa of a minimum: non-zero eigenvalues of its Hessian.

    The variables less the zero modes of the symmetry; 3N-6 by NATOMS where there are no coordinates, and 0 below three atoms.
    """
    if setup.potential is not None:
        return setup.n_variables - int(setup.symmetry.n_zero)
    return max(3 * (setup.settings["NATOMS"].n or 0) - 6, 0)


def build_network(setup, database, kt=None, min_connections=0):
    """The network of rates at kT (TEMPERATURE or ENERGY when it is not given)."""
    settings = setup.settings
    minima, states, sets = rates.read_arrays(database)
    lowest = rates.subtract_lowest(minima, states) if settings.given("RELATIVEE") else 0.0
    if kt is None and settings.given("ENERGY"):
        kappa = number_of_modes(setup, database)
        weights = rates.microcanonical(minima, states, settings["ENERGY"].energy - lowest, kappa)
    else:
        kt = settings["TEMPERATURE"].kt if kt is None else kt
        form = rates.free_energies if settings.given("FREEENERGY") else rates.canonical
        weights = form(minima, states, kt)
    limit = settings["MAXTSENERGY"].energy
    if limit is not None:
        limit -= lowest
    most = settings["NCONNMIN"].n if settings.given("NCONNMIN") else 0
    return rates.make_network(
        minima,
        states,
        sets,
        *weights,
        max_ts_energy=limit,
        max_barrier=settings["MAXBARRIER"].barrier,
        min_barrier=settings["MINBARRIER"].barrier,
        min_connections=max(min_connections or 0, most),
    )


def missing_sets(network, database, report):
    """A line about a set without members that take part; None when both have some."""
    for name in ("A", "B"):
        if not database.endpoints(name):
            return f"setup> ERROR - no min.{name} file, and no set {name} in {database.path.name}; the kinetics need both sets"
        if not len(network.sets[name]):
            return f"kinetics> no minimum of set {name} has a transition state that takes part"
    return None


def usable_sets(network, report):
    """The network without members of A and B that have no path to the other set; a line says so."""
    from pathsample.kinetics.graph_transformation import connected_sets

    trimmed, left_out = connected_sets(network)
    if not len(trimmed.sets["A"]):
        return network
    if left_out:
        report.line(f"kinetics> {left_out} minima of A and B have no path to the other set and are left out")
    return trimmed


def prepared(setup, database, network, report):
    """The network that the keywords speak of: regrouped, and without members of A and B that have no path to the other set.

    Returns
    -------
    network : RateNetwork
    files : list of str
        Of the regrouping.
    problem : str or None
        Why nothing can be computed.
    """
    problem = missing_sets(network, database, report)
    if problem:
        return network, [], problem
    try:
        network, files = regrouping.regroup(setup, database, network, report)
    except regrouping.GroupsMerged as error:
        return network, [], str(error)
    return usable_sets(network, report), files, None


def analyse(setup, database, report):
    """Do all the kinetics of pathdata.

    Returns
    -------
    passed : bool
        False where A and B are not connected.
    files : list of str
    """
    settings = setup.settings
    product, reactant = rates.DIRECTIONS[settings["DIRECTION"].direction.upper()]
    passed, files = True, []
    for name in wanted(settings):
        stop.raise_if_requested()
        if name in BY_THEMSELVES:
            done, written = by_itself(name, setup, database, report)
        else:
            min_connections = getattr(settings[name], "connections", 0) or 0 if name != "REGROUPING" else 0
            network = build_network(setup, database, None, min_connections)
            from pathsample.kinetics.paths import connection_lines

            connection_lines(network, min_connections, report)
            if name in OF_THE_NETWORK:
                from pathsample.kinetics.eigenmodes import lowest_rates

                done, written = lowest_rates(name, setup, network, report)
            else:
                network, written, problem = prepared(setup, database, network, report)
                if problem:
                    report.line(problem)
                    return False, files
                done, more = _one(name, setup, database, network, product, reactant, report)
                written = [*written, *more]
        passed = passed and done
        files += [file for file in written if file not in files]
    return passed, files


def by_itself(name, setup, database, report):
    """A keyword that makes its own networks: whether it reached its goal, and its files."""
    from pathsample.kinetics import exact_rates

    if name == "RATESCYCLE":
        return exact_rates.rates_cycle(setup, database, report)
    if name == "TARGETRATES":
        return exact_rates.target_reached(setup, database, report), []
    return regrouping.groups_at_temperatures(setup, database, report)


def _one(name, setup, database, network, product, reactant, report):
    """One keyword on one network: whether it reached its goal, and its files."""
    from pathsample.kinetics import exact_rates, first_step, paths, trajectories

    if name == "REGROUPING":
        return True, []
    values = setup.settings[name]
    if name == "DIJKSTRA":
        written = paths.dijkstra(setup, database, network, product, reactant, report)
        return bool(written), written
    if name == "DIJKSTRAWAIT":
        return paths.waiting_path(setup, network, product, reactant, report), []
    if name == "DIJKSTRALIST":
        from pathsample.kinetics.path_through import path_through_list

        return path_through_list(setup, network, report)
    if name == "KSHORTESTPATHS":
        done = paths.shortest_paths(setup, network, product, reactant, values.paths, bool(values.full), report)
        return done, [f"Epath.{k}" for k in range(1, values.paths + 1) if done and (setup.path(f"Epath.{k}")).exists()]
    if name in TRANSFORMATIONS:
        return exact_rates.graph_transformation(setup, database, network, setup.settings["TEMPERATURE"].kt, values, report)
    if name == "NGTKEEPLIST":
        from pathsample.kinetics.reduction import write_reduced

        return write_reduced(setup, network, setup.settings["TEMPERATURE"].kt, report)
    if name == "TFOLD":
        return first_step.tfold(setup, network, product, reactant, report)
    if name == "PFOLD":
        return first_step.pfold(setup, database, network, product, reactant, report)
    if name == "KMC":
        return trajectories.kinetic_monte_carlo(setup, network, product, reactant, values, report)
    if name == "KMCCOMMIT":
        return trajectories.committor_walks(setup, network, product, reactant, values, report)
    from pathsample.kinetics.first_passage import distributions

    return distributions(setup, database, network, report)


def after_cycle(setup, database, cycle, report):
    """RATESCYCLE, GT, PFOLD and TARGETRATES at the end of a cycle of growth; whether the target rates have been reached."""
    settings = setup.settings
    if not (database.endpoints("A") and database.endpoints("B")):
        return False
    try:
        if settings.given("RATESCYCLE"):
            by_itself("RATESCYCLE", setup, database, report)
        product, reactant = rates.DIRECTIONS[settings["DIRECTION"].direction.upper()]
        for name in ("GT", "PFOLD"):
            if not settings.given(name) or not settings[name].interval or cycle % settings[name].interval:
                continue
            connections = getattr(settings[name], "connections", 0)
            network, _, problem = prepared(setup, database, build_network(setup, database, None, connections), report)
            if problem is None:
                _one(name, setup, database, network, product, reactant, report)
        return settings.given("TARGETRATES") and by_itself("TARGETRATES", setup, database, report)[0]
    except InputError as error:
        report.line(f"kinetics> {error}")
        return False

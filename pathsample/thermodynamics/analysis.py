"""What pathdata asks for of the minima alone: CV and CVMINIMA, DOS, MICROTHERM, SHANNON and its relatives, PERSIST."""

THERMODYNAMICS = ("CV", "DOS", "MICROTHERM", "SHANNON", "SHANNONR", "SHANNONZ", "PERSIST")


def wanted(settings):
    """The thermodynamic keywords that were given."""
    return [name for name in THERMODYNAMICS if settings.given(name)]


def analyse(setup, database, report):
    """Do all the thermodynamics of pathdata.

    Returns
    -------
    passed : bool
        False where something cannot be computed for this database.
    files : list of str
    """
    from pathsample.thermodynamics.heat_capacity import heat_capacity, model_of
    from pathsample.thermodynamics.landscape_entropy import landscape_entropy
    from pathsample.thermodynamics.microcanonical import density_of_states, microcanonical_properties
    from pathsample.thermodynamics.persistence import persistence_analysis

    model = model_of(setup, database)
    passed, files = True, []
    for name in wanted(setup.settings):
        if name == "CV":
            done, written = True, heat_capacity(setup, database, model, report)
        elif name == "DOS":
            done, written = density_of_states(setup, model, report)
        elif name == "MICROTHERM":
            done, written = microcanonical_properties(setup, model, report)
        elif name == "PERSIST":
            done, written = persistence_analysis(setup, database, model, report)
        else:
            done, written = landscape_entropy(setup, database, model, name, report)
        passed = passed and done
        files += written
    return passed, files

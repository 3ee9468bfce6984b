"""The thermodynamics that pathdata asks for: CV and CVMINIMA, DOS, MICROTHERM, SHANNON and SHANNONR."""

THERMODYNAMICS = ("CV", "DOS", "MICROTHERM", "SHANNON", "SHANNONR")


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

    model = model_of(setup, database)
    passed, files = True, []
    for name in wanted(setup.settings):
        if name == "CV":
            done, written = True, heat_capacity(setup, database, model, report)
        elif name == "DOS":
            done, written = density_of_states(setup, model, report)
        elif name == "MICROTHERM":
            done, written = microcanonical_properties(setup, model, report)
        else:
            done, written = landscape_entropy(setup, database, model, name, report)
        passed = passed and done
        files += written
    return passed, files

"""Which potential an input file asks for (``keywords.yaml`` of this package)."""

from pathlib import Path

from common.errors import InputError

#: Networks of the classic programs; their data lie in ``NETWORK_DATA``.
CLASSIC_NETWORKS = ("MLP3", "MLPB3", "MLPB3NEW", "MLPVB3", "MLPVB3NN")
#: All keywords of networks.
NETWORKS = (*CLASSIC_NETWORKS, "MLP", "XOR")
#: Keywords whose potential knows its own number of variables.
SIZED = (*NETWORKS, "REGRESSION", "PSPIN", "POTENTIAL")
#: Keywords that choose a potential; at most one may be given.
CHOICES = (*SIZED, "LJAT")
#: Name of the data file of a classic network keyword, in the directory of the run.
NETWORK_DATA = "MLPdata"
#: Names of the data of a network itself, where a program asks for a data file.
TRAINING, TEST = "train", "test"
#: And of the parts of the training data with right and with wrong labels.
CORRECT, WRONG = "correct", "wrong"
#: Symbols of atoms that stand for Lennard-Jones or Lennard-Jones plus Axilrod-Teller; UN is PATHSAMPLE's "unknown".
CLUSTER_SYMBOLS = ("", "LJ", "AX", "UN", "UNKNOWN")


def potential_table_path():
    """Path of the table of keywords that choose the potential."""
    return Path(__file__).with_name("keywords.yaml")


def sized_keyword(settings):
    """The keyword of an input whose potential knows its own number of variables, or None: no starting point is needed then."""
    return next((name for name in SIZED if settings.given(name)), None)


def potential_from_keywords(settings, directory, n_variables=None, symbol=None):
    """Build the potential that an input asks for.

    Without a potential keyword it is Lennard-Jones, or Lennard-Jones plus Axilrod-Teller when PARAMS gives a Z
    that is not zero.

    Parameters
    ----------
    settings : common.keywords.Settings
        Its table includes ``potential_table_path()``.
    directory : str or Path
        Where the files lie that the keywords name.
    n_variables : int, optional
        Number of coordinates that the program found; three per atom. A cluster needs it. Of other potentials it must be the
        number of variables, or a multiple (several starting points; or three times, where NATOMS is the number of variables).
    symbol : str, optional
        Symbol of the atoms; other potentials ignore it.

    Returns
    -------
    Potential

    Raises
    ------
    InputError
        Everything found wrong so far, with file and line.
    """
    given = [name for name in CHOICES if settings.given(name)]
    if len(given) > 1:
        settings.error(given[1], f"only one keyword may choose the potential; remove it or {given[0]}")
    _check_modifiers(settings, given[0] if given else None)
    settings.finish()
    name = sized_keyword(settings)
    if name is None:
        return _cluster(settings, n_variables, symbol)
    potential = _sized(settings, name, Path(directory))
    if settings.given("RADIUS") and not getattr(potential, "n_atoms", None):
        settings.error("RADIUS", "goes with atoms, which this potential has not; remove it")
    if n_variables and n_variables % potential.n_variables:
        kind = "the network" if name in NETWORKS else "the potential"
        settings.error(
            name, f"{kind} has {potential.n_variables} variables, {n_variables} coordinates were found; correct one of them"
        )
    settings.finish()
    return potential


def _sized(settings, name, directory):
    """The potential of a keyword of ``SIZED``."""
    values = settings[name]
    if name in NETWORKS:
        return _network(settings, name, directory)
    if name == "REGRESSION":
        return _regression(settings, values, directory)
    if name == "PSPIN":
        from potentials.pspin import SphericalPSpin, couplings_memory, physical_memory

        bytes_needed, memory = couplings_memory(values.n_spins, values.p), physical_memory()
        if bytes_needed > memory:
            settings.error(
                name,
                f"the couplings take {bytes_needed / 1e9:.3g} GB to make, the machine has {memory / 1e9:.3g}; reduce them",
            )
            settings.finish()
        return SphericalPSpin.from_seed(values.n_spins, values.p, values.seed)
    from potentials.user_function import user_potential

    where = f"{settings.where(name)}: {' '.join([name, values.kind, values.target, *values.arguments])}"
    return user_potential(where, values.target, values.arguments, directory)


def _check_modifiers(settings, chosen):
    """Keywords that only make sense with others."""
    if settings.given("MLPNORM") and chosen not in CLASSIC_NETWORKS:
        problem = "goes with " + ", ".join(CLASSIC_NETWORKS) + "; "
        problem += "write normalise: mean into the network file" if chosen == "MLP" else "add one of them or remove it"
        settings.error("MLPNORM", "goes with a network; " + problem if chosen not in NETWORKS else problem)
    if settings.given("NOREGBIAS"):
        if chosen == "MLP":
            settings.error("NOREGBIAS", "write regularise_biases: false into the network file instead")
        elif chosen == "MLP3":
            settings.error("NOREGBIAS", "the network of MLP3 has no biases; remove it")
        elif chosen not in NETWORKS:
            settings.error("NOREGBIAS", f"goes with a network; add one of {', '.join(NETWORKS)} or remove it")
    cluster = chosen in (None, "LJAT")
    for name in ("RADIUS", "PARAMS", "CUTOFF", "PERIODIC"):
        if settings.given(name) and not cluster and not (name == "RADIUS" and chosen == "POTENTIAL"):
            settings.error(name, f"goes with a cluster of atoms, not with {chosen}; remove it")
    if settings.given("LJAT") and settings["LJAT"].cutoff is not None:
        settings.error("LJAT", "the cutoff of the triple term is not supported; give Z alone")
    if settings.given("LJAT") and settings.given("PARAMS"):
        settings.error("PARAMS", "Z is given by LJAT too; remove one of the two")
    if settings.given("PARAMS") and len(settings["PARAMS"].values) > 1 and any(settings["PARAMS"].values[1:]):
        settings.error("PARAMS", "Lennard-Jones plus Axilrod-Teller has one parameter, Z; remove the others")
    for name in ("CUTOFF", "PERIODIC"):
        if settings.given(name) and _strength(settings) != 0.0:
            settings.error(name, "the Axilrod-Teller term has no cutoff and no box; remove one of the two")
    if settings.given("PERIODIC"):
        sides = [side for side in _sides(settings) if side is not None]
        if len(sides) == 2:
            settings.error("PERIODIC", "expected one side or three, found two")
        elif sides and settings.given("CUTOFF") and (settings["CUTOFF"].cutoff or 0.0) > 0.5 * min(sides):
            settings.error("CUTOFF", f"must not exceed half the shortest side of the box, {0.5 * min(sides):g}")
        if settings.given("RADIUS"):
            settings.error("RADIUS", "a periodic box has no container; remove RADIUS or PERIODIC")


def _strength(settings):
    """Strength Z of the triple term."""
    if settings.given("LJAT"):
        return settings["LJAT"].z
    values = settings["PARAMS"].values
    return values[0] if values else 0.0


def _sides(settings):
    """Sides of the box of PERIODIC, None where one is not given."""
    values = settings["PERIODIC"]
    return values.a, values.b, values.c


def _cluster(settings, n_variables, symbol):
    if symbol is not None and symbol.strip().upper() not in CLUSTER_SYMBOLS:
        raise InputError(
            f"{settings.name}: no potential for atoms with the symbol {symbol.strip()}; LJ or AX are Lennard-Jones, "
            "other potentials have a keyword of their own"
        )
    if not n_variables:
        raise InputError(f"{settings.name}: the number of atoms is not known; a cluster needs a starting point or NATOMS")
    if n_variables % 3:
        raise InputError(f"{settings.name}: {n_variables} coordinates found; atoms have three each")
    n_atoms = n_variables // 3
    radius = settings["RADIUS"].radius if settings.given("RADIUS") else None
    z = _strength(settings)
    if z == 0.0:
        from potentials.lj import LennardJones

        options = {}
        if settings.given("CUTOFF"):
            options["cutoff"] = settings["CUTOFF"].cutoff
        if settings.given("PERIODIC"):
            a, b, c = _sides(settings)
            options["box"] = a if b is None else (a, b, c)
        return LennardJones(n_atoms, radius, **options)
    from potentials.ljat import LennardJonesAxilrodTeller

    return LennardJonesAxilrodTeller(n_atoms, z, radius)


def _regression(settings, values, directory):
    from potentials.regression import NonlinearRegression, read_points

    if isinstance(values.data, int):
        if values.data < 0:
            settings.error("REGRESSION", "the seed must not be negative")
            settings.finish()
        return NonlinearRegression.from_seed(values.data, values.n_points, values.noise)
    return NonlinearRegression(*read_points(directory / values.data))


# --- Networks --------------------------------------------------------------------------------------------------------


def _network(settings, name, directory):
    from potentials.mlp import MultilayerPerceptron

    if name == "MLP":
        return _network_file(settings, directory).potential()
    network = settings[name]
    regularise_biases = not settings.given("NOREGBIAS")
    if name == "XOR":
        from potentials.datasets.xor import xor_data

        return MultilayerPerceptron((2, network.n_hidden, 2), *xor_data(), network.lam, regularise_biases)
    inputs, classes = _training_data(settings, name, directory)
    layers = (network.n_in, network.n_hidden, network.n_out)
    if name in ("MLPB3", "MLPB3NEW"):
        from potentials.shared_bias import SharedBiasPerceptron

        return SharedBiasPerceptron(layers, inputs, classes, network.lam, regularise_biases)
    return MultilayerPerceptron(
        layers,
        inputs,
        classes,
        network.lam,
        regularise_biases=regularise_biases,
        neighbours=getattr(network, "neighbours", None),
        has_biases=name != "MLP3",
    )


def read_described_network(settings, directory):
    """What the network file of the keyword MLP describes.

    Returns
    -------
    potentials.network_file.NetworkFile or None
        None for any other potential.
    """
    return _network_file(settings, Path(directory)) if settings.given("MLP") else None


def read_class_names(settings, directory):
    """Names of the classes, and where a table has them, of a network whose data are a table.

    Returns
    -------
    names : tuple of str
        None where the classes are numbers.
    outcome : str
        ``first``, ``last``, or the name of a column.
    """
    from potentials.datasets.tables import class_names

    network = read_described_network(settings, directory)
    options = None if network is None else network.file_options
    if options is None or not str(options.file).lower().endswith(".csv"):
        return (), "first"
    return class_names(Path(directory) / options.file, options.outcome), options.outcome


def _network_file(settings, directory):
    from potentials.network_file import read_network_file

    path = directory / settings["MLP"].file
    if not path.is_file():
        settings.error("MLP", f"no file {settings['MLP'].file} in {directory.resolve()}; correct the name")
        settings.finish()
    return read_network_file(path)


def _columns(settings, name):
    """(first feature, layout) of the data file of a classic network keyword."""
    start = getattr(settings[name], "start", None)
    return (1, "last") if start is None else (start, "first")


def _training_data(settings, name, directory):
    """Inputs and classes of the training data, scaled when MLPNORM is given."""
    from potentials.datasets.files import read_data

    network = settings[name]
    start, layout = _columns(settings, name)
    path = directory / NETWORK_DATA
    inputs, classes = read_data(path, network.n_in, start, network.n_data, network.n_out, layout)
    return inputs / _scale(settings, inputs, path), classes


def _scale(settings, inputs, path):
    """Divisors of the input columns, from unscaled training inputs of shape (N, n_in)."""
    from potentials.datasets.recipe import scaling

    try:
        return scaling(inputs, "mean" if settings.given("MLPNORM") else "none", str(path))[1]
    except InputError as error:
        settings.error("MLPNORM", str(error))
        settings.finish()


def read_network_data(settings, path):
    """Data for measuring the network of an input, with the columns and the scaling that it is trained with.

    Parameters
    ----------
    settings : common.keywords.Settings
        Gives a network; its training data lie beside its file (MLPNORM takes the scaling from them).
    path : str or Path
        File in the layout of MLPdata (for MLP also .csv and .npz). All its items are read; of the training file itself those
        the network is trained with. The name ``train`` stands for the training data, and with MLP ``test`` for the test data of
        the network file, ``correct`` and ``wrong`` for the training items whose label was kept and replaced by ``mislabel``,
        unless there is a file of that name.

    Returns
    -------
    inputs : ndarray of shape (N, n_in)
    classes : ndarray of int of shape (N,)

    Raises
    ------
    InputError
    """
    from potentials.datasets.files import read_data

    name = next((name for name in NETWORKS if settings.given(name)), None)
    if name is None:
        raise InputError(f"{settings.name}: no network is given; add one of {', '.join(NETWORKS)}")
    path = Path(path)
    directory = Path(settings.path).parent if settings.path else path.parent
    own = path.name if path.name in (TRAINING, TEST, CORRECT, WRONG) and not path.exists() else None
    if name in ("MLP", "XOR"):
        return _measured_data(settings, name, path, directory, own)
    if own in (TEST, CORRECT, WRONG):
        part = "test data" if own == TEST else f"{own}ly labelled items"
        raise InputError(f"{path}: no such file; with {name} the {part} are a file of their own")
    if own == TRAINING:
        return _training_data(settings, name, directory)
    network = settings[name]
    start, layout = _columns(settings, name)
    training = directory / NETWORK_DATA
    same = training.exists() and path.exists() and training.samefile(path)
    inputs, classes = read_data(path, network.n_in, start, network.n_data if same else None, network.n_out, layout)
    if not settings.given("MLPNORM"):
        return inputs, classes
    trained = inputs if same else read_data(training, network.n_in, start, network.n_data, network.n_out, layout)[0]
    return inputs / _scale(settings, trained, training), classes


def read_network_scale(settings, directory):
    """(shift, divisor) of the input columns of the network of an input, each of shape (n_in,).

    Raises
    ------
    InputError
        If the input has no network.
    """
    import numpy as np

    name = next((name for name in NETWORKS if settings.given(name)), None)
    if name is None:
        raise InputError(f"{settings.name}: no network is given; add one of {', '.join(NETWORKS)}")
    directory = Path(directory)
    if name == "MLP":
        data = _network_file(settings, directory).data
        return data.shift, data.divisor
    if name == "XOR":
        return np.zeros(2), np.ones(2)
    from potentials.datasets.files import read_data

    network = settings[name]
    shift, divisor = np.zeros(network.n_in), np.ones(network.n_in)
    if settings.given("MLPNORM"):
        start, layout = _columns(settings, name)
        path = directory / NETWORK_DATA
        trained = read_data(path, network.n_in, start, network.n_data, network.n_out, layout)[0]
        divisor = divisor * _scale(settings, trained, path)
    return shift, divisor


def _measured_data(settings, name, path, directory, own):
    """Data for measuring the networks of MLP and XOR."""
    if name == "XOR":
        from potentials.datasets.files import read_data
        from potentials.datasets.xor import xor_data

        if own in (TEST, CORRECT, WRONG):
            raise InputError(f"{path}: no such file; exclusive or has no {own} data, AUC train measures its four points")
        return xor_data() if own else read_data(path, 2, n_classes=2)
    from potentials.datasets.recipe import options_of
    from potentials.datasets.sources import FILE, load_pool

    network = _network_file(settings, directory)
    data = network.data
    if own == TRAINING:
        return data.inputs, data.classes
    if own in (CORRECT, WRONG):
        part = data.wrong if own == WRONG else ~data.wrong
        if not part.any():
            described = directory / settings["MLP"].file
            raise InputError(f"{described}: data: no training item is labelled {own}ly; remove the line that asks for them")
        return data.inputs[part], data.classes[part]
    if own == TEST:
        if not len(data.test_inputs):
            described = directory / settings["MLP"].file
            raise InputError(f"{described}: data: no test data; give test_items, or the name of a data file")
        return data.test_inputs, data.test_classes
    given = network.file_options
    layout = {} if given is None else {"start": given.start, "outcome": given.outcome}
    layout["names"] = read_class_names(settings, directory)[0]
    options = options_of(FILE, file=path.resolve(), **layout)
    pool = load_pool(FILE, options, None, (network.layers[0], network.layers[-1]), directory, str(path))
    return data.scaled(pool.inputs), pool.classes

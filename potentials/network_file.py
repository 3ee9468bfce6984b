"""The network file of the keyword MLP: architecture, loss, data and teacher in YAML.

::

    layers: [2, 5, 5, 4]        # inputs, hidden layers, outcomes
    lambda: 1e-4
    data:
      generator: ljat3
      side: 3.4641016
      items: 1000
      test_items: 1000
      seed: 1
      mislabel: {fraction: 0.1, seed: 2}

The tables ``NETWORK_FIELDS``, ``DATA_FIELDS``, ``MISLABEL_FIELDS``, ``TEACHER_FIELDS`` and
`potentials.datasets.sources.SOURCES` are all it may say.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.errors import InputError
from potentials.datasets.recipe import NORMALISATIONS, draw, mislabelled
from potentials.datasets.sources import FILE, SOURCES
from potentials.yaml_schema import Field, open_yaml

NETWORK_FIELDS = {
    "layers": Field("integers", "nodes per layer: inputs, hidden layers, outcomes", required=True, minimum=1),
    "activation": Field("word", "activation of the hidden nodes", default="tanh", choices=("tanh",)),
    "lambda": Field("real", "regularisation", required=True, minimum=0),
    "biases": Field("logical", "whether the nodes have biases", default=True),
    "regularise_biases": Field("logical", "whether lambda acts on the biases too", default=True),
    "neighbours": Field("int", "nodes keep this many nearest inputs and outputs, the other weights are frozen", minimum=1),
    "data": Field("section", "training and test data", required=True),
    "teacher": Field("section", "a network whose answers replace the labels"),
}
DATA_FIELDS = {
    "generator": Field("word", "where the items come from, unless a file is given", choices=tuple(SOURCES)),
    "items": Field("int", "training items; all that the set holds by default", minimum=1),
    "test_items": Field("int", "test items, none of them a training item", minimum=0),
    "seed": Field("int", "seed of a generator", default=1, minimum=0),
    "split": Field("seed or false", "seed of the random order in which the items of a set are taken; false: in its own order"),
    "normalise": Field("word", "scaling of the inputs", default="none", choices=tuple(NORMALISATIONS)),
    "mislabel": Field("section", "wrong labels on purpose"),
}
MISLABEL_FIELDS = {
    "fraction": Field("real", "share of the training items that get another label", required=True, minimum=0, maximum=1),
    "seed": Field("int", "seed of the choice", default=1, minimum=0),
}
TEACHER_FIELDS = {
    "layers": Field("integers", "nodes per layer; those of the network by default", minimum=1),
    "lambda": Field("real", "regularisation of its training; that of the network by default", minimum=0),
    "weights": Field("file", "its variables, from a file lowest or coords; without it it is trained here"),
    "items": Field("int", "items it is trained with, other ones than those of the network; as many by default", minimum=1),
    "starts": Field("int", "random starting points of its training; the lowest minimum teaches", default=10, minimum=1),
    "seed": Field("int", "seed of the starting points", default=1, minimum=0),
    "answers": Field(
        "word",
        "what the student learns: the probabilities that the teacher gives, or the most probable classes",
        default="probabilities",
        choices=("probabilities", "classes"),
    ),
}
#: Convergence (RMS gradient) and length of the quenches that train a teacher.
TEACHER_RMS = 1e-6
TEACHER_ITERATIONS = 5000


@dataclass(slots=True)
class NetworkFile:
    """What a network file describes.

    Attributes
    ----------
    layers : tuple of int
    lam : float
    has_biases, regularise_biases : bool
    neighbours : int or None
    data : potentials.datasets.recipe.DataSet
    file_options : types.SimpleNamespace or None
        Options of the data file (start, outcome), where the data come from one.
    quench_options : types.SimpleNamespace or None
        Options of the quenches (side, distances, seed, ...), where the data are outcomes of geometry optimisation.
    targets : ndarray of shape (N, layers[-1]) or None
        Probabilities that a teacher gives for the training items, where they are what is learnt.
    teacher_weights : ndarray or None
        Variables of the teacher.
    """

    layers: tuple
    lam: float
    has_biases: bool
    regularise_biases: bool
    neighbours: int | None
    data: object
    file_options: object = None
    quench_options: object = None
    targets: object = None
    teacher_weights: object = None

    def potential(self):
        """The loss as a function of the weights, a `potentials.mlp.MultilayerPerceptron`."""
        return self._network(self.layers, self.data.inputs, self.data.classes, self.lam, self.targets)

    def on(self, inputs, lam=None):
        """The loss of the same network for other inputs of the training items, and perhaps another regularisation."""
        return self._network(self.layers, inputs, self.data.classes, self.lam if lam is None else lam, self.targets)

    def quench_inputs(self, last):
        """Inputs of the training and test items at every step of their quenches, counted back from convergence.

        Parameters
        ----------
        last : int
            Largest number of steps; a shorter quench is padded with its start.

        Yields
        ------
        train, test : ndarray of shape (N, n_inputs) and (M, n_inputs)
            At s = 0, 1, ... last, scaled as the network's data are, each s by itself.

        Raises
        ------
        InputError
            If the data are not outcomes of geometry optimisation.
        """
        from potentials.datasets.ljat3 import generate
        from potentials.datasets.recipe import scaling

        options = self.quench_options
        if options is None:
            raise InputError("the data of the network are no outcomes of geometry optimisation (generator: ljat3, no teacher)")
        n = len(self.data.classes)
        data = generate(options.side, n + len(self.data.test_classes), options.seed, options.distances, last)
        for s in range(last + 1):
            inputs = data.inputs_at(s, options.distances)
            shift, divisor = scaling(inputs[:n], options.normalise, f"{s} steps from convergence")
            yield (inputs[:n] - shift) / divisor, (inputs[n:] - shift) / divisor

    def _network(self, layers, inputs, classes, lam, targets=None):
        from potentials.mlp import MultilayerPerceptron

        return MultilayerPerceptron(
            layers, inputs, classes, lam, self.regularise_biases, self.neighbours, self.has_biases, targets
        )


def read_network_file(path):
    """Read a network file, and make its data.

    Parameters
    ----------
    path : str or Path
        Files it names are looked for beside it.

    Returns
    -------
    NetworkFile

    Raises
    ------
    InputError
        Everything found wrong, with file and line.
    """
    path = Path(path)
    problems = []
    top = open_yaml(path, problems, "a network")
    values = top.read(NETWORK_FIELDS)
    layers = values.layers
    if layers is not None and not problems:
        if len(layers) < 3:
            top.error("layers", "needs inputs, at least one hidden layer, and outcomes, as [2, 10, 4]")
        elif layers[-1] < 2:
            top.error("layers", "a classifier needs at least two outcomes")
    if values.neighbours is not None and not values.biases:
        top.error("neighbours", "goes with a network that has biases")
    if not values.biases and not values.regularise_biases:
        top.error("regularise_biases", "the network has no biases; remove the line")
    section, source, recipe = _read_data(values.data, problems)
    teacher = None
    if values.teacher is not None:
        teacher = values.teacher.read(TEACHER_FIELDS)
        _check_teacher(values.teacher, teacher, layers)
    mislabel = None
    if recipe is not None and recipe.mislabel is not None:
        mislabel = recipe.mislabel.read(MISLABEL_FIELDS)
        if teacher is not None and teacher.answers == "probabilities":
            recipe.mislabel.error("fraction", "the labels are probabilities of a teacher; write answers: classes under teacher")
    if problems:
        raise InputError(problems)
    network = NetworkFile(layers, values.lam, values.biases, values.regularise_biases, values.neighbours, None)
    network.file_options = recipe if source is FILE else None
    network.quench_options = recipe if source is SOURCES["ljat3"] and teacher is None else None
    lesson_items = 0
    if teacher is not None and teacher.weights is None:
        lesson_items = teacher.items or recipe.items or 0
        if not lesson_items:
            raise InputError(f"{values.teacher.place}: teacher: items: give the number of items that train the teacher")
    network.data = draw(
        source, recipe, (layers[0], layers[-1]), path.parent, items=recipe.items, test_items=recipe.test_items,
        split=recipe.split, normalise=recipe.normalise, lesson_items=lesson_items, name=f"{section.place}: data",
    )  # fmt: skip
    if teacher is not None:
        _teach(network, values.teacher, teacher, path.parent)
    if mislabel is not None:
        network.data = mislabelled(network.data, layers[-1], mislabel.fraction, mislabel.seed)
    return network


def _read_data(section, problems):
    """(section, source, values) of ``data``."""
    if section is None:
        return None, None, None
    kind, given = section.nodes.get("generator"), "file" in section.nodes
    if kind is not None and given:
        section.error("file", "the items come from a generator or from a file; remove one of the two")
    elif kind is None and not given:
        problems.append(f"{section.place}: data: give generator (one of {', '.join(SOURCES)}) or file")
    source = FILE if given and kind is None else SOURCES.get(str(kind.value).lower()) if kind is not None else None
    if source is None:
        # the problem is reported with the choices; keys of any source are then none of its business
        fields = {name: field for each in (*SOURCES.values(), FILE) for name, field in each.fields.items()}
        section.read(DATA_FIELDS, {name: Field(field.kind, field.meaning) for name, field in fields.items()})
        return section, None, None
    values = section.read(DATA_FIELDS, source.fields)
    if source.endless and values.items is None and "items" not in section.nodes:
        problems.append(f"{section.place}: data: items: missing, the number of training items; the generator makes any number")
    if source.endless and "split" in section.nodes:
        section.error("split", "the items of this generator are in random order already; remove the line or change seed")
    if not source.endless and "seed" in section.nodes:
        section.error("seed", "this set is the same for every seed; split gives the order in which items are taken")
    return section, source, values


def _check_teacher(section, teacher, layers):
    if teacher.layers is not None and layers is not None:
        if len(teacher.layers) < 3:
            section.error("layers", "needs inputs, at least one hidden layer, and outcomes, as [2, 10, 4]")
        elif (teacher.layers[0], teacher.layers[-1]) != (layers[0], layers[-1]):
            section.error("layers", f"the teacher needs {layers[0]} inputs and {layers[-1]} outcomes as the network has")
    if teacher.weights is not None:
        for name in ("items", "starts", "seed"):
            if name in section.nodes:
                section.error(name, "the teacher of a file of weights is not trained; remove the line")


def _teach(network, section, teacher, directory):
    """Replace the labels by the answers of the teacher (Ballard et al 2017, section VII.B)."""
    from potentials.datasets.labels import taught

    layers = teacher.layers or network.layers
    lam = network.lam if teacher.lam is None else teacher.lam
    data = network.data
    if teacher.weights is None:
        potential = network._network(layers, data.lesson_inputs, data.lesson_classes, lam)
        weights = train(potential, teacher.starts, teacher.seed)
    else:
        potential = network._network(layers, data.inputs, data.classes, lam)
        weights = read_weights(directory / teacher.weights, potential.n_variables)
    network.teacher_weights = weights
    data.classes = taught(potential, weights, data.inputs)
    if teacher.answers == "probabilities":
        network.targets = potential.probabilities(weights, data.inputs)
    if len(data.test_inputs):
        data.test_classes = taught(potential, weights, data.test_inputs)
    if network.targets is None and len(np.unique(data.classes)) < 2:
        raise InputError(f"{section.place}: teacher: it puts all items into one class; train it with a smaller lambda")


def train(potential, starts, seed):
    """Variables of the lowest minimum that quenches from random starting points find.

    Raises
    ------
    InputError
        If no quench converges.
    """
    from common.lbfgs import minimise

    rng = np.random.default_rng(seed)
    lowest = None
    for _ in range(starts):
        result = minimise(
            potential, potential.random_coordinates(rng), history=20, rms=TEACHER_RMS, max_iterations=TEACHER_ITERATIONS
        )
        if result.converged and (lowest is None or result.energy < lowest.energy):
            lowest = result
    if lowest is None:
        raise InputError(f"the training of the teacher converged from none of {starts} starting points; try a larger lambda")
    return lowest.coordinates


def read_weights(path, n_variables):
    """Variables of a network from a file ``lowest`` of gmin (its first minimum) or of bare numbers.

    Raises
    ------
    InputError
    """
    from common.formats import coordinates, lowest

    path = Path(path)
    try:
        head = path.read_text(encoding="utf-8", errors="replace")[:400]
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({(error.strerror or 'no such file').lower()})") from None
    if "Energy of minimum" not in head:
        return np.array(coordinates.read(path, n_variables).coordinates)
    x = np.array(lowest.read(path)[0].coordinates).ravel()
    if len(x) != n_variables:
        raise InputError(f"{path}: {len(x)} variables, the network has {n_variables}")
    return x

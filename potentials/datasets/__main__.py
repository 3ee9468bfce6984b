"""Write data files for the networks: ``python -m potentials.datasets ljat3 ...``, ``spirals ...``, ``taught ...``."""

import argparse
import sys
import time

from common.errors import EXIT_BAD_INPUT, LandscapeError
from potentials.datasets.recipe import NORMALISATIONS
from potentials.datasets.sources import FILE, SOURCES

#: Child of the seed that draws the wrong labels.
MISLABEL_STREAM = 1


def count(text):
    """A number of items: an integer of at least 1, for argparse."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be an integer of at least 1, found {text}")
    return value


def seed(text):
    """A seed: an integer that is not negative, for argparse."""
    try:
        value = int(text)
    except ValueError:
        value = -1
    if value < 0:
        raise argparse.ArgumentTypeError(f"must be an integer that is not negative, found {text}")
    return value


def fraction(text):
    """A number between 0 and 1, for argparse."""
    value = float(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must lie between 0 and 1, found {text}")
    return value


def reader(field):
    """The argparse type of a field of a source."""

    def read(text):
        if field.kind not in ("int", "real"):
            return text
        value = int(text) if field.kind == "int" else float(text)
        if not abs(value) < float("inf") or (field.positive and not value > 0):
            raise argparse.ArgumentTypeError(f"must be positive, found {text}")
        if field.minimum is not None and value < field.minimum:
            raise argparse.ArgumentTypeError(f"must be at least {field.minimum:g}, found {text}")
        if field.maximum is not None and value > field.maximum:
            raise argparse.ArgumentTypeError(f"must be at most {field.maximum:g}, found {text}")
        return value

    read.__name__ = {"int": "integer", "real": "number"}.get(field.kind, "text")
    return read


def build_parser():
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m potentials.datasets", description="Write data files (MLPdata) for the neural networks."
    )
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="|".join([*SOURCES, "taught"]))
    for name, source in SOURCES.items():
        kind = kinds.add_parser(name, help=source.meaning)
        add_fields(kind, source)
        kind.add_argument("--items", type=count, required=source.endless, help="data items; default: all that are left")
        kind.add_argument("--test-items", type=count, help="further items, written to a second file and never mislabelled")
        if source.endless:
            kind.add_argument("--seed", type=seed, required=True, help="the same seed writes the same file")
        else:
            default = "" if source.split is None else f"; default {source.split}"
            kind.add_argument("--split", type=seed, help=f"seed of the random order in which items are taken{default}")
            kind.add_argument("--in-order", action="store_true", help="take the items in the order of the set")
        kind.add_argument(
            "--mislabel", type=fraction, default=0.0, help="fraction of labels replaced by another class; default 0"
        )
        kind.add_argument("--mislabel-seed", type=seed, help="seed of the wrong labels; default: a stream of --seed or --split")
        kind.add_argument(
            "--normalise", choices=list(NORMALISATIONS), default="none", help="scaling by the training items; default none"
        )
        add_output(kind)
        kind.add_argument("--test-output", help="file of the test items; default OUTPUT.test")
        if name == "ljat3":
            kind.add_argument(
                "--sequences", metavar="FILE", help="also write the last 80 steps of all quenches, a NumPy archive"
            )
    kind = kinds.add_parser("taught", help="the items of a data file with the answers of a trained network as labels")
    add_fields(kind, FILE, skip=("test_file",))
    kind.add_argument("--layers", type=count, nargs="+", required=True, help="nodes per layer of the network: 2 10 4")
    kind.add_argument("--weights", required=True, help="its variables, a file lowest of gmin or bare numbers")
    kind.add_argument("--no-biases", action="store_true", help="the network has none (MLP3)")
    kind.add_argument("--normalise", choices=list(NORMALISATIONS), default="none", help="scaling of its inputs; default none")
    add_output(kind)
    return parser


def add_fields(parser, source, skip=()):
    """The options of a source."""
    for name, field in source.fields.items():
        if name in skip:
            continue
        default = "" if field.default is None else f"; default {field.default}"
        choices = {"choices": (2, 3)} if name == "distances" else {}
        parser.add_argument(
            "--" + name.replace("_", "-"), type=reader(field), required=field.required or name == "file", default=field.default,
            help=field.meaning + default, **choices,
        )  # fmt: skip


def add_output(parser):
    """Where to write, and where the class stands."""
    parser.add_argument("--output", required=True, help="file to write")
    parser.add_argument(
        "--write-outcome" if parser.prog.endswith("taught") else "--outcome",
        choices=("first", "last"),
        default="first",
        help="where the class stands in the file written: first for MLPVB3 (default), last for MLP3",
    )


def write_items(arguments):
    """Make, write and say what was done."""
    import numpy as np

    from potentials.datasets.files import write_data
    from potentials.datasets.labels import mislabel
    from potentials.datasets.recipe import draw

    start = time.perf_counter()
    source = SOURCES[arguments.kind]
    split = False if getattr(arguments, "in_order", False) else getattr(arguments, "split", None)
    data = draw(
        source, arguments, (None, None), ".", items=arguments.items, test_items=arguments.test_items, split=split,
        normalise=arguments.normalise, name=arguments.kind,
    )  # fmt: skip
    n_classes = int(max(source.n_classes or 0, data.classes.max() + 1))
    stream = arguments.mislabel_seed
    if stream is None:
        # wrong labels have a stream of their own: the items do not depend on the fraction
        first = getattr(arguments, "seed", None) or getattr(arguments, "split", None) or 0
        stream = np.random.SeedSequence(first, spawn_key=(MISLABEL_STREAM,))
    labels, wrong = mislabel(data.classes, n_classes, arguments.mislabel, stream)
    write_data(arguments.output, data.inputs, labels, arguments.outcome)
    said = f", {int(wrong.sum())} of them mislabelled" if wrong.any() or source.endless else ""
    print(f"{arguments.output}: {len(labels)} items{said}")
    if len(data.test_inputs):
        test_output = arguments.test_output or f"{arguments.output}.test"
        write_data(test_output, data.test_inputs, data.test_classes, arguments.outcome)
        print(f"{test_output}: {len(data.test_inputs)} items")
    counts = np.bincount(np.concatenate([data.classes, data.test_classes]), minlength=n_classes)
    print(f"classes 0 to {n_classes - 1}: {' '.join(f'{share:.3f}' for share in counts / counts.sum())}")
    for note in data.notes:
        print(note)
    if getattr(arguments, "sequences", None):
        write_sequences(arguments, len(data.classes) + len(data.test_classes))
    print(f"{time.perf_counter() - start:.1f} s")


def write_sequences(arguments, n_items):
    """The same quenches again, with what they pass through."""
    from potentials.datasets.ljat3 import STEPS, generate

    data = generate(arguments.side, n_items, arguments.seed, arguments.distances, STEPS)
    data.save(arguments.sequences)
    padded = int((data.steps < STEPS).sum())
    print(f"{arguments.sequences}: {n_items} sequences of {STEPS} steps, {padded} of them padded with the start")


def write_taught(arguments):
    """Label the items of a data file by a trained network."""
    from types import SimpleNamespace

    import numpy as np

    from potentials.datasets.files import write_data
    from potentials.datasets.labels import taught
    from potentials.datasets.recipe import draw
    from potentials.mlp import MultilayerPerceptron
    from potentials.network_file import read_weights

    layers = arguments.layers
    if len(layers) < 3:
        raise LayersError("--layers needs inputs, at least one hidden layer, and outcomes, as 2 10 4")
    options = SimpleNamespace(file=arguments.file, test_file=None, start=arguments.start, outcome=arguments.outcome)
    shape = (layers[0], layers[-1])
    raw = draw(FILE, options, shape, ".", split=False, name=arguments.file)
    scaled = draw(FILE, options, shape, ".", split=False, normalise=arguments.normalise, name=arguments.file)
    network = MultilayerPerceptron(layers, scaled.inputs, scaled.classes, 0.0, has_biases=not arguments.no_biases)
    labels = taught(network, read_weights(arguments.weights, network.n_variables), scaled.inputs)
    write_data(arguments.output, raw.inputs, labels, arguments.write_outcome)
    changed = int(np.count_nonzero(labels != raw.classes))
    print(f"{arguments.output}: {len(labels)} items, {changed} labels differ from those of {arguments.file}")


class LayersError(LandscapeError):
    """Layers on the command line that are no network."""

    exit_status = EXIT_BAD_INPUT


def main(argv=None):
    """Run the command line; returns the exit status."""
    arguments = build_parser().parse_args(argv)
    try:
        if arguments.kind == "taught":
            write_taught(arguments)
        else:
            write_items(arguments)
    except LandscapeError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    except OSError as error:
        print(f"{error.filename or arguments.output}: {error.strerror}", file=sys.stderr)
        return EXIT_BAD_INPUT
    return 0


if __name__ == "__main__":
    sys.exit(main())

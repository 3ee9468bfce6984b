"""Where the training of a student stalls although its ground state is known (Ballard et al 2017, section VII.B, fig 16).

A network learns the answers of a teacher. One with as many hidden nodes as the teacher, or more, could reach a loss of zero;
gradient descent with a constant step shows where it stays instead. ``python -m pathsample.learning.student network.yaml``.
"""

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Stalls:
    """Training of students of one size.

    Attributes
    ----------
    relative_size : float
        Hidden nodes over those of the teacher.
    layers : tuple of int
    steps : ndarray of int of shape (n_points,)
    losses : ndarray of shape (n_students, n_points)
        Loss above the ground state after so many steps of gradient descent.
    quenched : ndarray of shape (n_students,)
        Loss of the minimum that L-BFGS finds from the last point.
    """

    relative_size: float
    layers: tuple
    steps: np.ndarray
    losses: np.ndarray
    quenched: np.ndarray


def descend(potential, x, step, steps):
    """Gradient descent with a constant step.

    Parameters
    ----------
    potential : Potential
    x : ndarray of shape (n_variables,)
    step : float
        Learning rate.
    steps : ndarray of int
        Growing numbers of steps after which the energy is recorded, the first 0.

    Returns
    -------
    x : ndarray of shape (n_variables,)
    energies : ndarray of the shape of ``steps``
    """
    x = np.array(x, dtype=float)
    energies, done = [], 0
    for target in steps:
        for _ in range(done, int(target)):
            x -= step * potential.gradient(x)
        done = int(target)
        energies.append(potential.energy(x))
    return x, np.array(energies)


def train_students(network, sizes, n_students, n_steps, step=1.0, seed=1):
    """Train students of several sizes on the answers of the teacher of a network file, without regularisation.

    Parameters
    ----------
    network : NetworkFile
        With ``teacher``; its student has one hidden layer or more.
    sizes : sequence of float
        Hidden nodes over those of the teacher.
    n_students, n_steps : int
    step : float
    seed : int

    Returns
    -------
    list of Stalls

    Raises
    ------
    ValueError
        If the network has no teacher that teaches probabilities.
    """
    from common.lbfgs import minimise
    from potentials.mlp import MultilayerPerceptron

    base = network.potential()
    if base.targets is None:
        raise ValueError("the network file has no teacher whose probabilities are learned; add teacher:")
    steps = np.unique(np.concatenate([[0], np.round(np.geomspace(1, n_steps, 60)).astype(int)]))
    found = []
    for place, size in enumerate(sizes):
        hidden = tuple(max(1, round(size * n)) for n in base.layers[1:-1])
        layers = (base.layers[0], *hidden, base.layers[-1])
        potential = MultilayerPerceptron(layers, base.inputs, base.classes, 0.0, targets=base.targets)
        losses, quenched = [], []
        for k in range(n_students):
            rng = np.random.default_rng([seed, place, k])
            x, energies = descend(potential, potential.random_coordinates(rng), step, steps)
            losses.append(energies)
            quenched.append(minimise(potential, x, rms=1e-7, max_iterations=20_000, history=50, max_step=1.0).energy)
        found.append(Stalls(float(size), layers, steps, np.array(losses), np.array(quenched)))
    return found


def draw(axes, results):
    """Median loss above the ground state against the steps, with the range of all students."""
    for k, r in enumerate(results):
        axes.fill_between(r.steps, r.losses.min(axis=0), r.losses.max(axis=0), color=f"C{k}", alpha=0.15, linewidth=0)
        label = f"{r.relative_size:g} times the teacher"
        axes.plot(r.steps, np.median(r.losses, axis=0), color=f"C{k}", linewidth=1.3, label=label)
        axes.plot(r.steps[-1] * 1.25, np.median(r.quenched), marker="<", color=f"C{k}", markersize=6)
    axes.set_xscale("symlog", linthresh=1.0)
    axes.set_yscale("log")
    axes.set_xlabel("steps of gradient descent")
    axes.set_ylabel("loss above the ground state")
    axes.legend(frameon=False, fontsize=8)


def table(results):
    """Lines of the table that the command prints."""
    lines = ["# hidden/teacher  students  steps        median        lowest   after L-BFGS        lowest"]
    for r in results:
        lines.append(
            f"{r.relative_size:16.3g}{len(r.losses):10d}{r.steps[-1]:7d}{np.median(r.losses[:, -1]):14.6f}"
            f"{r.losses[:, -1].min():14.6f}{np.median(r.quenched):15.6f}{r.quenched.min():14.6f}"
        )
    return lines


def main(argv=None):
    """Train students of several sizes and write student, student.pdf, student.png and figures.json."""
    parser = argparse.ArgumentParser(prog="python -m pathsample.learning.student", description=main.__doc__)
    parser.add_argument("network", type=Path, help="network file with a teacher")
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.5, 1.0, 2.0], help="hidden nodes over the teacher's")
    parser.add_argument("--students", type=int, default=10, help="students of each size (10)")
    parser.add_argument("--steps", type=int, default=20000, help="steps of gradient descent (20000)")
    parser.add_argument("--rate", type=float, default=1.0, help="length of a step over the gradient (1)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the starts (1)")
    parser.add_argument("--output", type=Path, default=Path("student"), help="name of the table; .pdf and .png are added")
    options = parser.parse_args(argv)
    if min(options.sizes) <= 0 or options.students < 1 or options.steps < 1 or options.rate <= 0:
        parser.error("expected positive sizes, numbers and rate")
    from matplotlib.figure import Figure

    from common.atomic import atomic_write
    from common.errors import InputError
    from potentials.network_file import read_network_file

    try:
        network = read_network_file(options.network)
        results = train_students(network, options.sizes, options.students, options.steps, options.rate, options.seed)
    except (InputError, ValueError) as error:
        parser.error(f"{options.network}: {error}")
    print(*table(results), sep="\n")
    with atomic_write(options.output) as file:
        file.writelines(f"{line}\n" for line in table(results))
    figures = {f"stalls_{r.relative_size:g}": float(np.median(r.losses[:, -1])) for r in results}
    figures |= {f"quenched_{r.relative_size:g}": float(np.median(r.quenched)) for r in results}
    with atomic_write(options.output.with_name("figures.json")) as file:
        file.write(json.dumps(figures, indent=1) + "\n")
    figure = Figure(figsize=(5.0, 3.6), layout="constrained")
    draw(figure.add_subplot(), results)
    for suffix in (".pdf", ".png"):
        figure.savefig(options.output.with_name(options.output.name + suffix), dpi=150)
    return 0


if __name__ == "__main__":
    sys.exit(main())

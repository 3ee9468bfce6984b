"""A student network whose ground state is known: it learns what a teacher answers (Ballard et al. 2017, section VII.B)."""

import numpy as np
import pytest

from common.errors import InputError
from common.lbfgs import minimise
from potentials.mlp import MultilayerPerceptron
from potentials.network_file import read_network_file

pytestmark = pytest.mark.validation

STUDENT = """layers: [2, 3, 2]
lambda: {lam}
data: {{generator: checkerboard, squares: 2, items: 90, test_items: 20, seed: 3}}
teacher: {{lambda: 1e-4, items: 60, starts: 4, seed: 2{answers}}}
"""


def student(tmp_path, lam=0, answers=""):
    path = tmp_path / "network.yaml"
    path.write_text(STUDENT.format(lam=lam, answers=answers))
    return read_network_file(path)


def test_the_ground_state_is_the_teacher_and_zero(tmp_path):
    network = student(tmp_path)
    loss, teacher = network.potential(), network.teacher_weights
    assert loss.energy(teacher) == pytest.approx(0.0, abs=1e-15)
    assert np.abs(loss.gradient(teacher)).max() < 1e-15
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert abs(loss.energy(loss.symmetry.random_copy(teacher, rng))) < 1e-14
        assert loss.energy(teacher + rng.normal(size=teacher.size)) > 1e-4
    # nothing is regularised: the shifts of the output bias and of the three columns of weights into the outputs are free
    values = np.linalg.eigvalsh(loss.hessian(teacher))
    assert loss.symmetry.n_zero == 4
    assert np.sum(np.abs(values) < 1e-12) == 4
    assert values[0] > -1e-13
    back = minimise(loss, teacher + 1e-3 * rng.normal(size=teacher.size), rms=1e-10, max_iterations=5000)
    assert back.energy == pytest.approx(0.0, abs=1e-12)


def test_regularisation_adds_what_it_says(tmp_path):
    network = student(tmp_path, lam=1e-4)
    teacher = network.teacher_weights
    assert network.potential().energy(teacher) == pytest.approx(1e-4 * teacher @ teacher, rel=1e-12)


def test_the_loss_is_the_relative_entropy():
    rng = np.random.default_rng(4)
    inputs, targets = rng.normal(size=(23, 3)), rng.dirichlet([0.5, 1.0, 2.0], 23)
    targets[0] = (0.0, 1.0, 0.0)
    loss = MultilayerPerceptron((3, 4, 3), inputs, targets.argmax(axis=1), 0.0, targets=targets)
    x = rng.normal(size=loss.n_variables)
    p = loss.probabilities(x)
    terms = np.where(targets > 0, targets * np.log(np.where(targets > 0, targets, 1.0) / p), 0.0)
    assert loss.energy(x) == pytest.approx(terms.sum() / 23, rel=1e-13)
    classes = rng.integers(0, 3, 23)
    same = MultilayerPerceptron((3, 4, 3), inputs, classes, 0.1, targets=np.eye(3)[classes])
    assert same.energy(x) == MultilayerPerceptron((3, 4, 3), inputs, classes, 0.1).energy(x)
    assert same.fingerprint() != MultilayerPerceptron((3, 4, 3), inputs, classes, 0.1).fingerprint()
    for wrong in (targets[:, :2], targets * 2, -targets):
        with pytest.raises(ValueError, match="targets"):
            MultilayerPerceptron((3, 4, 3), inputs, classes, 0.1, targets=wrong)


def test_most_probable_classes_can_be_learnt_instead(tmp_path):
    network = student(tmp_path, lam=1e-4, answers=", answers: classes")
    assert network.targets is None
    answers = network.potential().probabilities(network.teacher_weights)
    np.testing.assert_array_equal(network.data.classes, answers.argmax(axis=1))


def test_wrong_labels_need_labels(tmp_path):
    path = tmp_path / "network.yaml"
    text = STUDENT.format(lam=1e-4, answers="").replace("seed: 3}", "seed: 3, mislabel: {fraction: 0.1}}")
    path.write_text(text)
    with pytest.raises(InputError, match="answers: classes"):
        read_network_file(path)
    path.write_text(text.replace("seed: 2}", "seed: 2, answers: classes}"))
    assert read_network_file(path).data.wrong.sum() == 9

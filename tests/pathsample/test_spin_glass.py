"""Complexity of the spherical p-spin model against its integral and published levels; students that stall."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from pathsample.learning import spin_glass, student
from pathsample.learning.spin_glass import complexity, lowest_level, quench, rate, threshold

pytestmark = pytest.mark.validation


@pytest.mark.parametrize("p", [3, 4, 7])
def test_rate_is_the_integral_over_the_semicircle(p):
    edge = -threshold(p)
    for u in (-edge - 1e-3, -edge - 0.1, -2.0 * edge):
        integral = quad(lambda z: math.sqrt(z * z - edge * edge), edge, -u)[0]
        assert rate(u, p) == pytest.approx(2.0 / edge**2 * integral, rel=1e-6)
    assert rate(-edge, p) == rate(0.3, p) == 0.0


def test_published_levels():
    # Ballard et al 2017: -E_0 = -1.657, -E_inf = -1.633 for p = 3
    assert threshold(3) == pytest.approx(-1.633, abs=5e-4)
    assert lowest_level(0, 3) == pytest.approx(-1.657, abs=5e-4)
    levels = [lowest_level(k, 3) for k in (0, 1, 2, 10, 50, 1000)]
    assert levels == sorted(levels)
    assert levels[-1] < threshold(3)
    assert threshold(3) - lowest_level(10**6, 3) < 1e-4


@pytest.mark.parametrize("p", [3, 5])
def test_complexity_grows_with_energy_and_falls_with_the_index(p):
    edge = threshold(p)
    u = np.linspace(1.2 * edge, 0.2, 400)
    curves = [complexity(u, k, p) for k in (0, 1, 2, 50)]
    for curve in curves:
        assert (np.diff(curve) >= -1e-15).all()
        # flat above -E_inf, and there the same for all
        assert curve[u >= edge] == pytest.approx(0.5 * math.log(p - 1) - (p - 2) / p)
    below = u < edge
    for first, second in pairwise(curves):
        assert (first[below] > second[below]).all()
    everything = complexity(u, None, p)
    assert everything[below] == pytest.approx(curves[0][below])
    assert everything[-1] == pytest.approx(0.5 * math.log(p - 1))


def test_bad_orders_are_refused():
    for call in (lambda: threshold(2), lambda: complexity(-1.0, 0, 2), lambda: complexity(-1.0, -1, 3)):
        with pytest.raises(ValueError, match=r"at least 3|not negative"):
            call()


def test_minima_narrow_as_spins_are_added():
    small, large = quench(8, 30, 3), quench(32, 30, 3)
    assert small.n_saddles == large.n_saddles == 0
    assert large.mean < small.mean
    assert large.variance < 0.5 * small.variance
    assert math.isnan(quench(8, 2, 1).variance_error)


def test_command_writes_table_and_figures(tmp_path, capsys):
    out = tmp_path / "glass"
    assert spin_glass.main(["--spins", "6", "10", "--quenches", "8", "--samples", "3", "--output", str(out)]) == 0
    lines = out.read_text().splitlines()
    assert "-E_0 = -1.656998" in lines[0]
    assert [int(line.split()[0]) for line in lines[2:]] == [6, 10]
    assert (tmp_path / "glass.png").exists()
    with pytest.raises(SystemExit):
        spin_glass.main(["--spins", "2"])


NETWORK = """layers: [2, 3, 2]
lambda: 0
data: {generator: checkerboard, squares: 2, items: 60, test_items: 20, seed: 3}
teacher: {lambda: 1e-3, items: 60, starts: 3, seed: 2}
"""


def test_students(tmp_path, capsys):
    path = tmp_path / "network.yaml"
    path.write_text(NETWORK)
    arguments = ["--sizes", "0.34", "1", "2", "--students", "3", "--steps", "300", "--output", str(tmp_path / "student")]
    assert student.main([str(path), *arguments]) == 0
    rows = np.loadtxt(tmp_path / "student")
    assert rows[:, 0].tolist() == [0.34, 1.0, 2.0]
    # gradient descent stalls above what L-BFGS reaches; a network too small cannot reach zero, a larger one does
    assert (rows[:, 3] > rows[:, 5]).all()
    assert rows[0, 6] > 1e-3
    assert rows[2, 6] < 1e-5
    assert (tmp_path / "student.pdf").exists()
    path.write_text(NETWORK.split("teacher")[0])
    with pytest.raises(SystemExit):
        student.main([str(path)])


def test_descent_of_a_parabola():
    class Parabola:
        def energy(self, x):
            return 0.5 * float(x @ x)

        def gradient(self, x):
            return x

    x, energies = student.descend(Parabola(), [1.0], 0.5, [0, 1, 4])
    assert x.tolist() == [1 / 16]
    assert energies.tolist() == [0.5, 0.125, 0.5 / 256]

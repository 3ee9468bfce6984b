"""Closed-form surfaces with known stationary points, through POTENTIAL python as a user has them."""

import numpy as np
import pytest

from common.formats import path_info
from optim.run import run

#: Factories of a user's module: energy and gradient in closed form.
MODULE = '''
import numpy as np


def mueller_brown():
    """Mueller and Brown, Theor. Chim. Acta 53, 75 (1979)."""
    height = np.array([-200.0, -100.0, -170.0, 15.0])
    a, b, c = np.array([-1, -1, -6.5, 0.7]), np.array([0, 0, 11, 0.6]), np.array([-10, -10, -6.5, 0.7])
    x0, y0 = np.array([1, 0, -0.5, -1]), np.array([0, 0.5, 1.5, 1])

    def f(x):
        u, v = x[0] - x0, x[1] - y0
        t = height * np.exp(a * u * u + b * u * v + c * v * v)
        return t.sum(), np.array([(t * (2 * a * u + b * v)).sum(), (t * (b * u + 2 * c * v)).sum()])

    return f, 2, {"step_scale": 0.1}


def adams():
    """Adams, cited by Tsai and Jordan, J. Phys. Chem. 97, 11227 (1993)."""

    def f(p):
        x, y = p
        e = np.exp(-0.25 * (x * x + y * y))
        q = 2 * x * x * (4 - x) + y * y * (4 + y) - x * y * (6 - 17 * e)
        qx = 16 * x - 6 * x * x - y * (6 - 17 * e) - 8.5 * x * x * y * e
        qy = 8 * y + 3 * y * y - x * (6 - 17 * e) - 8.5 * x * y * y * e
        return q, np.array([qx, qy])

    return f, 2, {"step_scale": 0.1}


def cerjan_miller(a, b, c):
    """(a - b y^2) x^2 exp(-x^2) + c y^2 / 2: Cerjan and Miller, J. Chem. Phys. 75, 2800 (1981)."""

    def f(p):
        x, y = p
        e = np.exp(-x * x)
        w = a - b * y * y
        return w * x * x * e + 0.5 * c * y * y, np.array([w * 2 * x * (1 - x * x) * e, -2 * b * y * x * x * e + c * y])

    return f, 2, {"step_scale": 0.1}


def egg_box(n):
    """sum of -cos x_i and a bowl: minima near multiples of 2 pi, transition states at one odd multiple of pi."""

    def f(x):
        return float(np.sum(1 - np.cos(x)) + 0.0005 * x @ x), np.sin(x) + 0.001 * x

    return f, n, {"step_scale": 0.3}
'''

#: factory -> (starting points of the search, energies and places of the transition states)
SADDLES = {
    "mueller_brown": (
        [(-0.75, 0.65), (0.2, 0.35)],
        {-40.66484351: (-0.8220016, 0.6243128), -72.24894011: (0.2124866, 0.2929883)},
    ),
    "cerjan_miller 1 1 1": ([(0.9, 0.1), (-0.9, 0.1)], {0.36787944: (1.0, 0.0)}),
}


def write(directory, text, x):
    (directory / "surfaces.py").write_text(MODULE)
    (directory / "odata").write_text(text + "VARIABLES\n" + "".join(f"{v:.12f}\n" for v in np.ravel(x)))


def search(directory, factory, x, more=""):
    """Triples of BFGSTS from x."""
    lines = f"POTENTIAL python surfaces:{factory}\nBFGSTS 50 5 25 1D-6\nBFGSMIN 1D-9\nMAXSTEP 0.05\nMAXMAX 0.1\nMAXBFGS 0.05\n"
    write(directory, lines + "PUSHOFF 0.01\nPATH 20\nSTEPS 500\n" + more, x)
    assert run(directory) == 0
    return path_info.read(directory / "path.info", np.size(x), n_zero=0)


@pytest.mark.parametrize("how", ["NOHESS", "NOIT"])
@pytest.mark.parametrize("factory", SADDLES)
def test_known_transition_states(factory, how, tmp_path, capsys):
    starts, known = SADDLES[factory]
    found = []
    for x in starts:
        for triple in search(tmp_path, factory, np.array(x), f"{how}\n"):
            ts = triple.transition_state
            assert np.count_nonzero(ts.eigenvalues < 0.0) == 1
            assert max(triple.plus.energy, triple.minus.energy) < ts.energy
            found.append(ts)
    assert len(found) == len(starts)
    for energy, place in known.items():
        assert any(
            abs(t.energy - energy) < 1e-7 and np.allclose(np.abs(t.coordinates), np.abs(place), atol=1e-2) for t in found
        )


#: Saddles of the surface of Adams, beyond which it falls without end.
ADAMS = {(2.0, 0.2): (2.24104, 0.44120, 17.16151190), (0.0, -2.0): (-0.19857, -2.27934, 8.63372803)}


@pytest.mark.parametrize("start", ADAMS)
@pytest.mark.parametrize("how", ["NOHESS", "NOIT"])
def test_saddles_without_a_second_minimum(start, how, tmp_path, capsys):
    lines = f"POTENTIAL python surfaces:adams\nBFGSTS 50 5 25 1D-6\n{how}\nBFGSMIN 1D-9\nMAXSTEP 0.05\nMAXMAX 0.1\n"
    write(tmp_path, lines + "BFGSSTEPS 200\nSTEPS 300\n", start)
    assert run(tmp_path) == 0
    x, y, energy = ADAMS[start]
    assert np.loadtxt(tmp_path / "points.final") == pytest.approx([x, y], abs=1e-4)
    assert float(capsys.readouterr().out.split("Final energy  =")[1].split()[0]) == pytest.approx(energy, abs=1e-7)
    # it is a transition state, but no path: one side has no minimum
    write(tmp_path, lines + "BFGSSTEPS 200\nSTEPS 300\nPATH 5\n", start)
    assert run(tmp_path) == 1
    assert "a downhill path did not converge" in capsys.readouterr().out
    assert not (tmp_path / "path.info").exists()


def test_curvatures_of_the_saddle_of_cerjan_and_miller(tmp_path, capsys):
    triple = search(tmp_path, "cerjan_miller 1 1 1", np.array([0.9, 0.1]))[0]
    values = np.sort(triple.transition_state.eigenvalues)
    # d2/dx2 = -4 a / e and d2/dy2 = c - 2 b / e at (1, 0)
    assert values == pytest.approx([-4.0 / np.e, 1.0 - 2.0 / np.e], abs=1e-5)


@pytest.mark.parametrize("n", [2, 7])
def test_egg_box_has_its_barrier_in_any_dimension(n, tmp_path, capsys):
    x = np.full(n, 0.1)
    x[0] = 3.0
    triple = search(tmp_path, f"egg_box {n}", x)[0]
    assert triple.transition_state.energy == pytest.approx(2.0 + 0.0005 * np.pi**2, abs=1e-4)
    assert sorted((triple.plus.energy, triple.minus.energy)) == pytest.approx([0.0, 0.0005 * (2 * np.pi) ** 2], abs=1e-4)


def test_egg_box_connects_opposite_corners(tmp_path, capsys):
    text = "POTENTIAL python surfaces:egg_box 2\nNEWCONNECT 30 3\nREOPTIMISEENDPOINTS\nBFGSMIN 1D-8\nDUMPPATH\n"
    write(tmp_path, text, np.zeros(2))
    (tmp_path / "finish").write_text("6.28\n6.28\n")
    assert run(tmp_path) == 0
    triples = path_info.read(tmp_path / "path.info", 2, n_zero=0, layout="path")
    assert len(triples) == 2

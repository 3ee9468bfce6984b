"""Cost of one evaluation, from the interface without the GIL, beside its limit or its peer.

Nothing here fails for being slow: the table at the end shows ours, the other, and the ratio, all of one run.
"""

import time

import numpy as np
import pytest
import yardsticks

from potentials.datasets import ljat3
from potentials.datasets.xor import xor_data
from potentials.lj import LennardJones
from potentials.ljat import LennardJonesAxilrodTeller
from potentials.mlp import MultilayerPerceptron
from potentials.pspin import SphericalPSpin
from potentials.regression import NonlinearRegression


def cluster_point(n):
    rng = np.random.default_rng(0)
    side = int(np.ceil(n ** (1 / 3)))
    lattice = np.array(np.unravel_index(np.arange(n), (side,) * 3)).T
    return (1.15 * lattice + rng.uniform(-0.05, 0.05, (n, 3))).ravel()


def network(layers, n_items):
    rng = np.random.default_rng(0)
    return MultilayerPerceptron(layers, rng.random((n_items, layers[0])), rng.integers(0, layers[-1], n_items), 1e-4)


def best_of(function, rounds=50):
    """Least seconds of a call."""
    best = np.inf
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - start)
    return best


@pytest.fixture
def ours(benchmark):
    """Microseconds of an energy and gradient; the benchmark's unit is ``repeats`` calls."""

    def measure(potential, x, repeats):
        benchmark.pedantic(potential.time_calls, (x, repeats), rounds=200, warmup_rounds=2)
        return benchmark.stats.stats.min / repeats * 1e6

    return measure


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    if yardsticks.compiler() is None:
        pytest.skip("no C++ compiler")
    return lambda name, source: yardsticks.build(tmp_path_factory.mktemp("yardsticks"), name, source)


@pytest.fixture(scope="module")
def pair_template(compiled):
    return compiled("pairs", yardsticks.PAIR_TEMPLATE).pair_seconds


# --- Clusters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "aim"), [(13, ""), (38, "2.5, and 1.0 us"), (75, "2.5"), (150, "2.5")])
def test_lj_energy_gradient(ours, compare, pair_template, n, aim):
    potential, x = LennardJones(n), cluster_point(n)
    # rounds well below a millisecond, so that some of them are not disturbed on a machine with other work
    repeats = 40_000 // n**2 + 1
    mine = ours(potential, x, repeats)
    theirs, energy = yardsticks.seconds(pair_template, x, repeats, 500)
    assert energy == pytest.approx(potential.energy(x), rel=1e-12)
    compare(f"LJ{n} energy + gradient", mine, "us", beside="C++ template", that=theirs * 1e6, aim=aim)


def test_lj38_beside_pele(ours, compare):
    x = cluster_point(38)
    mine = ours(LennardJones(38), x, 2000)
    try:
        import pele.potentials as pele
    except ImportError:
        compare("LJ38 energy + gradient", mine, "us", beside="pele (not installed)")
        return
    theirs = pele.LJ()
    best = best_of(lambda: theirs.getEnergyGradient(x), 5000)
    compare("LJ38 energy + gradient", mine, "us", beside="pele, from Python", that=best * 1e6)


@pytest.mark.parametrize("n", [108, 256])
def test_periodic_lj(ours, compare, pair_template, n):
    """The yardstick is the template for the cluster: it has neither images nor a cutoff."""
    side = n ** (1 / 3)
    potential = LennardJones(n, cutoff=min(2.5, 0.5 * side), box=side)
    x = cluster_point(n)
    theirs, _ = yardsticks.seconds(pair_template, x, 2, 500)
    compare(f"periodic LJ, {n} atoms", ours(potential, x, 10), "us", beside="C++ template, cluster", that=theirs * 1e6)


@pytest.mark.parametrize(("n", "aim_us"), [(38, 8.0), (75, None)])
def test_lj_hessian(benchmark, compare, n, aim_us):
    benchmark(LennardJones(n).hessian, cluster_point(n))
    mine = benchmark.stats.stats.min * 1e6
    compare(f"LJ{n} Hessian, from Python", mine, "us", aim="" if aim_us is None else f"{aim_us} us")


@pytest.mark.parametrize("n", [3, 13, 38])
def test_ljat_energy_gradient(ours, compare, n):
    potential, x = LennardJonesAxilrodTeller(n, 2.0), cluster_point(n)
    compare(f"LJAT{n} energy + gradient", ours(potential, x, 500), "us")


def test_ljat38_hessian(benchmark, compare):
    benchmark(LennardJonesAxilrodTeller(38, 2.0).hessian, cluster_point(38))
    compare("LJAT38 Hessian, from Python", benchmark.stats.stats.min * 1e6, "us")


def test_labelled_quenches(benchmark, compare):
    benchmark.pedantic(ljat3.generate, (2 * 3**0.5, 10_000, 1), rounds=3)
    compare("LJAT3, 10,000 labelled quenches", benchmark.stats.stats.min * 1e3, "ms", aim="200,000 in minutes")


# --- Networks --------------------------------------------------------------------------------------------------------


def test_xor_loss_gradient(ours, compare):
    potential = MultilayerPerceptron((2, 6, 2), *xor_data(), 1e-4)
    compare("[2,6,2,4] (XOR) loss + gradient", ours(potential, np.full(potential.n_variables, 0.3), 2000), "us", aim="1 us")


@pytest.mark.parametrize("layers", [(2, 10, 4), (2, 5, 5, 4), (2, 4, 4, 4, 4)], ids=str)
def test_network_loss_gradient(ours, compare, layers):
    potential = network(layers, 1000)
    x = np.random.default_rng(2).uniform(-1, 1, potential.n_variables)
    mine = ours(potential, x, 20)
    name = f"[{','.join(map(str, layers))},1000] loss + gradient"
    try:
        peers = yardsticks.jax_networks(layers, potential.inputs, potential.classes, potential.lam)
    except ImportError:
        compare(name, mine, "us", beside="JAX (not installed)", aim="5")
        return
    for jitted, kind in zip(peers, ("JAX, jitted", "JAX, jitted, items innermost")):
        energy, gradient = jitted(x)
        assert float(energy) == pytest.approx(potential.energy(x), rel=1e-12)
        np.testing.assert_allclose(np.asarray(gradient), potential.gradient(x), atol=1e-12)
        theirs = best_of(lambda jitted=jitted: jitted(x)[1].block_until_ready(), 2000)
        compare(name, mine, "us", beside=kind, that=theirs * 1e6, aim="5")


@pytest.mark.parametrize(("layers", "aim"), [((2, 10, 4), "2 ms"), ((2, 5, 5, 4), ""), ((64, 10, 10), "")], ids=str)
def test_network_hessian(benchmark, compare, layers, aim):
    potential = network(layers, 1000)
    benchmark(potential.hessian, np.full(potential.n_variables, 0.1))
    compare(f"[{','.join(map(str, layers))},1000] Hessian", benchmark.stats.stats.min * 1e3, "ms", aim=aim)


def test_network_hessian_vector(benchmark, compare):
    potential = network((2, 10, 4), 1000)
    x = np.full(potential.n_variables, 0.3)
    benchmark(potential.hessian_vector, x, x)
    compare("[2,10,4,1000] Hessian times vector", benchmark.stats.stats.min * 1e6, "us")


def test_digits_beside_their_matrix_products(ours, compare):
    """[784,10,10,1000] beside the dgemm calls that any implementation needs: forward and backward, both layers."""
    from threadpoolctl import threadpool_limits

    potential = network((784, 10, 10), 1000)
    rng = np.random.default_rng(1)
    inputs = np.ascontiguousarray(potential.inputs.T)
    w2, w1 = rng.normal(size=(10, 784)), rng.normal(size=(10, 10))
    delta, hidden = rng.normal(size=(2, 10, 1000))
    wide, narrow, square = np.empty((10, 1000)), np.empty((10, 784)), np.empty((10, 10))

    def products():
        np.matmul(w2, inputs, out=wide)
        np.matmul(w1, hidden, out=wide)
        np.matmul(w1.T, delta, out=wide)
        np.matmul(delta, hidden.T, out=square)
        np.matmul(delta, potential.inputs, out=narrow)

    with threadpool_limits(1):
        theirs = best_of(products, 200)
    mine = ours(potential, rng.uniform(-0.1, 0.1, potential.n_variables), 1)
    compare("[784,10,10,1000] loss + gradient", mine, "us", beside="its dgemms alone", that=theirs * 1e6, aim="0.77")


@pytest.mark.parametrize("n_items", [20_000, 200_000])
def test_data_larger_than_the_cache(ours, compare, n_items):
    potential = network((2, 10, 4), n_items)
    mine = ours(potential, np.full(potential.n_variables, 0.3), 1)
    compare(f"[2,10,4,{n_items}] loss + gradient, per item", mine / n_items * 1e3, "ns", aim="as with 1000 items")


def test_batch_in_threads(benchmark, compare):
    """One thread beside two, on a batch of 1000 networks."""
    potential = network((2, 10, 4), 1000)
    points = np.random.default_rng(0).normal(size=(1000, potential.n_variables))
    one = best_of(lambda: potential.energy_gradient_batch(points), 10)
    benchmark.pedantic(potential.energy_gradient_batch, (points,), {"threads": 2}, rounds=10)
    mine = benchmark.stats.stats.min
    compare("batch of 1000 networks, two threads", mine * 1e3, "ms", beside="one thread", that=one * 1e3, aim="2")


# --- Others ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [50, 100, 150])
def test_pspin_beside_one_pass(ours, compare, compiled, n):
    """One pass over the symmetrised couplings: the least that any evaluation must read."""
    potential = SphericalPSpin.from_seed(n, 3, 1)
    theirs, _ = yardsticks.seconds(compiled("passes", yardsticks.PASS).pass_seconds, potential.packed, 5, 500)
    mine = ours(potential, potential.random_coordinates(np.random.default_rng(0)), 5)
    name = f"p-spin, N = {n}, energy + gradient"
    compare(name, mine, "us", beside="one pass over the couplings", that=theirs * 1e6, aim="0.5")


def test_pspin_hessian(benchmark, compare):
    potential = SphericalPSpin.from_seed(100, 3, 1)
    benchmark(potential.hessian, potential.random_coordinates(np.random.default_rng(0)))
    compare("p-spin, N = 100, Hessian", benchmark.stats.stats.min * 1e6, "us")


def test_regression(ours, compare):
    potential = NonlinearRegression.from_seed(1)
    compare("regression, 100 points, energy + gradient", ours(potential, [0.1, 2.1, 0.0, 1.3, 0.0], 1000), "us")

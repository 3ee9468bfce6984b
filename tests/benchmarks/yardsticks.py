"""What the potentials are measured beside: small C and C++ programs compiled for the machine at hand, and JAX."""

import ctypes
import shutil
import subprocess
from itertools import pairwise

import numpy as np

#: A pair potential as it is usually written: an array of structures, a loop over pairs, the interaction as a template argument.
PAIR_TEMPLATE = r"""
#include <chrono>
#include <vector>
struct LennardJones {
    double c6 = 4.0, c12 = 4.0;
    double operator()(double r2, double &g) const {
        const double i2 = 1.0 / r2, i6 = i2 * i2 * i2, i12 = i6 * i6;
        g = (12.0 * c12 * i12 - 6.0 * c6 * i6) * i2;
        return c12 * i12 - c6 * i6;
    }
};
template <class Interaction, int dim = 3> class PairPotential {
    Interaction interaction;
public:
    double energy_gradient(const std::vector<double> &x, std::vector<double> &gradient) const {
        const size_t n = x.size() / dim;
        double energy = 0.0;
        std::fill(gradient.begin(), gradient.end(), 0.0);
        for (size_t i = 0; i < n; ++i)
            for (size_t j = 0; j < i; ++j) {
                double d[dim], r2 = 0.0, g;
                for (int k = 0; k < dim; ++k) { d[k] = x[dim * i + k] - x[dim * j + k]; r2 += d[k] * d[k]; }
                energy += interaction(r2, g);
                for (int k = 0; k < dim; ++k) { gradient[dim * i + k] -= g * d[k]; gradient[dim * j + k] += g * d[k]; }
            }
        return energy;
    }
};
extern "C" double pair_seconds(size_t n, const double *from, int repeats, double *energy) {
    const std::vector<double> x(from, from + n);
    std::vector<double> gradient(n);
    const PairPotential<LennardJones> potential;
    const auto start = std::chrono::steady_clock::now();
    for (int k = 0; k < repeats; ++k) { *energy = potential.energy_gradient(x, gradient); asm volatile("" : : : "memory"); }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / repeats;
}
"""

#: One pass over an array: the sum of its squares.
PASS = r"""
#include <chrono>
#include <cstddef>
extern "C" double pass_seconds(size_t n, const double *a, int repeats, double *sum) {
    const auto start = std::chrono::steady_clock::now();
    for (int k = 0; k < repeats; ++k) {
        double s = 0.0;
        #pragma omp simd reduction(+ : s)
        for (ptrdiff_t i = 0; i < (ptrdiff_t)n; ++i) s += a[i] * a[i];
        *sum = s;
        asm volatile("" : : : "memory");
    }
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / repeats;
}
"""

FLAGS = ["-O3", "-march=native", "-fopenmp-simd", "-shared", "-fPIC"]


def compiler():
    """The C++ compiler, or None."""
    return shutil.which("g++") or shutil.which("c++")


def build(folder, name, source):
    """Compile to a shared library and load it."""
    path = folder / f"{name}.cpp"
    path.write_text(source)
    subprocess.run([compiler(), *FLAGS, "-o", str(folder / f"{name}.so"), str(path)], check=True)
    return ctypes.CDLL(str(folder / f"{name}.so"))


def seconds(function, array, repeats, rounds):
    """(best seconds per call, result) of a C function with the signature of the two above."""
    function.restype = ctypes.c_double
    array = np.ascontiguousarray(array, dtype=float).ravel()
    out = ctypes.c_double()
    pointer = array.ctypes.data_as(ctypes.c_void_p)
    best = min(function(ctypes.c_size_t(array.size), pointer, repeats, ctypes.byref(out)) for _ in range(rounds))
    return best, out.value


def jax_networks(layers, inputs, classes, lam):
    """Jitted losses and gradients of a network with tanh layers: x in, (loss, gradient) out.

    The first as one writes it with JAX, the second with the data items innermost and the classes as ones among zeros, which XLA
    likes better.
    """
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    inputs, classes = jnp.asarray(inputs), jnp.asarray(classes)
    columns, targets = jnp.asarray(inputs.T), jax.nn.one_hot(classes, layers[-1], axis=0, dtype=float)

    def parameters(x):
        weight, bias = 0, sum(p * q for p, q in pairwise(layers))
        for n_in, n_out in pairwise(layers):
            yield x[weight : weight + n_in * n_out].reshape(n_out, n_in), x[bias : bias + n_out]
            weight, bias = weight + n_in * n_out, bias + n_out

    def loss(x):
        a = inputs
        for level, (w, b) in enumerate(parameters(x)):
            a = a @ w.T + b
            a = jnp.tanh(a) if level < len(layers) - 2 else a
        return lam * (x @ x) - jax.nn.log_softmax(a)[jnp.arange(len(classes)), classes].mean()

    def loss_by_columns(x):
        a = columns
        for level, (w, b) in enumerate(parameters(x)):
            a = w @ a + b[:, None]
            a = jnp.tanh(a) if level < len(layers) - 2 else a
        return lam * (x @ x) + (jax.nn.logsumexp(a, axis=0) - (a * targets).sum(axis=0)).mean()

    return [jax.jit(jax.value_and_grad(function)) for function in (loss, loss_by_columns)]

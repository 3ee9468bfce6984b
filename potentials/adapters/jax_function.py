"""Scalar functions written in JAX."""

import numpy as np

from common.errors import InputError
from potentials.adapters.differentiated import DifferentiatedFunction


class JaxFunction(DifferentiatedFunction):
    """A scalar function of JAX arrays; gradient and Hessian by automatic differentiation, compiled, in double precision.

    The parameters are those of `DifferentiatedFunction`.

    Raises
    ------
    InputError
        If JAX is not installed.

    Notes
    -----
    Double precision is switched on for the whole process (``jax_enable_x64``): landscapes need it.
    """

    @staticmethod
    def derive(function):
        """``value_and_grad`` and ``hessian``, compiled."""
        try:
            import jax
        except ImportError:
            raise InputError("JAX is not installed; install the extra: pip install 'energy-landscapes[jax]'") from None
        jax.config.update("jax_enable_x64", True)
        value_and_gradient = jax.jit(jax.value_and_grad(function))
        hessian = jax.jit(jax.hessian(function))

        def evaluate(x):
            energy, gradient = value_and_gradient(x)
            return float(energy), np.asarray(gradient)

        return evaluate, lambda x: np.asarray(hessian(x))

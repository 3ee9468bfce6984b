"""Scalar functions written in PyTorch."""

import numpy as np

from common.errors import InputError
from potentials.adapters.differentiated import DifferentiatedFunction


class TorchFunction(DifferentiatedFunction):
    """A scalar function of a float64 PyTorch tensor; gradient and Hessian by automatic differentiation.

    The parameters are those of `DifferentiatedFunction`. Parameters of a model that the function uses should be float64 too
    (``model.double()``).

    Raises
    ------
    InputError
        If PyTorch is not installed.
    """

    @staticmethod
    def derive(function):
        """Gradient by one backward pass, Hessian by ``torch.autograd.functional.hessian``."""
        try:
            import torch
        except ImportError:
            raise InputError("PyTorch is not installed; install the extra: pip install 'energy-landscapes[torch]'") from None

        def evaluate(x):
            point = torch.from_numpy(np.array(x)).requires_grad_(True)
            energy = function(point)
            (gradient,) = torch.autograd.grad(energy, point)
            return float(energy.detach()), gradient.numpy()

        def second(x):
            return torch.autograd.functional.hessian(function, torch.from_numpy(np.array(x))).numpy()

        return evaluate, second

"""Energies from other packages as potentials, for the keyword POTENTIAL and for Python.

atoms           ASE: an Atoms object with a calculator
jax_function    JAX: a scalar function, gradient and Hessian by differentiation
torch_function  PyTorch: the same

None of the packages is imported before an adapter is made; each is an extra (``pip install 'energy-landscapes[ase]'``).
"""

from potentials.adapters.atoms import AtomsPotential
from potentials.adapters.jax_function import JaxFunction
from potentials.adapters.torch_function import TorchFunction

__all__ = ["AtomsPotential", "JaxFunction", "TorchFunction"]

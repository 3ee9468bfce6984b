"""Functions E(x) with energy, gradient and Hessian, their symmetry, and the data sets they are made from.

potential     the interface: C methods without the GIL, Python methods over NumPy arrays
lj, ljat      Lennard-Jones clusters, with the Axilrod-Teller triple term
mlp           training loss of a neural network with any number of hidden layers
regression, pspin, callable   nonlinear regression, the spherical p-spin model, any Python function
network_file  networks and their data described in YAML (keyword MLP)
user_function, adapters   a user's own module (keyword POTENTIAL); ASE, JAX and PyTorch
symmetry      zero modes, alignment of copies, group orders
datasets      generators and data files of the networks
selection     the potential that an input file asks for (keywords.yaml)
characterise  what a stationary point is: index, spectrum, inertia

The arithmetic of ``name.py`` stands in ``_name.pyx`` and, where it is vectorised by hand, in ``_name_template.h``, compiled
once per instruction set (``_simd_instances.h``).
"""

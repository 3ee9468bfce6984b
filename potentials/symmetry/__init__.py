"""Symmetries of the potentials: zero modes, alignment of copies, group orders.

symmetry   the interface and the trivial group
networks   networks of tanh nodes: permutation and sign of hidden nodes
rigid      clusters: translation, rotation, inversion, permutation of like atoms
periodic   like atoms in a periodic box: translation, operations of the box, permutation
point_groups   Schoenflies symbols
stabilisers   copies of a network that coincide
"""

from potentials.symmetry.networks import NetworkNodes
from potentials.symmetry.periodic import PeriodicCluster
from potentials.symmetry.rigid import RigidCluster
from potentials.symmetry.symmetry import NoSymmetry, Symmetry

__all__ = ["NetworkNodes", "NoSymmetry", "PeriodicCluster", "RigidCluster", "Symmetry"]

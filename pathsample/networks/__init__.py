"""The network of a landscape: minima as nodes, an edge where at least one transition state joins two of them.

``measures`` (path lengths, diameter, clustering, hubs) and ``degrees`` (power law or not) of the network of
``landscape.db``, beside random graphs of the same size; ``layout`` and ``drawing`` for the picture; ``graphml`` for other
programs; ``analysis`` is the keyword NETWORK (Ballard et al., Phys. Chem. Chem. Phys. 19, 12585 (2017), section VI).
"""

from pathsample.networks.measures import Measures, adjacency, largest_component, measure, random_graph

__all__ = ["Measures", "adjacency", "largest_component", "measure", "random_graph"]

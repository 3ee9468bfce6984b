"""Kinetics of a database of minima and transition states.

Read from the top: ``analysis`` (what pathdata asks for) -> ``rates`` (the network of rates, as logarithms), ``regrouping``
(groups of minima, sets A and B), ``dijkstra`` with ``paths`` and ``path_through`` (fastest paths and their files),
``graph_transformation`` over ``_graph_transformation`` with ``exact_rates`` (rate constants, passage times and committors by
subtraction-free elimination), ``reduction`` (partial graph transformation), ``spectrum`` with ``first_passage`` and
``eigenmodes`` (relaxation modes, the distribution of passage times), ``kinetic_monte_carlo`` over ``_kmc`` with
``trajectories``, ``first_step`` over ``_relaxation`` (over-relaxation) and ``numbers`` (numbers given by their logarithms).
"""

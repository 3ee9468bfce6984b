"""Kinetics of a database of minima and transition states.

Read from the top: ``analysis`` (what pathdata asks for, and the printed lines) -> ``rates`` (the network of rates, as
logarithms), ``dijkstra`` and ``paths`` (fastest paths and their files), ``graph_transformation`` over
``_graph_transformation`` (exact rate constants, passage times and committors by subtraction-free elimination),
``first_passage`` (the distribution of passage times), ``kinetic_monte_carlo`` over ``_kmc`` (trajectories), ``reduction``
(partial graph transformation) and ``numbers`` (printing of numbers given by their logarithms).
"""

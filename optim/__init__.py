"""optim: geometry optimisation, transition states, pathways and connections between minima.

settings          numerical settings of all searches, with the classic defaults (keyword_settings: from an input)
minimise          quench to a minimum (L-BFGS, finished by Newton steps)
lanczos           lowest eigenvalues of large problems without a Hessian
frames, plot      points along paths, joined; pictures of them
stationary        verification and records of minima and transition states
transition_state  hybrid and full eigenvector-following
dneb              doubly nudged elastic band between two minima
path              the two downhill paths of a transition state: a verified triple
connect           the missing-connection cycle between two minima (NEWCONNECT)
steepest_descent  paths by the method of Page and McIver, or by integration of the steepest-descent equation
graph             which pairs of minima to connect next: Dijkstra with lazy distances
single_ended      transition states around one minimum
samples           transition state searches from random starting points of several kinds, for surveys
jobs              the same as a library: no files, no printing
cli, run          the program ``optim`` (job: its input, report: its lines, output: its files)

Heavy modules are imported from where they live: ``from optim.jobs import connect``.
"""

"""What every program of the suite needs, and no science of one program.

function, lbfgs      smooth functions and the one minimiser
stationary_points    records of minima, transition states and triples
database             ``landscape.db``
keywords             keyword files, from one table per program
formats              the classic text and binary files
executors, progress  many jobs at once, and what the user sees of them
errors, cli          exceptions, exit statuses, the frame of a command-line program
"""

__version__ = "0.1.0"

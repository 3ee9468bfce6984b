"""Data sets for the networks: generators and the data files of the classic programs.

files      reading and writing MLPdata
ljat3      geometries of three atoms and the minimum each relaxes to
xor        the four points of exclusive or
planar     spirals and checkerboard
bundled    iris and digits of scikit-learn
idx        MNIST files
labels     wrong labels on purpose, splits, taught labels
tables     comma-separated tables and NumPy archives
sources    all of these with their options; recipe   training and test data from any of them
``python -m potentials.datasets`` writes data files from the command line.
"""

#!/usr/bin/env bash
# The landscape of a network that predicts which minimum three atoms relax to: data, minima, transition states, graph.
# Runs in the current directory, with the programs of the suite on PATH; about two minutes on two cores.
set -euo pipefail

echo "1. training and test data: minimise 1000 + 1000 random triangles of atoms"
python -m potentials.datasets ljat3 --side 3.4641016 --items 1000 --seed 6 --output MLPdata
python -m potentials.datasets ljat3 --side 3.4641016 --items 1000 --seed 2 --output MLPdata.test

echo "2. gmin: basin-hopping for minima of the training loss"
gmin
grep -E '^database> .* minima added' output

echo "3. pathsample: transition states between them, on all cores"
pathsample > pathsample.out || { status=$?; tail -n 5 pathsample.out; exit "$status"; }
grep -E '^summary> [^m]*(searches|seconds|evaluations)' pathsample.out

echo "4. disconnect: the graph, coloured by the AUC on the test data"
disconnect > disconnect.out || { status=$?; tail -n 5 disconnect.out; exit "$status"; }
grep -E 'read in from' disconnect.out

echo
echo "summary"
grep -E '^summary> (minima|transition|connected|lowest|AUC)' pathsample.out | sed 's/^summary>/ /'
echo "  written in $PWD:"
echo "    output, lowest                    gmin: the search and the lowest minima"
echo "    landscape.db                      all minima, transition states and their AUC"
echo "    min.data ts.data points.min/.ts   the same as text files of the classic programs"
echo "    tree.pdf tree.png tree.svg        the disconnectivity graph"

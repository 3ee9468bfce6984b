#!/usr/bin/env bash
# The numbers of minima and transition states for 1 to 3 hidden nodes and lambda from 1e-1 to 1e-6 (docs/xor.md).
# Usage: run.sh [seed [jobs [bound]]]. Runs in the current directory, with pathsample on PATH.
set -euo pipefail
seed=${1:-1} jobs=${2:-5000} bound=${3:-0.5}

printf '%-14s %-8s %8s %19s %9s\n' 'hidden nodes' lambda minima 'transition states' complete
for nodes in 1 2 3; do
    for lambda in 1D-1 1D-2 1D-3 1D-4 1D-5 1D-6; do
        folder=survey-$nodes-$lambda
        rm -rf "$folder"
        mkdir "$folder"
        sed "s/^XOR .*/XOR $nodes $lambda/" odata.connect > "$folder/odata.connect"
        sed "s/^SEED .*/SEED $seed/; s/^SURVEY [0-9]*/SURVEY $jobs/; s/ 5000 0.5 9$/ 5000 $bound 9/" pathdata > "$folder/pathdata"
        (cd "$folder" && pathsample > pathsample.out)
        minima=$(awk '/^summary> minima /{print $NF}' "$folder/pathsample.out")
        states=$(awk '/^summary> transition states /{print $NF}' "$folder/pathsample.out")
        complete=no
        if grep -q '^survey> complete' "$folder/pathsample.out"; then complete=yes; fi
        printf '%-14s %-8s %8s %19s %9s\n' "$nodes" "$lambda" "$minima" "$states" "$complete"
    done
done

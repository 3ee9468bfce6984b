"""pathsample --job-script: a batch script for Slurm that runs pathsample here and continues until it has ended."""

import os
import shlex
import sys
from pathlib import Path

NAME = "pathsample.slurm"

TEMPLATE = """#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --nodes=1
#SBATCH --ntasks=1
#SBATCH --cpus-per-task={workers}
#SBATCH --mem-per-cpu={memory}M
#SBATCH --time=24:00:00
# pathsample gets SIGTERM five minutes before the time limit: it files what it has found and can be continued
#SBATCH --signal=B:TERM@300
#SBATCH --output=pathsample.slurm-%j.out
#SBATCH --chdir={directory}
# one at a time in this directory
#SBATCH --dependency=singleton
#SBATCH --open-mode=append
##SBATCH --partition=
##SBATCH --account=

export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

{command} &
pid=$!
trap 'kill -TERM "$pid" 2>/dev/null' TERM INT USR1
while kill -0 "$pid" 2>/dev/null; do wait "$pid"; status=$?; done

# 3: stopped with searches left, which the next job continues
if [ "$status" -eq 3 ]; then
    sbatch {script}
fi
exit "$status"
"""


def job_script(setup, script):
    """Text of the batch script.

    Parameters
    ----------
    setup : Setup
    script : str
        Name under which it will be submitted.
    """
    directory = setup.directory.resolve()
    command = Path(sys.argv[0]).resolve()
    if command.name in ("pathsample", "PATHSAMPLE") and os.access(command, os.X_OK):
        words = shlex.quote(str(command))
    else:
        words = f"{shlex.quote(sys.executable)} -m pathsample.cli"
    name = "".join(c if c.isalnum() or c in "-_." else "_" for c in directory.name) or "pathsample"
    return TEMPLATE.format(
        name=name,
        workers=setup.workers,
        memory=1000 if (setup.n_variables or 0) < 1000 else 2000,
        directory=shlex.quote(str(directory)),
        command=words,
        script=shlex.quote(str(directory / script)),
    )


def write_job_script(setup, report):
    """Write the batch script beside pathdata."""
    from common.atomic import atomic_write

    with atomic_write(setup.directory / NAME) as file:
        file.write(job_script(setup, NAME))
    report.line(f"job-script> {NAME} written for {setup.workers} workers; edit time and partition, then: sbatch {NAME}")

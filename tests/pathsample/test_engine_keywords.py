"""The keywords of ENGINE: what they become, and what is wrong with them."""

import time

import pytest

from common.cluster import Cluster, read_cluster, read_time
from common.errors import InputError
from pathsample.engines import allocated_tasks, nodes, seconds_left
from pathsample.setup import read_setup
from tests.pathsample.landscapes import CLUSTER_CONNECT

BASE = "SYSTEM LJ\nNATOMS 7\nSURVEY 8\n"


@pytest.fixture
def setup(tmp_path, monkeypatch):
    for name in ("SLURM_JOB_ID", "PBS_JOBID", "PBS_NODEFILE", "SLURM_JOB_END_TIME", "SLURM_NTASKS", "SLURM_JOB_NUM_NODES"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "odata.connect").write_text(CLUSTER_CONNECT)

    def read(lines):
        (tmp_path / "pathdata").write_text(BASE + lines + "\n")
        return read_setup(tmp_path)

    return read


def test_no_keyword_means_this_machine(setup):
    found = setup("CPUS 3")
    assert found.cluster is None
    assert found.workers == 3


def test_batch_jobs_from_keywords(setup):
    lines = (
        "ENGINE dask pbs\nWORKERJOBS 4 2\nWORKERCPUS 8\nWORKERMEMORY 16GB\nWORKERTIME 06:00:00\nQUEUE long\nACCOUNT chem\n"
        "DIRECTIVE -l feature=x\nDIRECTIVE -m n\nPROLOGUE module load python"
    )
    found = setup(lines)
    assert found.workers == 32
    assert found.cluster == Cluster(
        "PBS", cpus=8, memory="16GB", walltime="06:00:00", minimum=2, maximum=4, queue="long", account="chem",
        directives=("-l feature=x", "-m n"), prologue=("module load python",),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("ENGINE DUSK", r"pathdata:4: .*DASK"),
        ("ENGINE DASK", r"pathdata:4: ENGINE DASK: expected SLURM"),
        ("ENGINE DASK SLURMM", r"pathdata:4: .*did you mean SLURM"),
        ("ENGINE LOCAL 4", r"pathdata:4: .*takes no workers"),
        ("WORKERJOBS 3", r"pathdata:4: .*only for ENGINE DASK"),
        ("ENGINE DASK SLURM\nWORKERJOBS 2 5", r"at least 5 jobs, but at most 2"),
        ("ENGINE DASK SLURM\nWORKERTIME soon", r"walltime soon: expected a time"),
        ("WALLTIME 1:2:3:4", r"pathdata:4: .*expected a time"),
        ("SLURM", r"pathdata:4.*: not in a SLURM job"),
        ("PBS", r"pathdata:4.*: not in a PBS job"),
        ("ENGINE DASK ALLOCATION", r"not in a job of Slurm or PBS"),
        ("ENGINE LOCAL\nSLURM", r"pathdata:5: .*only one keyword"),
        ("ENGINE DASK workers.yaml", r"workers.yaml: no such file"),
    ],
)
def test_bad_keywords(setup, lines, message):
    with pytest.raises(InputError, match=message):
        setup(lines)


def test_settings_from_a_file(setup, tmp_path):
    path = tmp_path / "workers.yaml"
    path.write_text(
        "workers: slurm\ncpus: 4\nmaximum: 3\nwalltime: 1:30:00\nprologue: [module load x]\noptions: {n_workers: 0}\n"
    )
    assert setup("ENGINE DASK workers.yaml").cluster == Cluster(
        "SLURM", cpus=4, maximum=3, walltime="01:30:00", prologue=("module load x",), options={"n_workers": 0}
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("workers: SLURM\ncpu: 4\n", "cpu: unknown key; did you mean cpus"),
        ("cpus: 4\n", "workers: missing; expected SLURM"),
        ("workers: SLURM\ncpus: four\n", "cpus: expected a positive integer, found four"),
        ("workers: SLURM\nprologue: module load x\n", "prologue: expected a list of lines"),
        ("workers: [SLURM\n", "workers.yaml:2: not a YAML file"),
        ("SLURM\n", "expected lines of the form key: value"),
    ],
)
def test_bad_file(tmp_path, text, message):
    path = tmp_path / "workers.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message):
        read_cluster(path)


def test_allocation_of_slurm(setup, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv("SLURM_NTASKS", "1")
    monkeypatch.setenv("SLURM_JOB_CPUS_PER_NODE", "72(x2),36")
    assert allocated_tasks() == 180
    found = setup("SLURM")
    assert (found.cluster, found.workers) == (None, 180)
    monkeypatch.setenv("SLURM_JOB_NUM_NODES", "3")
    assert setup("SLURM").cluster == Cluster("ALLOCATION", cpus=180)
    monkeypatch.setenv("SLURM_NTASKS", "12")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "2")
    assert setup("SLURM").cluster.cpus == 24


def test_allocation_of_pbs(setup, monkeypatch, tmp_path):
    (tmp_path / "nodes").write_text("n1\nn1\nn2\nn2\n")
    monkeypatch.setenv("PBS_JOBID", "7.server")
    monkeypatch.setenv("PBS_NODEFILE", str(tmp_path / "nodes"))
    assert nodes() == 2
    assert setup("PBS").cluster == Cluster("ALLOCATION", cpus=4)
    assert setup("PBS 3").cluster == Cluster("ALLOCATION", cpus=3)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 5400), ("30:00", 1800), ("1:00:00", 3600), ("2-00:00:00", 172800), ("1-6", 108000)]
)
def test_times(text, seconds):
    assert read_time(text) == seconds


def test_time_left(setup, monkeypatch):
    assert seconds_left(setup("").settings) is None
    assert seconds_left(setup("WALLTIME 00:10:00").settings) == 600.0
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time()) + 3600))
    assert 3400 < seconds_left(setup("").settings) < 3500
    assert seconds_left(setup("WALLTIME 5").settings) == 300.0


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ("SLURM", ["#SBATCH -p long", "#SBATCH -A chem", "#SBATCH -t 06:00:00", "#SBATCH --x=1"]),
        ("PBS", ["#PBS -q long", "#PBS -A chem", "#PBS -l walltime=06:00:00", "#PBS --x=1"]),
        ("SGE", ["#$ -q long", "#$ -P chem", "#$ -l h_rt=06:00:00", "#$ --x=1"]),
        ("LSF", ["#BSUB -q long", '#BSUB -P "chem"', "#BSUB -W 06:00", "#BSUB --x=1"]),
    ],
)
def test_head_of_the_batch_script(monkeypatch, tmp_path, system, expected):
    pytest.importorskip("dask_jobqueue")
    from common import dask_engine

    monkeypatch.chdir(tmp_path)
    for command in ("sbatch", "qsub", "bsub"):
        (tmp_path / command).write_text("#!/bin/sh\nexit 0\n")
        (tmp_path / command).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("dask_jobqueue.core.JobQueueCluster.adapt", lambda self, **limits: None)
    monkeypatch.setattr("dask_jobqueue.lsf.lsf_version", lambda: "10", raising=False)
    lines = {"directives": ("--x=1",), "prologue": ("module load python",)}
    cluster = Cluster(system, cpus=2, walltime="06:00:00", queue="long", account="chem", **lines)
    engine = dask_engine.DaskEngine(cluster)
    try:
        script = engine._owned.job_script()
    finally:
        engine.close()
    for line in [*expected, "module load python", "export OMP_NUM_THREADS=1"]:
        assert line in script
    assert "--lifetime" in script

"""A real Slurm of our own for tests: munged, slurmctld and one slurmd a node, on this machine only, without systemd."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import suppress

#: Seconds until all nodes must be idle.
START = 30.0


def find(*names):
    """Path of the first program that is installed."""
    folders = [*os.environ.get("PATH", "").split(os.pathsep), "/usr/sbin", "/usr/local/sbin"]
    for name in names:
        found = shutil.which(name, path=os.pathsep.join(folders))
        if found:
            return found
    return None


def available():
    """Whether the programs of Slurm are installed."""
    return all((find("munged"), find("slurmctld"), find("slurmd"), find("sbatch"), find("srun")))


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Slurm:
    """A Slurm with its files in a directory (of at most 70 characters: it holds Unix sockets)."""

    def __init__(self, directory, nodes=2, cpus=4):
        self.directory = directory
        self.nodes, self.cpus = nodes, cpus
        self.pids = []
        self.environment = {**os.environ, "SLURM_CONF": str(directory / "slurm.conf")}

    def start(self):
        """Start the daemons and wait for the nodes."""
        for name in ("run", "log", "state", "spool"):
            (self.directory / name).mkdir()
        self.directory.chmod(0o711)
        key = self.directory / "munge.key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o600)
        self._daemon(
            find("munged"), "--force", f"--key-file={key}", f"--socket={self.directory}/run/munge.sock",
            f"--pid-file={self.directory}/run/munged.pid", f"--log-file={self.directory}/log/munged.log",
            f"--seed-file={self.directory}/state/munge.seed", "--num-threads=2",
        )  # fmt: skip
        (self.directory / "slurm.conf").write_text(self.configuration())
        # slurmd would look for /sys/fs/cgroup, which a container may not have
        (self.directory / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
        configuration = self.environment["SLURM_CONF"]
        self._daemon(find("slurmctld"), "-f", configuration)
        for number in range(1, self.nodes + 1):
            (self.directory / "spool" / f"n{number}").mkdir()
            self._daemon(find("slurmd"), "-N", f"n{number}", "-f", configuration)
        end = time.monotonic() + START
        while self.run("sinfo", "-h", "-N", "-o", "%T").split() != ["idle"] * self.nodes:
            if time.monotonic() > end:
                logs = "".join(path.read_text(errors="replace")[-1500:] for path in (self.directory / "log").iterdir())
                self.stop()
                raise RuntimeError(f"Slurm did not start:\n{logs}")
            time.sleep(0.2)
        return self

    def configuration(self):
        host, d = socket.gethostname().split(".")[0], self.directory
        lines = [
            "ClusterName=test", f"SlurmctldHost={host}(127.0.0.1)", f"SlurmctldPort={free_port()}",
            "CommunicationParameters=NoCtldInAddrAny,NoInAddrAny", f"SlurmUser={getpass.getuser()}",
            f"SlurmdUser={getpass.getuser()}", "AuthType=auth/munge", "CredType=cred/munge",
            f"AuthInfo=socket={d}/run/munge.sock,cred_expire=5", f"StateSaveLocation={d}/state", f"SlurmdSpoolDir={d}/spool/%n",
            f"SlurmctldPidFile={d}/run/slurmctld.pid", f"SlurmdPidFile={d}/run/slurmd-%n.pid",
            f"SlurmctldLogFile={d}/log/slurmctld.log", f"SlurmdLogFile={d}/log/slurmd-%n.log",
            "ProctrackType=proctrack/pgid", "TaskPlugin=task/none", "SwitchType=switch/none", "MpiDefault=none",
            "MailProg=/bin/true", "JobAcctGatherType=jobacct_gather/none", "AccountingStorageType=accounting_storage/none",
            "SelectType=select/cons_tres", "SelectTypeParameters=CR_CPU", "SchedulerType=sched/backfill",
            "SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,sched_min_interval=0", "JobRequeue=1",
            "ReturnToService=2", "KillWait=2", "InactiveLimit=0", "SlurmdParameters=config_overrides",
        ]  # fmt: skip
        lines += [
            f"NodeName=n{k} NodeHostname={host} NodeAddr=127.0.0.1 Port={free_port()} CPUs={self.cpus} RealMemory=4000"
            for k in range(1, self.nodes + 1)
        ]
        return "\n".join([*lines, "PartitionName=debug Nodes=ALL Default=YES MaxTime=INFINITE State=UP", ""])

    def _daemon(self, *command):
        # each puts itself into the background
        with open(self.directory / "log" / "start.err", "ab") as log:
            subprocess.run(command, env=self.environment, stdout=log, stderr=log, check=True, timeout=20)

    def run(self, *command, directory=None):
        """Output of a command of Slurm."""
        done = subprocess.run(
            command, cwd=directory, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )
        return done.stdout

    def stop(self):
        """End the jobs and the daemons."""
        self.run("scancel", "--quiet", "-u", getpass.getuser())
        pids = []
        for path in sorted((self.directory / "run").glob("*.pid"), reverse=True):
            with suppress(OSError, ValueError):
                pids.append(int(path.read_text()))
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + 10.0
        while time.monotonic() < end and any(os.path.exists(f"/proc/{pid}") for pid in pids):
            time.sleep(0.1)
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

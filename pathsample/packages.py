"""Searches in packages: a worker runs many side by side, so that one device serves what all of them ask for (keyword CUDA).

Each worker of the engine has the device open; several workers share it, and their processors share the work that a device does
not do: alignment, Newton steps, eigenvalues. Which searches are in a package decides nothing about them.
"""

from contextlib import ExitStack

from common.errors import InputError
from common.executors import JobError, Outcome, one_line

#: Searches under way at once where the input gives no number.
DEVICE_JOBS = 256


def check_cuda(setup):
    """Collect what is wrong with CUDA, as far as it is known without a device."""
    from potentials.cuda.batch import check_kernels

    settings = setup.settings
    for name in ("EXEC", "NOPOINTS"):
        if settings.given(name):
            settings.error("CUDA", f"not possible with {name}; remove one of the two")
    if setup.potential is None or setup.external:
        return
    try:
        check_kernels(setup.potential)
    except InputError as error:
        settings.error("CUDA", str(error))


def jobs_per_cycle(settings):
    """Searches of a cycle: JOBSPERCYCLE, or as many as a device runs at once."""
    if settings.given("JOBSPERCYCLE") or not settings.given("CUDA"):
        return settings["JOBSPERCYCLE"].n
    return settings["CUDA"].jobs or DEVICE_JOBS


def check_device(setup):
    """InputError unless the searches can use the device; the kernels are compiled here, before any worker needs them."""
    from optim.on_device import open_device

    with open_device(setup.potential, setup.settings["CUDA"].device):
        pass


def open_for_worker(setup, stack):
    """The `optim.on_device.DeviceServer` of this worker; ``stack`` gives the device back at the end."""
    from optim.on_device import open_device

    return stack.enter_context(open_device(setup.potential, setup.settings["CUDA"].device))


def search_package(*arguments):
    """`pathsample.jobs.search` for several searches at once, in a worker.

    Parameters
    ----------
    *arguments : tuples
        Those of ``search``, one for each.

    Returns
    -------
    list of Outcome
    """
    from dataclasses import replace

    from pathsample import jobs

    server = jobs.server_of_worker()
    outcomes = []
    for ended in server.run_all([jobs.search_steps(*one) for one in arguments]):
        if ended.error is not None:
            outcomes.append(Outcome(error=JobError(one_line(ended.error)), seconds=ended.seconds))
        else:
            # side by side, a search cannot tell its own cost
            value = replace(ended.value, calls=ended.calls, seconds=ended.seconds)
            outcomes.append(Outcome(value=value, seconds=ended.seconds))
    return outcomes


class PackageEngine:
    """An engine whose workers get searches in packages; everything else goes through as it is.

    Parameters
    ----------
    engine : LocalEngine, DaskEngine or MPIEngine
    size : int
        Most searches in a package.
    """

    def __init__(self, engine, size):
        self.engine = engine
        self.size = max(1, size)
        self._stack = ExitStack()

    def __enter__(self):
        self._stack.enter_context(self.engine)
        return self

    def __exit__(self, *exception):
        return self._stack.__exit__(*exception)

    def run(self, function, jobs, **options):
        """See `common.executors.LocalEngine.run`."""
        from pathsample.jobs import search

        if function is not search:
            return self.engine.run(function, jobs, **options)
        return self._run_packages(iter(jobs), options)

    def _run_packages(self, jobs, options):
        for keys, outcome in self.engine.run(search_package, self._packages(jobs), **options):
            ended = outcome.value if outcome.ok else [Outcome(error=outcome.error)] * len(keys)
            yield from zip(keys, ended, strict=True)

    def _packages(self, jobs):
        """Packages of the jobs that there are; None where there are none now."""
        gathered = []
        for job in jobs:
            if job is not None:
                gathered.append(job)
            if len(gathered) == self.size or (job is None and gathered):
                yield tuple(key for key, _ in gathered), tuple(arguments for _, arguments in gathered)
                gathered = []
            elif job is None:
                yield None
        if gathered:
            yield tuple(key for key, _ in gathered), tuple(arguments for _, arguments in gathered)

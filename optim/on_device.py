"""The requests of many searches served by a CUDA device, all of a round in one launch (keyword CUDA).

The device only proposes: what a search makes of its replies (Newton steps, eigenvalues, the ends of paths) is done by the
processor, so that nothing enters a database that was not verified as it is without a device.
"""

from contextlib import contextmanager

import numpy as np

from common.results import Result
from optim._hybrid_ef import MESSAGES, HybridEF
from optim.requests import FindSaddle, GoAhead, Minimise, RelaxBand
from optim.together import run_together

#: Evaluations after which a descent is left to the processor.
DESCENT_CALLS = 20000
#: A descent has come near its end when the gradient has fallen below this fraction of its largest on the way.
DESCENT_END = 0.03


@contextmanager
def open_device(potential, number=None):
    """A `DeviceServer` on a device that is given back at the end.

    Parameters
    ----------
    potential : Potential
    number : int, optional
        Of the device; by default see `potentials.cuda.device.device_number`.

    Raises
    ------
    InputError
        Without pycuda, driver, device or nvcc, or for a potential without kernels.
    """
    from potentials.cuda.device import Device

    device, server = Device(number), None
    try:
        server = DeviceServer(potential, device)
        yield server
    finally:
        if server is not None:
            # its memory goes while the context is there
            server.tasks = None
        device.close()


class DeviceServer:
    """A device, and the potential on it.

    Parameters
    ----------
    potential : Potential
    device : potentials.cuda.device.Device

    Attributes
    ----------
    name : str
        Of the device.
    launches : int
    served : int
        Requests that the device has served.

    Raises
    ------
    InputError
        For a potential without kernels.
    """

    def __init__(self, potential, device):
        from potentials.cuda.tasks import TaskBatch

        self.potential = potential
        self.tasks = TaskBatch(potential, device)
        self.name = device.name
        self.launches = self.served = 0

    def run(self, steps):
        """Run one coroutine to its end and return what it returns: `optim.requests.on_processor` with a device."""
        (ended,) = self.run_all([steps])
        if ended.error is not None:
            raise ended.error
        return ended.value

    def run_all(self, coroutines):
        """Run many side by side; see `optim.together.run_together`."""
        return run_together(coroutines, self.serve, lambda: self.potential.calls)

    def serve(self, requests):
        """(reply or exception, evaluations) for each request."""
        replies = [None] * len(requests)
        # a launch has one set of settings; there are seldom two
        groups = []
        for k, request in enumerate(requests):
            task = self._task(request)
            if task is None:
                replies[k] = self._by_processor(request)
                continue
            for settings, members in groups:
                if settings is request.settings or settings == request.settings:
                    members.append((k, request, task))
                    break
            else:
                groups.append((request.settings, [(k, request, task)]))
        for settings, members in groups:
            self.tasks.do([task for _, _, task in members], settings)
            self.launches += 1
            self.served += len(members)
            for k, request, task in members:
                calls = int(task.numbers["calls"])
                self.potential.count_calls(calls)
                replies[k] = _REPLIES[type(request)](request, task), calls
        return replies

    def _by_processor(self, request):
        before = self.potential.calls
        try:
            reply = request.run()
        except Exception as error:
            reply = error
        return reply, int(self.potential.calls - before)

    @staticmethod
    def _task(request):
        """The task for the device, or None where there is no kernel for what is asked."""
        from potentials.cuda.tasks import BAND, DESCENT, MINIMISATION, SADDLE, Task

        if isinstance(request, RelaxBand):
            rows = np.concatenate([request.band.ends[:1], request.points, request.band.ends[1:]])
            return Task(BAND, rows, {
                "goal": request.rms, "relative": request.relative, "iterations": request.iterations,
                "spring": request.band.spring,
            })  # fmt: skip
        if isinstance(request, FindSaddle):
            if not (isinstance(request.engine, HybridEF) and not request.engine.analytic):
                return None
            settings = request.settings
            return Task(SADDLE, np.array([request.point, request.direction]), {
                "goal": settings.ts_rms, "iterations": settings.ts_iterations, "energy": request.max_energy,
            })  # fmt: skip
        if isinstance(request, GoAhead) and request.lbfgs:
            numbers = {"goal": request.rms, "iterations": request.settings.max_iterations}
            return Task(MINIMISATION, request.point[None], {**numbers, "max_step": request.settings.path_max_step})
        if isinstance(request, GoAhead):
            numbers = {"goal": request.rms, "relative": DESCENT_END, "iterations": DESCENT_CALLS}
            return Task(DESCENT, request.point[None], numbers)
        if isinstance(request, Minimise):
            return Task(MINIMISATION, np.reshape(request.point, (1, -1)), {
                "goal": request.rms, "iterations": request.max_iterations, "max_step": request.settings.max_step,
            })  # fmt: skip
        return None


def _relaxed_band(request, task):
    numbers = task.numbers
    request.band.take(task.rows, task.energies, numbers["spring"])
    status = int(numbers["status"])
    return {
        "images": task.rows, "energies": task.energies, "rms": numbers["rms"], "goal": numbers["goal"],
        "deviation": numbers["deviation"], "iterations": int(numbers["iterations"]), "spring": numbers["spring"],
        "length": numbers["length"], "converged": status == 0, "finite": status != 2,
    }  # fmt: skip


def _found_saddle(_request, task):
    numbers, status = task.numbers, int(task.numbers["status"])
    return {
        "coordinates": task.rows[0], "eigenvector": task.rows[1], "energy": numbers["energy"], "rms": numbers["rms"],
        "eigenvalue": numbers["eigenvalue"], "iterations": int(numbers["iterations"]), "calls": int(numbers["calls"]),
        "status": status, "message": MESSAGES[status],
    }  # fmt: skip


def _gone_ahead(_request, task):
    numbers = task.numbers
    if int(numbers["status"]) == 2:
        return None
    return {
        "coordinates": task.rows[0], "energy": numbers["energy"], "length": numbers["length"],
        "iterations": int(numbers["iterations"]),
    }  # fmt: skip


def _minimised(_request, task):
    from common.lbfgs import MESSAGES as ENDINGS

    numbers, status = task.numbers, int(task.numbers["status"])
    return Result(
        coordinates=task.rows[0], gradient=task.rows[1], energy=numbers["energy"], rms=numbers["rms"], converged=status == 0,
        status=status, message=ENDINGS[status], iterations=int(numbers["iterations"]), calls=int(numbers["calls"]), seconds=0.0,
    )  # fmt: skip


_REPLIES = {RelaxBand: _relaxed_band, FindSaddle: _found_saddle, GoAhead: _gone_ahead, Minimise: _minimised}

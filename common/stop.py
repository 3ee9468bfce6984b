"""The request to end: set by Ctrl-C, SIGTERM or a time limit, obeyed at the next safe point.

The flag belongs to the process, as signals do. Long loops ask `requested` between steps, save what they have and return, or
call `raise_if_requested` where the caller keeps everything found so far.
"""

import os
import signal
import threading
import time

from common.errors import StoppedError

_event = threading.Event()
_state = {"reason": "", "deadline": None}


def requested():
    """Whether this process was asked to end."""
    if _event.is_set():
        return True
    deadline = _state["deadline"]
    if deadline is not None and time.monotonic() >= deadline:
        request("the time limit was reached")
        return True
    return False


def reason():
    """Why: the name of the signal, or the time limit; empty while no request was made."""
    return _state["reason"]


def raise_if_requested():
    """Raise `StoppedError` when this process was asked to end."""
    if requested():
        raise StoppedError(f"stopped: {_state['reason']}")


def request(why="asked to stop"):
    """Ask this process to end at its next safe point."""
    if not _event.is_set():
        _state["reason"] = why
        _event.set()


def wait(seconds):
    """Sleep, but no longer than until a request; returns whether there is one.

    A signal handler cannot wake a lock that holds no timeout on every platform, so the sleep is cut into short ones.
    """
    end = time.monotonic() + seconds
    while not requested():
        left = end - time.monotonic()
        if left <= 0:
            return False
        _event.wait(min(left, 0.2))
    return True


def reset():
    """Forget the request and the time limit (between two calculations in one process)."""
    _event.clear()
    _state["reason"] = ""
    _state["deadline"] = None


def set_time_limit(seconds):
    """Count as a request from ``seconds`` of wall time after this call; None takes the limit away."""
    _state["deadline"] = None if seconds is None else time.monotonic() + seconds


def install():
    """Turn SIGINT, SIGTERM and SIGUSR1 into requests; the second one ends the process at once.

    Batch systems send SIGUSR1 before a time limit where they are told to.

    Only the main thread can do this; elsewhere it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, _on_signal)


def _on_signal(number, frame):
    if _event.is_set() and _state["reason"].startswith("signal"):
        # Whoever asks twice does not want to wait for a safe point: the usual effect of the signal.
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        return
    request(f"signal {signal.Signals(number).name}")

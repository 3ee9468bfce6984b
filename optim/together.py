"""Many coroutines at once: all that they ask for in a round is served together."""

import time
from collections import deque
from dataclasses import dataclass, field

from common.errors import StoppedError
from optim.requests import Together


@dataclass(slots=True)
class Ended:
    """How a coroutine ended.

    Attributes
    ----------
    value : object
        What it returned.
    error : Exception or None
    calls : int
        Evaluations of energy and gradient for it, by the device and by the processor.
    seconds : float
        Time of the processor for it, and its share of the time in which its requests were served.
    """

    value: object = None
    error: Exception | None = None
    calls: int = 0
    seconds: float = 0.0


@dataclass(slots=True, eq=False)
class _Node:
    """A coroutine under way, and the coroutines it waits for."""

    steps: object
    root: Ended
    parent: object = None
    place: int = 0
    waiting: int = 0
    replies: list = field(default_factory=list)
    problem: Exception | None = None


def run_together(coroutines, serve, calls):
    """Run coroutines of `optim.requests` side by side, each to its end.

    Parameters
    ----------
    coroutines : iterable of generators
    serve : callable
        ``serve(requests)`` returns for each request its reply, or an exception to be raised in the coroutine, and the number
        of evaluations that it took.
    calls : callable
        ``calls()`` is the number of evaluations so far, to which the coroutines add what they make themselves.

    Returns
    -------
    list of Ended
        One for each coroutine. Which others run beside it changes nothing about a coroutine.
    """
    ended, ready, asked = [], deque(), []
    for steps in coroutines:
        ended.append(Ended())
        ready.append((_Node(steps, ended[-1]), None, None))
    while ready:
        while ready:
            _advance(*ready.popleft(), ready, asked, calls)
        if asked:
            began = time.perf_counter()
            replies = serve([request for _, request in asked])
            share = (time.perf_counter() - began) / len(asked)
            for (node, _), (reply, count) in zip(asked, replies, strict=True):
                node.root.calls += count
                node.root.seconds += share
                failed = isinstance(reply, Exception)
                ready.append((node, None, reply) if failed else (node, reply, None))
            asked.clear()
    return ended


def _advance(node, reply, problem, ready, asked, calls):
    """Let one coroutine go on until it asks for something or ends."""
    began, before = time.perf_counter(), calls()
    try:
        request = node.steps.send(reply) if problem is None else node.steps.throw(problem)
    except StopIteration as end:
        _deliver(node, end.value, None, ready)
    except StoppedError:
        raise
    except Exception as error:
        _deliver(node, None, error, ready)
    else:
        if not isinstance(request, Together):
            asked.append((node, request))
        elif not request.steps:
            ready.append((node, [], None))
        else:
            node.replies, node.problem, node.waiting = [None] * len(request.steps), None, len(request.steps)
            ready.extend((_Node(steps, node.root, node, k), None, None) for k, steps in enumerate(request.steps))
    node.root.seconds += time.perf_counter() - began
    node.root.calls += calls() - before


def _deliver(node, value, error, ready):
    """Hand the end of a coroutine to the one that waits for it."""
    parent = node.parent
    if parent is None:
        node.root.value, node.root.error = value, error
        return
    parent.replies[node.place] = value
    if error is not None and parent.problem is None:
        parent.problem = error
    parent.waiting -= 1
    if parent.waiting == 0:
        ready.append((parent, None, parent.problem) if parent.problem is not None else (parent, parent.replies, None))

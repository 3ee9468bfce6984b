"""pathsample --status: one page about a database, also while a run is writing to it."""

import os
import socket
from datetime import UTC, datetime

import numpy as np

#: Cycles from which the rate of discovery is measured.
RECENT = 20


def running(run):
    """Whether the process of a recorded run is still alive; None when it is on another machine."""
    if run["status"] != "running":
        return False
    if run["host"] != socket.gethostname():
        return None
    try:
        os.kill(int(run["process"]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def hours_between(first, last):
    """Hours from one time in words to another."""
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds() / 3600.0


def status_lines(setup, database, now=None):
    """The page.

    Parameters
    ----------
    setup : Setup
    database : Database
        Opened for reading.
    now : str, optional
        The time, ISO 8601.

    Returns
    -------
    list of str
    """
    from pathsample import estimates
    from pathsample.network import Network
    from pathsample.summary import between_endpoints

    now = now or datetime.now(UTC).isoformat(timespec="seconds")
    lines = [f"status> {database.path}: {database.n_minima} minima, {database.n_transition_states} transition states"]
    if database.n_minima:
        network = Network(database, setup.symmetry)
        connected = int(np.count_nonzero(network.connected_set()))
        share = connected / database.n_minima
        lines.append(f"status> lowest energy {network.energies.min():.10f} (minimum {network.global_minimum})")
        lines.append(f"status> connected with the reference minimum {connected} ({100.0 * share:.1f} %)")
        between = between_endpoints(setup, database, network)
        lines.append(between.replace("summary>", "status>") if between else "status> no sets A and B")
    counts = database.job_counts()
    text = ", ".join(f"{counts.get(state, 0)} {state}" for state in ("waiting", "running", "held", "done", "failed"))
    lines.append(f"status> jobs: {text}")
    lines += run_lines(database, setup, now)
    rows = database.cycles()
    if rows:
        lines += rate_lines(rows)
    found = estimates.survey_estimates(database)
    if found["searches"] >= 2:
        lines.append(estimates.line(found).replace("survey>", "status>"))
    lines += [f"status> {count:6d} searches: {reason}" for reason, count in database.failure_reasons()[:4]]
    return lines


def run_lines(database, setup, now):
    """The last run, and whether it is still at work."""
    runs = database.runs()
    if not runs:
        return ["status> no run was recorded"]
    last = runs[-1]
    alive = running(last)
    where = f"process {last['process']} on {last['host']}"
    if alive:
        state = f"running for {hours_between(last['started'], now):.2f} h, {where}, {setup.workers} workers"
    elif alive is None:
        state = f"running by its own word, {where}"
    elif last["status"] == "running":
        state = f"was killed ({where}); start {last['program']} again to continue"
    else:
        state = f"{last['status']} at {last['finished']}"
    return [f"status> last run: {last['program']} of {last['started']}, {state}"]


def rate_lines(rows):
    """Discovery over the last cycles."""
    last = rows[-1]
    text = [f"status> cycle {last['cycle']} ended {last['time']} after {last['searches']} searches"]
    first = rows[-min(len(rows), RECENT + 1)]
    hours = hours_between(first["time"], last["time"])
    if len(rows) > 1 and hours > 0.0:
        new = [last[name] - first[name] for name in ("searches", "minima", "transition_states")]
        per_hour = [count / hours for count in new]
        text.append(
            f"status> last {len(rows[-RECENT - 1:]) - 1} cycles: {per_hour[0]:.0f} searches, {per_hour[1]:.1f} new minima and "
            f"{per_hour[2]:.1f} new transition states per hour"
        )
    return text

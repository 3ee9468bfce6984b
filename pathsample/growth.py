"""Growth in cycles: choose searches, run them on the engine, file what they found.

The order that makes a run repeatable
-------------------------------------
Job k draws its random numbers from child k of the seed. Results are filed in order of k; one that comes early is held in
the database until its turn. The searches of cycle c are chosen when everything up to cycle c - d has been filed and nothing
later, while the workers are busy with the d - 1 cycles before it. The depth d depends on the strategy, on JOBSPERCYCLE and on
c. So the database depends on the input and the seed, not on the number of workers or their speed.

What survives a kill
--------------------
The plan of a cycle is one transaction, and so is the result of a job with its change of state. A run that is started again with
the same input finds the plan, the jobs that wait and the results that are held, and continues where the other one was killed.
"""

import json
import time
from collections import Counter, deque
from dataclasses import dataclass, field

import numpy as np

from common import stop
from common.errors import StoppedError
from pathsample import estimates
from pathsample.change import changed_setup
from pathsample.known import Known
from pathsample.network import Network
from pathsample.packages import jobs_per_cycle
from pathsample.pairs import NewConnections, Task, never_tried
from pathsample.strategies import make_strategy
from pathsample.summary import size_lines

#: Keywords that are taken over after a cycle.
CHANGE = "pathdata.change"
#: Name of the record of the growth under way, in the meta table.
META = "growth"
#: Keywords that make a growth the same one when it is resumed.
SIGNATURE = (
    "SURVEY", "CYCLES", "JOBSPERCYCLE", "CUDA", "SEED", "CONNECTPAIRS", "CONNECTUNC", "CONNECTREGION", "DIJINITCONT",
    "DIJINITSTART", "DIJPAIR", "SHORTCUT", "UNTRAP", "FREEPAIRS", "USEPAIRS", "NEWCONNECTIONS", "CONNECTIONS", "PAIRLIST",
)  # fmt: skip


@dataclass
class Growth:
    """Counts of one run.

    Attributes
    ----------
    new_minima, new_transition_states : int
    searches, connected : int
    reasons : Counter
        Why searches failed.
    calls : int
        Energy and gradient evaluations.
    search_seconds, seconds : float
        Time in searches, summed over workers, and time on the clock.
    """

    new_minima: int = 0
    new_transition_states: int = 0
    searches: int = 0
    connected: int = 0
    reasons: Counter = field(default_factory=Counter)
    calls: int = 0
    search_seconds: float = 0.0
    seconds: float = 0.0

    def lines(self):
        """Lines of the summary."""
        lines = [
            f"summary> searches in this run                  {self.searches:12d}, {self.connected} of them successful",
            f"summary> new minima, new transition states     {self.new_minima:12d}{self.new_transition_states:12d}",
            f"summary> energy and gradient evaluations       {self.calls:12d}",
            f"summary> seconds searching, on the clock       {self.search_seconds:12.1f}{self.seconds:12.1f}",
        ]
        lines += [f"summary> {count:6d} searches: {reason}" for reason, count in self.reasons.most_common(6)]
        return lines


class Growing:
    """One growth: the plan, the open jobs, the network and the counts.

    Parameters
    ----------
    setup : Setup
    database : Database
    engine : LocalEngine
    report : Report
    continued : bool
        Whether the last run here did not come to its end; a growth that it had finished is then not repeated.
    """

    def __init__(self, setup, database, engine, report, continued=False):
        self.continued = continued
        self.database, self.engine, self.report = database, engine, report
        self.network = Network(database, setup.symmetry)
        self.known = Known(database, self.network)
        self.take_setup(setup)
        self.growth = Growth()
        self.estimates = None
        self.on_target = False
        self.state = None
        self.open = {}
        self.queue = deque()
        self.started = time.monotonic()

    def take_setup(self, setup):
        """Follow the input: at the beginning, and after pathdata.change."""
        self.setup = setup
        self.settings = settings = setup.settings
        self.strategy = make_strategy(setup)
        self.network.attempted |= never_tried(setup, self.network)
        self.per_cycle = jobs_per_cycle(settings)
        self.survey = settings.given("SURVEY")
        self.filters = dict(setup.filters)
        if not (settings.given("EVCUT") or setup.external):
            # the default is meant for path.info files; our own searches have checked the index of every point
            self.filters["eigenvalue_cut"] = None
        self.followers = self._follow_up()

    def _follow_up(self):
        """CONNECTIONS beside another strategy: searches from the minima that this growth finds."""
        settings = self.settings
        wanted = settings["CONNECTIONS"].n
        if settings.given("CONNECTIONS") and wanted >= 2 and self.strategy.keyword != "NEWCONNECTIONS":
            return NewConnections(wanted, settings["CONNECTIONS"].attempts, self.database.n_minima + 1)
        return None

    # The plan

    def signature(self):
        """The lines of pathdata that make this growth what it is."""
        values = {}
        for name in SIGNATURE:
            if self.settings.given(name):
                values[name] = [vars(v) for v in self.settings.all(name)]
        return json.loads(json.dumps(values))

    def begin(self):
        """Start a plan, or take up the one of a run that was interrupted."""
        found = self.database.meta(META)
        if found and not found["finished"] and found.get("change"):
            self.apply_change(found["change"])
        same = bool(found) and found["signature"] == self.signature()
        if same and found["finished"] and self.continued:
            self.state = found
            self.report.line("cycle2> the interrupted run had finished its growth")
        elif same and not found["finished"]:
            self.state = found
            waiting = self.database.jobs("waiting") + self.database.jobs("held")
            if self.followers is not None:
                self.followers.start = found["first_minimum"]
            for job in sorted(waiting, key=lambda job: job.id):
                self._open(job)
            self.report.line(
                f"cycle2> resuming the interrupted growth: {found['cycles']} cycles planned, {len(self.open)} searches open"
            )
            self.network.refresh()
            if self.open and not self._cycle_has_begun():
                # killed between the end of a cycle and the plan that follows it
                self.plan_ahead()
            self.file_held()
        else:
            dropped = self.database.drop_jobs()
            self.database.file_held()
            if dropped:
                self.report.line(f"cycle2> {dropped} searches of an interrupted growth with other settings were dropped")
            self.state = {
                "signature": self.signature(),
                "cycles": 0,
                "jobs": 0,
                "first_minimum": self.database.n_minima + 1,
                "first_job": self.database.last_job + 1,
                "finished": False,
                "counts": {},
            }
            self.database.set_meta(META, self.state)
            self.network.refresh()

    def _cycle_has_begun(self):
        """Whether a job of the first open cycle was filed; jobs are filed in order."""
        first = min(self.open)
        before = self.database.job_before(first, self.state.get("first_job", 1))
        return before is not None and before.payload["cycle"] == self.open[first].payload["cycle"]

    def _open(self, job):
        self.open[job.id] = job
        if job.state == "waiting":
            self.queue.append(job)

    def exhausted(self):
        """Whether the budget is spent, or the rates have reached their targets."""
        if self.on_target:
            return True
        if self.survey:
            limit = self.settings["SURVEY"]
            late = limit.minutes is not None and time.monotonic() - self.started > 60.0 * limit.minutes
            return late or self.state["jobs"] >= limit.searches or self.complete()
        return self.state["cycles"] >= self.settings["CYCLES"].n

    def complete(self):
        """Whether the estimated numbers of unseen minima and transition states are below the bound of SURVEY."""
        bound = self.settings["SURVEY"].bound
        if bound is None or not self.state["jobs"]:
            return False
        if self.estimates is None:
            self.estimates = estimates.survey_estimates(self.database)
        return estimates.below(self.estimates, bound)

    def choose(self, pending, count):
        """Searches from the strategy, or from the list of pairs that PAIRLIST keeps for several cycles."""
        cycles = self.settings["PAIRLIST"].cycles
        kept = [Task(*entry) for entry in self.state.get("pairs", ())]
        if cycles > 1 and not kept:
            kept = self.strategy.choose(self.network, pending, cycles * count)
            self.state["listed"] = len(kept)
        elif cycles <= 1:
            kept = self.strategy.choose(self.network, pending, count)
            self.state["listed"] = len(kept)
        tasks, rest = kept[:count], kept[count:]
        self.state["pairs"] = [[task.kind, task.first, task.second, task.attempt] for task in rest]
        self.report.lines(self.listing_lines(tasks, len(rest)))
        return tasks

    def listing_lines(self, tasks, remaining):
        """The classic lines of strategies that rank pairs."""
        listing = getattr(self.strategy, "listing", None)
        if listing is None or not tasks:
            return []
        total = self.state["listed"]
        lines = []
        if len(tasks) + remaining == total:
            lines.append("getupair> saved minima pairs and barriers:")
            lines += [f"{i:8d}{j:8d}{value:20.10f}" for i, j, value in listing]
        used = total - len(tasks) - remaining
        ends = {(min(i, j), max(i, j)): (i, j) for i, j, _ in listing}
        for task in tasks:
            used += 1
            i, j = ends.get(task.pair, task.pair)
            lines.append(
                f"getupair> connecting minima {i:8d} and {j:8d} pairs used={used:8d} remaining={total - used:8d} "
                f"total pairs={total:8d}"
            )
        return lines

    def plan(self):
        """Choose the searches of the next cycle and write them into the job table; returns how many."""
        pending = [_task(job) for job in self.open.values()]
        count = self.per_cycle
        if self.survey:
            count = min(count, self.settings["SURVEY"].searches - self.state["jobs"])
        tasks = self.choose(pending, count)
        if self.followers is not None:
            tasks += self.followers.choose(self.network, pending + tasks, max(self.per_cycle - len(tasks), self.per_cycle // 2))
        if not tasks:
            return 0
        self.state["cycles"] += 1
        self.state["jobs"] += len(tasks)
        cycle = self.state["cycles"]
        payloads = [
            (task.kind, {"first": task.first, "second": task.second, "attempt": task.attempt, "cycle": cycle}) for task in tasks
        ]
        for kind, payload in payloads:
            if kind == "sample":
                # what is known now, not when the job is started, or the database would depend on the number of workers
                payload |= {"minima": self.network.n_minima, "states": len(self.network.plus)}
        with self.database.transaction():
            ids = self.database.add_jobs(payloads, seed=self.setup.seed)
            self.database.set_meta(META, self.state)
        for number in ids:
            self._open(self.database.job(number))
        return len(tasks)

    def plan_ahead(self):
        """Plan cycles as far ahead as the strategy allows, or until the budget is spent; False when nothing is left to do."""
        while not self.exhausted():
            depth = self.strategy.depth(self.per_cycle, self.state["cycles"])
            if len({job.payload["cycle"] for job in self.open.values()}) >= depth or not self.plan():
                break
        return bool(self.open)

    # The work

    def arguments(self, job):
        """(key, arguments) of a job for the engine."""
        first = self.database.minimum(job.payload["first"])
        second = self.database.minimum(job.payload["second"])
        known = (self.known.points(job),) if job.kind == "sample" else ()
        return job.id, (job.kind, job.child, self.setup.seed, first, second, job.payload["attempt"], *known)

    def feed(self):
        """The jobs for the engine while any are open; None where all are under way and more may be planned when one ends."""
        while self.open and not stop.requested():
            yield self.arguments(self.queue.popleft()) if self.queue else None

    def finished(self, number, outcome):
        """Take in one outcome: file it, or hold it until its turn; then plan what has become due."""
        job = self.open[number]
        result = {"attempt": _attempt(job), **self.filters}
        if outcome.error is not None:
            result.update(status="failed", summary={"reason": outcome.error.reason})
            triples = ()
        else:
            found = outcome.value
            triples = found.triples
            if found.minima:
                result["minima"] = found.minima
            if found.samples is not None:
                result["samples"] = found.samples
            result.update(
                status="connected" if found.connected else (found.message or "not connected"),
                summary={
                    "connected": found.connected, "message": found.message, "calls": found.calls, "process": found.process,
                },
                seconds=found.seconds,
            )  # fmt: skip
        # filed at once when every earlier job is done, held in the database otherwise
        if number == min(self.open):
            self.filed(number, self.database.finish_job(number, triples, **result))
        else:
            self.database.hold_job(number, triples, **result)
        self.file_held()

    def file_held(self):
        """File the held results whose turn has come, no further than the end of a cycle at a time: a plan is made there."""
        while self.open:
            first = self.open[min(self.open)].payload["cycle"]
            last = max(number for number, job in self.open.items() if job.payload["cycle"] == first)
            filed = self.database.file_held(up_to=last)
            if not filed:
                break
            for number, added in filed:
                self.filed(number, added)

    def filed(self, number, added):
        """Count and print what a filed job brought; after the last of its cycle plan the next cycle."""
        job = self.open.pop(number)
        done = self.database.job(number)
        summary = done.summary or {}
        growth = self.growth
        growth.searches += 1
        growth.connected += bool(summary.get("connected"))
        growth.calls += summary.get("calls", 0)
        growth.search_seconds += done.seconds if done.seconds == done.seconds else 0.0
        growth.new_minima += len(added.new_minima)
        growth.new_transition_states += len(added.new_transition_states)
        if not summary.get("connected"):
            growth.reasons[summary.get("message") or summary.get("reason") or "not connected"] += 1
        cycle = job.payload["cycle"]
        counts = self.state["counts"].setdefault(str(cycle), [0, 0])
        counts[0] += len(added.new_minima)
        counts[1] += len(added.new_transition_states)
        self.report.line(
            f"cycle2> analysing result of search {number:8d} on CPU {(number - 1) % self.setup.workers + 1:8d} "
            f"for process id {summary.get('process', 0):8d}"
        )
        skipped = [message for message in added.messages if "writing data" in message or self.settings.given("DEBUG")]
        self.report.lines(skipped)
        if not any(other.payload["cycle"] == cycle for other in self.open.values()):
            self.end_of_cycle(cycle)

    def end_of_cycle(self, cycle):
        """Print the classic line and plan ahead, from exactly this state of the database."""
        new_minima, new_ts = self.state["counts"].pop(str(cycle), (0, 0))
        self.report.line(
            f"cycle2> end of cycle {cycle:8d} new min={new_minima:8d} new ts={new_ts:8d} "
            f"total min={self.database.n_minima:8d} total ts={self.database.n_transition_states:8d}"
        )
        self.network.refresh()
        self.estimates = estimates.survey_estimates(self.database)
        connected = int(np.count_nonzero(self.network.connected_set()))
        self.database.record_cycle(cycle, self.estimates["searches"], connected, estimates.plain(self.estimates))
        if self.survey:
            self.report.line(estimates.line(self.estimates))
        if self.settings.given("PRINTSUMMARY"):
            self.report.lines(size_lines(self.setup, self.database, self.network))
        if any(self.settings.given(name) for name in ("RATESCYCLE", "TARGETRATES", "PFOLD", "GT")):
            from pathsample.kinetics.analysis import after_cycle

            self.on_target = after_cycle(self.setup, self.database, cycle, self.report) or self.on_target
        self.read_change()
        self.plan_ahead()

    def read_change(self):
        """Follow pathdata.change, where it is there and differs from what was read before."""
        path = self.setup.path(CHANGE)
        try:
            text = path.read_text(encoding="utf-8")
        except OSError:
            return
        if text != self.state.get("change"):
            self.apply_change(text)
            self.state["change"], self.state["signature"] = text, self.signature()
            self.database.set_meta(META, self.state)

    def apply_change(self, text):
        """Take over the keywords of a change; one with a problem changes nothing."""
        setup, lines = changed_setup(self.setup, text)
        self.report.lines(lines)
        if setup is not None:
            self.take_setup(setup)

    def run(self):
        """Grow until the budget is spent, nothing is left to do, or a stop is requested.

        Returns
        -------
        Growth

        Raises
        ------
        StoppedError
            After a signal; everything found so far is in the database and the run can be resumed.
        """
        from common.progress import progress
        from pathsample.jobs import search

        self.begin()
        total = self.settings["SURVEY"].searches if self.survey else self.settings["CYCLES"].n * self.per_cycle
        with progress(total, "searches") as bar:
            while not (stop.requested() or self.state["finished"]) and (self.open or self.plan_ahead()):
                for number, outcome in self.engine.run(search, self.feed()):
                    self.finished(number, outcome)
                    bar.update(1, minima=self.database.n_minima, ts=self.database.n_transition_states)
        self.growth.seconds = time.monotonic() - self.started
        if self.open:
            raise StoppedError(
                f"stopped ({stop.reason()}) with {len(self.open)} searches open; "
                "everything found is in the database, and pathsample continues from here when it is started again"
            )
        if self.survey and self.complete():
            bound = self.settings["SURVEY"].bound
            self.report.line(f"survey> complete: fewer than {bound:g} minima and fewer than {bound:g} ts are unseen (95 %)")
        self.state["finished"] = True
        self.database.set_meta(META, self.state)
        return self.growth


def dummy_run(setup, database, report):
    """DUMMYRUN: print the searches that the first cycle would make."""
    network = Network(database, setup.symmetry)
    network.attempted |= never_tried(setup, network)
    tasks = make_strategy(setup).choose(network, [], jobs_per_cycle(setup.settings))
    for task in tasks:
        if task.kind == "connect":
            distance = network.distance(*task.pair)
            report.line(f"getupair> connecting minima {task.first:8d} and {task.second:8d} distance={distance:20.10f}")
        elif task.kind == "sample":
            report.line("getupair> searches from random starting points")
        else:
            report.line(f"getupair> single-ended search {task.attempt + 1:6d} from minimum {task.first:8d}")
    if not tasks:
        report.line("getupair> nothing left to search")
    return tasks


def _task(job):
    payload = job.payload
    return Task(job.kind, payload["first"], payload["second"], payload["attempt"])


def _attempt(job):
    """What to write into the table of attempts: a pair, one minimum for a single-ended search, None for samples."""
    if job.kind == "sample":
        return None
    return (job.payload["first"],) if job.kind == "single" else (job.payload["first"], job.payload["second"])

"""The program: read the input, do the job, print the result lines, write the files."""

import time

import numpy as np

from common import stop
from common.errors import EXIT_DONE, EXIT_GOAL_NOT_REACHED, EXIT_STOPPED, ConvergenceError, InputError
from optim import output
from optim.connect import Connector, ConnectResult, as_minimum
from optim.job import NO_MINIMISATION, read_job
from optim.minimise import quench
from optim.path import follow_path
from optim.report import Report, rms_of
from optim.stationary import characterise_minimum
from optim.transition_state import locate, searcher


def run(directory=".", suffix="", check=False, command="optim", *, plot=False):
    """Run ``optim`` in a directory.

    Parameters
    ----------
    directory : str or Path
    suffix : str
        ``odata.suffix`` and so on.
    check : bool
        Validate the input and stop.
    command : str
        What the user typed, for the head of the output.
    plot : bool
        Draw the paths.

    Returns
    -------
    int
        0 done (connected, converged), 1 not, 3 stopped at the time limit or by a signal.
    """
    job = read_job(directory, suffix)
    if check:
        print(f"odata{job.suffix}: {job.kind}, {job.potential.n_variables} variables, no problems")
        return EXIT_DONE
    if not job.keywords.given("CUDA"):
        return work(job, command, plot)
    from optim.on_device import open_device

    # before anything is written: what is missing for the device is an error of the input
    with open_device(job.potential, job.keywords["CUDA"].device) as server:
        job.serve = server.run
        return work(job, command, plot, server)


def work(job, command, plot, server=None):
    """Do a checked job; arguments and result as for `run`, ``server`` the `optim.on_device.DeviceServer` of CUDA."""
    from common import __version__

    started = time.perf_counter()
    report = Report(job.settings)
    report.line(f" optim (energy-landscapes) {__version__}: {command}")
    for line in job.keywords.echo():
        report.line(f" input> {line}")
    _head(job, report)
    job.plot = plot
    job.settings.frames = _frames_to_record(job)
    methods = {
        "connect": connect, "band": band, "interpolate": interpolate, "redo": redo, "minimise": minimum,
        "transition state": transition_state,
    }  # fmt: skip
    method = methods.get(job.kind, saddle)
    status = EXIT_DONE
    if job.keywords.given("TIMELIMIT"):
        stop.set_time_limit(job.keywords["TIMELIMIT"].seconds)
    for k, start in enumerate(job.starts):
        if stop.requested():
            break
        if len(job.starts) > 1:
            report.line(f" OPTIM> job {k + 1} of {len(job.starts)}")
        finish = None if job.finishes is None else job.finishes[k]
        if not method(job, report, start, finish):
            status = EXIT_GOAL_NOT_REACHED
    if server is not None:
        report.line(f" OPTIM> {server.served} bands, searches and descents on {server.name} in {server.launches} launches")
    report.end(started, job.potential, job.starts[0])
    if stop.requested():
        report.line(f" OPTIM> stopped: {stop.reason()}")
        return EXIT_STOPPED
    return status


def _frames_to_record(job):
    """Frames kept on each side: more than are written, so that PATH can choose."""
    wanted = job.settings.frames
    return 0 if wanted == 0 and not job.plot else max(4 * wanted, 200)


def _head(job, report):
    n = job.potential.n_variables
    count = len(job.symbols) or n
    report.line(f" getparams> Number of atoms (or variables)  determined as {count:6d}")
    if job.symbols:
        z = getattr(job.potential, "z", 0.0)
        if job.finishes is not None:
            report.line(f" fetchz> Coordinates of second point read from file finish{job.suffix}")
        report.line(
            f" fetchz> {n:4d} Cartesian coordinates will be optimised for {count:4d} Lennard-Jones+Axilrod-Teller atoms"
        )
        report.line(f" fetchz> Axilrod-Teller Z*={z:12.8f}")


# --- minimisation -----------------------------------------------------------------------------------------------------


def minimise_point(job, report, x):
    """Minimise with a line per step; (Minimum, Result)."""
    from optim._descent import trace

    potential, settings = job.potential, job.settings
    steps = trace(potential, x, settings, settings.rms)
    report.minimisation(steps["energies"], steps["rms"], len(steps["energies"]) - 1, steps["steps"])
    output.write_energies(job, steps["energies"])
    result = quench(potential, steps["coordinates"], settings)
    if not result.converged:
        report.line(f" mylbfgs> Not converged: {result.message}, RMS force={result.rms:.6e}")
        raise ConvergenceError(f"the minimisation did not converge: {result.message} (RMS force {result.rms:.3g})")
    point = characterise_minimum(potential, result.coordinates, result.energy, settings)
    report.line(f" OPTIM> Minimum verified: energy={point.energy:24.14f}, no negative eigenvalue")
    if job.symbols:
        report.point_group(point)
    report.converged()
    return point


def minimum(job, report, start, _finish=None):
    """BFGSMIN, SEARCH 0."""
    e, g = job.potential.energy_gradient(start)
    report.line(f" OPTIM> Initial energy={e:20.10f} RMS force={rms_of(g):20.10e}")
    if job.settings.rms >= NO_MINIMISATION:
        _end_hessian(job, report, start)
        output.write_final_point(job, start, e)
        return True
    try:
        point = minimise_point(job, report, start)
    except ConvergenceError as error:
        report.line(f" OPTIM> {error}")
        return False
    report.line(f" OPTIM> Final energy  ={point.energy:20.10f}")
    _end_hessian(job, report, point.coordinates)
    if job.keywords.given("DUMPDATA"):
        output.append_minima(job, [point])
    output.write_final_point(job, point.coordinates, point.energy)
    return True


def _end_hessian(job, report, x):
    """ENDHESS, ENDNUMHESS: eigenvalues of the Hessian at the end."""
    from potentials.characterise import hessian_spectrum

    given = job.keywords.given
    if not (given("ENDHESS") or given("ENDNUMHESS") or given("ENDNUMHESS2")):
        return
    hessian = None
    if given("ENDNUMHESS2"):
        hessian = numerical_hessian(job.potential, x, job.keywords["ENDNUMHESS2"].step)
    elif given("ENDNUMHESS"):
        hessian = numerical_hessian(job.potential, x)
    values = hessian_spectrum(job.potential, x, hessian=hessian).all_descending()[::-1]
    wanted = job.keywords["ENDHESS"].n or len(values)
    report.line(f" OPTIM> Lowest {min(wanted, len(values))} Hessian eigenvalues:")
    for k in range(0, min(wanted, len(values)), 3):
        report.line("".join(f"{v:20.10e}" for v in values[k : min(k + 3, wanted)]))


def numerical_hessian(potential, x, step=1e-5):
    """Hessian by central differences of the gradient."""
    n = len(x)
    shifts = step * np.eye(n)
    h = (potential.energy_gradient_batch(x + shifts)[1] - potential.energy_gradient_batch(x - shifts)[1]) / (2.0 * step)
    return 0.5 * (h + h.T)


# --- transition states -------------------------------------------------------------------------------------------------


def transition_state(job, report, start, _finish=None):
    """BFGSTS, SEARCH 2: one transition state, and its paths with PATH."""
    potential, settings = job.potential, job.settings
    direction = output.read_vector(job) if job.keywords.given("READVEC") else None
    if job.keywords["SEARCH"].kind == 2 and settings.hessian is None:
        settings.hessian = True
    e, g = potential.energy_gradient(start)
    report.line(f" OPTIM> Initial energy={e:20.10f} RMS force={rms_of(g):20.10e}")
    if direction is None:
        direction = np.random.default_rng(0).standard_normal(potential.n_variables)
    try:
        record, vector = locate(potential, searcher(potential, settings), start, direction, settings, on_search=report.search)
    except ConvergenceError as error:
        report.line(f" OPTIM> {error}")
        return False
    report.line(f" OPTIM> Final energy  ={record.energy:20.10f} lowest eigenvalue={record.negative_eigenvalue:20.10e}")
    if job.symbols:
        report.point_group(record)
    report.converged()
    _end_hessian(job, report, record.coordinates)
    if job.keywords.given("DUMPVECTOR"):
        output.write_vector(job, record.negative_eigenvalue, vector)
    output.write_final_point(job, record.coordinates, record.energy)
    if not job.keywords.given("PATH"):
        return True
    try:
        path = follow_path(potential, record, settings, vector)
    except ConvergenceError as error:
        report.line(f" OPTIM> {error}")
        return False
    _write_single_path(job, report, path)
    return True


def _write_single_path(job, report, path):
    connector = Connector(job.potential, job.settings, np.random.default_rng(0))
    plus, minus = connector.add_minimum(path.triple.plus), connector.add_minimum(path.triple.minus)
    report.path_found(1, path, plus, minus)
    output.write_path_info(job, [path.triple], "triples")
    _write_paths(job, ConnectResult(True, [path.triple], "", 0, 0, 0.0, path=[0], paths=[path], edges=[(0, 1)]))
    if job.keywords.given("DUMPDATA"):
        output.append_minima(job, [path.triple.plus, path.triple.minus])


def _write_paths(job, result):
    """PATH and ``--plot``: the files and pictures of all paths."""
    if job.keywords.given("PATH") and job.keywords["PATH"].frames > 0:
        for k, path in enumerate(result.paths, 1):
            output.write_path(job, k, path)
        if result.path:
            output.write_joined_path(job, result)
    if job.plot and result.paths:
        from optim.plot import save_profile

        save_profile(f"{job.path('profile')}", result, job.potential)


def saddle(job, report, start, _finish=None):
    """HINDEX: a stationary point with a given number of negative eigenvalues. SEARCH 1: with any number."""
    from optim.stationary import newton_raphson
    from potentials.characterise import hessian_spectrum

    settings = job.settings
    if job.keywords.given("HINDEX"):
        from optim._eigenvector_following import EigenvectorFollowing

        out = EigenvectorFollowing(job.potential, settings, job.keywords["HINDEX"].index).run(start)
        x, energy, rms, converged, message = (out[k] for k in ("coordinates", "energy", "rms", "status", "message"))
        converged = converged == 0
    else:
        x, energy, rms, _ = newton_raphson(job.potential, start, settings.ef_max_step, settings.ts_iterations)
        converged = rms <= settings.ts_rms
        message = "converged" if converged else "maximum number of Newton-Raphson steps reached"
    found = hessian_spectrum(job.potential, x).index
    report.line(f" OPTIM> Final energy  ={energy:20.10f} RMS force={rms:20.10e} negative eigenvalues={found:6d}: {message}")
    _end_hessian(job, report, x)
    if converged:
        report.converged()
        output.write_final_point(job, x, energy)
    return converged


# --- connection ---------------------------------------------------------------------------------------------------------


def connect(job, report, start, finish, *, one_band=False):
    """NEWCONNECT (and NEWNEB alone: its first band only)."""
    settings = job.settings
    ends = _end_points(job, report, start, finish)
    connector = Connector(job.potential, settings, np.random.default_rng(0), report, job.serve)
    if one_band:
        settings = connector.settings = settings.with_changes(cycles=1)
    return _finish_connection(job, report, connector.run(*ends), one_band=one_band)


def _finish_connection(job, report, result, *, one_band=False):
    """Summary and files of a connection run; whether it reached its goal."""
    report.summary(result)
    for reason, count in sorted(result.failures.items()):
        report.line(f" OPTIM> failed searches: {count:5d}  {reason}")
    if job.keywords.given("DUMPALLPATHS") and result.triples:
        output.write_path_info(job, result.triples, "triples")
    elif job.keywords.given("DUMPPATH") and result.path:
        output.write_path_info(job, _ordered_triples(result), "path")
    _write_paths(job, result)
    if job.keywords.given("DUMPDATA"):
        output.append_minima(job, result.minima)
    last = result.minima[min(1, len(result.minima) - 1)]
    _end_hessian(job, report, last.coordinates)
    output.write_final_point(job, last.coordinates, last.energy)
    return bool(result.triples) if one_band else result.connected


def band(job, report, start, finish):
    """NEWNEB without NEWCONNECT: one band, its transition states and their paths."""
    return connect(job, report, start, finish, one_band=True)


def redo(job, report, _start, _finish):
    """REDOPATH: the path through the stationary points of the file redopoints, gaps mended where NEWCONNECT is given."""
    potential, settings = job.potential, job.settings
    points = job.points
    if not job.keywords.given("NEWCONNECT"):
        settings = settings.with_changes(cycles=0)
    connector = Connector(potential, settings, np.random.default_rng(0), report, job.serve)
    ends = [as_minimum(potential, points[k], settings) for k in (0, -1)]
    for end in ends:
        connector.add_minimum(end)
    report.line(f" redopath> {len(points) // 2} transition states in the file redopoints{job.suffix}")
    for before, ts, behind in zip(points[:-2:2], points[1::2], points[2::2], strict=True):
        tangent = behind - before
        connector.refine(ts, tangent / max(np.linalg.norm(tangent), 1e-300))
    return _finish_connection(job, report, connector.run(*ends))


def interpolate(job, report, start, finish):
    """BHINTERP: a chain of minima between start and finish."""
    from optim.interpolation import InterpolationOptions, interpolate_minima

    values = job.keywords["BHINTERP"]
    options = InterpolationOptions(
        values.distance, values.max_energy, values.steps, values.rms, values.temperature, values.step, values.acceptance,
        values.spring, values.fraction,
    )  # fmt: skip

    def on_minimum(point, before, behind):
        report.line(f" bhinterp> Minimum of energy{point.energy:20.10f} at distances{before:12.4f} and{behind:12.4f}")

    ends = _end_points(job, report, start, finish)
    chain, complete = interpolate_minima(job.potential, *ends, job.settings, options, np.random.default_rng(0), on_minimum)
    report.line(f" bhinterp> {len(chain)} minima in the chain; neighbours {'are' if complete else 'are not all'} close enough")
    if job.keywords.given("DUMPDATA"):
        output.append_minima(job, chain)
    output.write_final_point(job, chain[-1].coordinates, chain[-1].energy)
    return complete


def _ordered_triples(result):
    """Triples along the path, each from the side where the one before ended."""
    from common.stationary_points import Triple
    from optim.report import path_sequence

    ordered = []
    for k, forward in path_sequence(result):
        t = result.triples[k]
        ordered.append(t if forward else Triple(t.minus, t.transition_state, t.plus, t.path_length))
    return ordered


def _end_points(job, report, start, finish):
    """Verified minima from start and finish."""
    potential, settings = job.potential, job.settings
    (e1, e2), gradients = potential.energy_gradient_batch(np.array([start, finish]))
    rms = [rms_of(g) for g in gradients]
    report.end_points(e1, rms[0], e2, rms[1])
    if max(rms) > settings.rms:
        report.line(" OPTIM> Bad endpoints supplied - RMS force too big!")
        report.line(f" OPTIM> Acceptable RMS force would be less or equal to{settings.rms:20.10e}")
        if not job.keywords.given("REOPTIMISEENDPOINTS"):
            raise InputError(
                f"odata{job.suffix}: the RMS force of the end points is {rms[0]:.3g} and {rms[1]:.3g}, above "
                f"{settings.rms:.3g} (BFGSMIN); add REOPTIMISEENDPOINTS to minimise them first"
            )
        ends = [minimise_point(job, report, x) for x in (start, finish)]
        report.end_points(ends[0].energy, settings.rms, ends[1].energy, settings.rms)
        return ends
    return [characterise_minimum(potential, x, None, settings) for x in (start, finish)]

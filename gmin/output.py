"""The lines of the file ``output``, in the formats that existing scripts read (FORMATS 4.1)."""

import re

from common.formats.fortran import f, g, i

#: A line of a quench, of one walker or of one of several, with its number.
QUENCH = re.compile(rb"(?:\[\d+\])?Qu +(\d+) ")


class Report:
    """The file ``output``: text lines, flushed now and then.

    Parameters
    ----------
    stream : text file
    """

    def __init__(self, stream):
        self.stream = stream

    def line(self, text=""):
        """Write one line."""
        self.stream.write(text + "\n")

    def lines(self, texts):
        """Write several lines."""
        self.stream.writelines(text + "\n" for text in texts)

    def flush(self):
        """Hand everything to the operating system."""
        self.stream.flush()


def open_output(path, last=None):
    """The file ``output``, to be written.

    Parameters
    ----------
    path : Path
    last : int or None
        Continue the file of the run that is resumed after this step: from the line of the next step on, which it wrote later
        than its last dump, it is written anew. None: a new file.

    Returns
    -------
    text file
    """
    if last is not None and path.exists():
        keep = 0
        with path.open("rb") as file:
            for line in file:
                found = QUENCH.match(line)
                if not line.endswith(b"\n") or (found and int(found[1]) > last):
                    break
                keep += len(line)
        with path.open("r+b") as file:
            file.truncate(keep)
    return path.open("w" if last is None else "a", encoding="ascii", errors="replace")


def quench_line(quench, energy, steps, rms, markov, seconds):
    """``Qu`` I10 `` E=`` G20.10 `` steps=`` I5 `` RMS=`` G12.5 `` Markov E=`` G20.10 `` t=`` F11.1."""
    return f"Qu {quench:10d} E={g20(energy)} steps={i(steps, 5)} RMS={g12(rms)} Markov E={g20(markov)} t={seconds:11.1f}"


def g20(value):
    """G20.10; the common case of 100 <= |x| < 1000 without detours."""
    if 100.0 <= value < 999.9999 or -999.9999 < value <= -100.0:
        return f"{value:16.7f}    "
    return g(value, 20, 10)


def g12(value):
    """G12.5; the common case of a sloppy quench, 0.001 <= x < 0.01, without detours."""
    if 0.001 <= value < 0.0099999:
        return f"{100.0 * value:8.5f}E-02"
    return g(value, 12, 5)


def acceptance_lines(interval, ratio, step, astep, temperature):
    """The two lines of the acceptance block. The originals print the factor as 1.05 whichever way it was used."""
    return (
        f"Acceptance ratio for previous {i(interval, 6)} steps={f(ratio, 8, 4)}  FAC={f(1.05, 8, 4)}",
        f"Steps are now:  STEP={f(step, 10, 4)}  ASTEP={f(astep, 10, 4)} Temperature is now:{f(temperature, 10, 4)}",
    )


def target_lines(quench, calls, energy, target):
    """The lines of a hit; the first is what the scripts grep for."""
    return (
        f"saveit> Target hit after {i(quench, 15)} quenches {i(calls, 15)} function calls.",
        f"saveit> Energy={f(energy, 20, 10)} target={f(target, 20, 10)}",
    )


def end_of_run_line(ratio, step, astep, temperature):
    """Acceptance ratio of the whole run, with the last step sizes."""
    return (
        f"Acceptance ratio for run={f(ratio, 12, 5)} Step={f(step, 12, 5)} Angular step factor={f(astep, 12, 5)} "
        f"T={f(temperature, 12, 5)}"
    )


def final_quench_line(number, energy, steps, rms, seconds):
    """``Final Quench`` with the CPU time after the last ``time=``."""
    return (
        f"Final Quench {i(number, 6)} energy={g20(energy)} steps={i(steps, 5)} RMS force={g(rms, 15, 7)} "
        f"time={f(seconds, 12, 2)}"
    )


def lowest_minimum_line(number, energy):
    """One line of the list after re-sorting."""
    return f"Lowest Minimum {i(number, 6)} Energy={g(energy, 21, 10)}"


def head(job, version, command):
    """Everything that stands before the first quench.

    Parameters
    ----------
    job : gmin.job.Job
    version : str
    command : str
        Name of the program and its arguments.

    Returns
    -------
    list of str
    """
    walker = job.walkers[0]
    lines = [
        "Starting serial execution" if len(job.walkers) == 1 else f"Starting {len(job.walkers)} walkers",
        f"gmin> energy-landscapes {version}, command: {command}",
        f"gmin> random number seed {job.seed}",
        "gmin> settings:",
    ]
    lines += [f"gmin>   {line}" for line in job.echo]
    lines += [f"gmin> NOTE: {line}" for line in job.notes]
    if job.starts:
        lines.append("Initial coordinates:")
        for x in job.starts:
            width = 3 if job.n_atoms else 1
            lines += ["".join(f(v, 20, 10) for v in x[k : k + width]) for k in range(0, len(x), width)]
    else:
        lines.append("Initial coordinates are random")
    if job.n_atoms:
        lines.append(f"{i(job.n_atoms, 4)} LJ atoms" if job.pair_energies else f"{i(job.n_atoms, 4)} atoms")
        if job.radius is not None:
            lines.append(f"Container radius={f(job.radius, 20, 10)}")
    else:
        lines.append(f"{job.potential.n_variables} variables")
    lines.append(f"Sloppy quench tolerance for RMS gradient {short_g(walker.quench.rms)}")
    for k, w in enumerate(job.walkers, start=1):
        lines += _what_is_adjusted(k, w)
    lines += [
        f"Configuration will {'' if walker.reset else 'not '}be reset to quench geometry",
        "Sampling using Boltzmann weights",
        "Nocedal LBFGS minimisation",
        f"Number of updates before reset in LBFGS={i(walker.quench.history, 6)}",
        f"Maximum step size={f(walker.quench.max_step, 20, 10)}",
        f"Guess for initial diagonal elements in LBFGS={g(walker.quench.diagonal, 12, 4)}",
        f"Final quench tolerance for RMS gradient {short_g(job.tight.rms)}",
        f"Energy difference criterion for minima={f(walker.ediff, 15, 10)}",
        f"Maximum number of iterations: sloppy quenches {i(walker.quench.max_iterations, 5)} final quenches "
        f"{i(job.tight.max_iterations, 5)}",
    ]
    for k in range(len(job.walkers)):
        for n, factor in job.stretches:
            lines.append(f"Run {i(k + 1, 3)}:{i(n, 10)} steps with temperature scaled by {_e15(factor)}")
    lines.append(f"Maximum allowed energy rise during a minimisation={g(walker.quench.max_rise, 20, 10)}")
    lines += _restart_lines(job)
    return lines


def _what_is_adjusted(k, w):
    where = f"In run {i(k, 3)} "
    if w.adjust_step:
        return [
            f"{where}temperature will be fixed - see below for value",
            f"Step size and angular threshold will be adjusted for acceptance ratio {f(w.accept_ratio, 12, 4)} initial values="
            f"{f(w.step, 12, 4)}{f(w.astep, 12, 4)}",
        ]
    if w.adjust_temperature:
        return [
            f"{where}step size and angular threshold will be fixed at {f(w.step, 12, 4)}{f(w.astep, 12, 4)}",
            f"Temperature will be adjusted for acceptance ratio {f(w.accept_ratio, 12, 4)} "
            f"initial value={f(w.temperature, 12, 4)}",
        ]
    return [
        f"{where}temperature will be fixed - see below for value",
        f"{where}step size and angular threshold will be fixed at {f(w.step, 12, 4)}{f(w.astep, 12, 4)}",
    ]


def _restart_lines(job):
    lines = []
    ediff = job.walkers[0].ediff
    if job.relax is not None:
        what = "Steps will be rejected and taboo list populated" if job.avoid and not job.avoid[2] else "Runs will be reseeded"
        lines.append(f"{what} if the energy decrease < {f(ediff, 12, 5)} within {i(job.relax, 6)} steps")
    if job.avoid:
        distance, length, reseed = job.avoid
        what = "Runs will be reseeded" if reseed else "Steps will be rejected"
        lines.append(
            f"{what} if the current minimum comes within {f(distance, 10, 2)} of up to {i(length, 6)} previous minima"
        )
    if job.restart is not None:
        lines.append(f"Runs will be reseeded if no step is accepted in {i(job.restart, 6)} steps")
    if job.taboo is not None:
        lines.append(f"Runs will be reseeded if they come back to one of up to {i(job.taboo, 6)} minima that they left")
    return lines


def short_g(value):
    """A number as the head of output has it: ``.5000000000E-02``."""
    return g(value, 15, 10).strip().removeprefix("0") if value < 0.1 else g(value, 15, 10).strip()


def _e15(value):
    """E15.8: always with an exponent."""
    mantissa, exponent = f"{value:.7e}".split("e")
    digits = mantissa.replace(".", "").replace("-", "")
    power = int(exponent) + 1 if value else 0
    return f"{'-' if value < 0 else ' '}0.{digits}E{power:+03d}"

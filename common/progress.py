"""Progress of a long calculation: a bar on a terminal, nothing or a line now and then in a log."""

import sys
import time

#: Seconds between two looks at the bar, and so the price of an update in a hot loop: one comparison.
REFRESH = 0.2


def progress(total, text="", *, unit="", file=None, log_interval=None, log=None):
    """A progress display for ``total`` steps, used as a context manager.

    On a terminal it is a bar with the rate, the time left and the figures given to `Progress.update`. Elsewhere it is quiet, or
    writes one line per ``log_interval`` seconds.

    Parameters
    ----------
    total : int or None
        None when it is not known.
    text : str
        What is counted.
    unit : str, optional
        One of them, for the rate ("quench"); by default "it".
    file : file, optional
        Default: standard error.
    log_interval : float, optional
        Seconds between lines where ``file`` is no terminal.
    log : callable, optional
        Takes these lines; by default they go to ``file``.

    Returns
    -------
    Progress
    """
    return Progress(total, text, unit=unit, file=file, log_interval=log_interval, log=log)


class Progress:
    """See `progress`."""

    def __init__(self, total, text="", *, unit="", file=None, log_interval=None, log=None):
        self.total = total
        self.text = text
        self.done = 0
        self.figures = {}
        self._file = sys.stderr if file is None else file
        self._began = time.monotonic()
        self._bar = None
        self._log = None
        self._interval = REFRESH
        self._next = float("inf")
        if _is_terminal(self._file):
            from tqdm import tqdm

            # miniters=0 and our own clock: tqdm's guess of how often to look adapts too slowly to jobs of uneven length.
            self._bar = tqdm(
                total=total,
                desc=text or None,
                unit=unit or "it",
                file=self._file,
                dynamic_ncols=True,
                leave=False,
                mininterval=0,
                miniters=0,
            )
            self._next = self._began
        elif log_interval is not None:
            self._log = log or (lambda line: print(line, file=self._file, flush=True))
            self._interval = log_interval
            self._next = self._began + log_interval

    def update(self, n=1, **figures):
        """Count n more steps; figures (best=…, minima=…) are shown beside the rate until they are given anew."""
        self.done += n
        if figures:
            self.figures = figures
        if time.monotonic() >= self._next:
            self._show()

    def _show(self):
        now = time.monotonic()
        self._next = now + self._interval
        if self._bar is not None:
            self._bar.set_postfix_str(_words(self.figures), refresh=False)
            self._bar.update(self.done - self._bar.n)
        else:
            self._log(self.line())

    def line(self):
        """The state in one line: done and total, rate, figures, time left."""
        seconds = max(time.monotonic() - self._began, 1e-9)
        rate = self.done / seconds
        total = "" if self.total is None else f"/{self.total}"
        words = [f"{self.text + ': ' if self.text else ''}{self.done}{total}", f"{_rate(rate)}"]
        if self.figures:
            words.append(_words(self.figures))
        if self.total is not None and 0 < self.done < self.total:
            words.append(f"{_time((self.total - self.done) / rate)} left")
        return ", ".join(words)

    def write(self, line):
        """Print a line to standard output without tearing the bar."""
        if self._bar is not None:
            self._bar.clear()
        print(line, flush=self._bar is not None)
        if self._bar is not None:
            self._bar.refresh()

    def close(self):
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        self._next = float("inf")

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()


def _is_terminal(file):
    try:
        return file.isatty()
    except (AttributeError, ValueError):  # no file at all, or a closed one
        return False


def _words(figures):
    shown = {name: f"{value:.10g}" if isinstance(value, float) else value for name, value in figures.items()}
    return ", ".join(f"{name} {value}" for name, value in shown.items())


def _rate(per_second):
    if per_second >= 1.0 or per_second == 0.0:
        return f"{per_second:.3g}/s" if per_second < 1000 else f"{per_second:.0f}/s"
    return f"{60.0 * per_second:.3g}/min" if per_second >= 1.0 / 60.0 else f"{3600.0 * per_second:.3g}/h"


def _time(seconds):
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours:02d} h"
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"

"""Pictures of a database: the curve of discovery of a survey."""

import numpy as np

from common.errors import InputError


def plot_survey(database, directory, report, published=None):
    """Draw the numbers of known and estimated minima and transition states against the searches, as survey.pdf and survey.png.

    Parameters
    ----------
    database : Database
    directory : Path
    report : Report
    published : tuple of (int, int), optional
        Numbers of minima and of transition states of another source, drawn as lines.

    Raises
    ------
    InputError
        When no cycle was recorded.
    """
    rows = database.cycles()
    if not rows:
        raise InputError(f"{database.path}: no cycle of searches was recorded; run pathsample with SURVEY or CYCLES first")
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 3.6), layout="constrained")
    searches = np.array([row["searches"] for row in rows], dtype=float)
    panels = (("minima", "minima", "C0"), ("transition_states", "transition states", "C3"))
    for place, (kind, name, colour) in enumerate(panels):
        axes = figure.add_subplot(1, 2, place + 1)
        known = np.array([row[kind] for row in rows], dtype=float)
        axes.plot(searches, known, color=colour, label="known")
        values = [(row["estimates"] or {}).get(kind) or {} for row in rows]
        unseen, lower, upper = (
            np.array([v.get(key) if v.get(key) is not None else np.nan for v in values], dtype=float)
            for key in ("expected", "lower", "limit")
        )
        if np.isfinite(unseen).any():
            axes.plot(searches, known + unseen, color=colour, linestyle="--", label="estimated")
            limits = "lower to upper limit"
            axes.fill_between(searches, known + lower, known + upper, color=colour, alpha=0.15, linewidth=0, label=limits)
            axes.set_ylim(0.0, 2.0 * np.nanmax(known))
        if published:
            axes.axhline(published[place], color="0.3", linewidth=0.9, linestyle=":", label=f"published, {published[place]}")
        axes.set_xlim(0.0, max(searches.max(), 1.0))
        axes.set_xlabel("searches")
        axes.set_ylabel(name)
        # above the axes, where no curve can be
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, fontsize="small")
    for name in ("survey.pdf", "survey.png"):
        figure.savefig(directory / name, dpi=150)
        report.line(f"plot> {name} written")

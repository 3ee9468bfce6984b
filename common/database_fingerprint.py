"""What a database was made for, compared with what a run asks for."""

import numpy as np

from common.errors import DatabaseError


def plain(value):
    """A value as JSON returns it: NumPy scalars and arrays, tuples and non-string keys turned into plain ones."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    return value


def flat(value, prefix=""):
    """A nested dict as one level: ``{"data": {"digest": d}}`` becomes ``{"data.digest": d}``."""
    if not isinstance(value, dict):
        return {prefix: value}
    items = {}
    for key, item in value.items():
        items.update(flat(item, f"{prefix}.{key}" if prefix else key))
    return items


def differences(stored, wanted):
    """Names in which two fingerprints differ, the name of the potential first."""
    stored, wanted = flat(stored), flat(wanted)
    absent = object()
    names = [name for name in dict.fromkeys([*stored, *wanted]) if stored.get(name, absent) != wanted.get(name, absent)]
    return sorted(names, key=lambda name: name != "potential")


def check_made_for(path, stored, wanted):
    """Refuse a database made for something else.

    Parameters
    ----------
    path : path-like
    stored, wanted : dict
        ``fingerprint``, ``n_variables``, ``energy_tolerance``, ``distance_tolerance``; None where nothing is said.

    Raises
    ------
    DatabaseError
        One line: what the database was made for, in what this run differs, and the remedy.
    """
    ours, theirs = stored.get("fingerprint"), wanted.get("fingerprint")
    if ours is not None and theirs is not None:
        names = differences(ours, theirs)
        if names:
            raise DatabaseError(f"{path}: {_fingerprint_text(flat(ours), flat(theirs), names)}")
    for key, unit, remedy in (
        ("n_variables", "variables", "use the right input or another directory"),
        ("energy_tolerance", "as energy tolerance", "set ETOL {} or use another directory"),
        ("distance_tolerance", "as distance tolerance", "set GEOMDIFFTOL {} or use another directory"),
    ):
        ours, theirs = stored.get(key), wanted.get(key)
        if ours is not None and theirs is not None and ours != theirs:
            raise DatabaseError(
                f"{path}: made with {_short(ours)} {unit}, this run has {_short(theirs)}; {remedy.format(_short(ours))}"
            )


def _fingerprint_text(ours, theirs, names):
    made = ours.get("potential", "an unnamed potential")
    if names[0] == "potential":
        return f"made for potential {made}, this run has {theirs.get('potential', 'another')}; use another directory"
    shown = names[:3]
    left = f" and {len(names) - 3} more differences" if len(names) > 3 else ""
    stored = ", ".join(f"{_words(name)} {_short(ours.get(name, 'not set'))}" for name in shown)
    wanted = ", ".join(f"{_words(name)} {_short(theirs.get(name, 'not set'))}" for name in shown)
    only_data = all(any(word in name for word in ("digest", "data", "n_items")) for name in names)
    remedy = "use the right data file (MLPdata)" if only_data else "use the same settings"
    remedy += " or another directory"
    return f"made for potential {made} with {stored}, this run has {wanted}{left}; {remedy}"


def _words(name):
    return name.replace("_", " ").replace(".", " ")


def _short(value):
    """A value in a message: digests cut to their first characters, numbers as they were typed."""
    if isinstance(value, str) and len(value) > 24 and " " not in value:
        return f"{value[:12]}…"
    if isinstance(value, float):
        return f"{value:.10g}"
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}…"

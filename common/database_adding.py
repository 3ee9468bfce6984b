"""Adding stationary points to the database: which of them are known, which are new, and which may not enter."""

import math
from dataclasses import dataclass, field

import numpy as np


@dataclass(slots=True)
class AddReport:
    """What adding triples did.

    Attributes
    ----------
    new_minima, new_transition_states : list of int
        Ids in the order of addition.
    known : int
        Transition states that were there already, with the same two minima.
    skipped : int
        Triples left out: rules of the caller (energy, eigenvalue), inconsistent or impossible ones.
    ids : list of (plus, transition state, minus) or None
        For each triple its ids in the database; None for one that was skipped.
    minimum_ids : list of (id, new)
        For each single minimum of a job its id, and whether it is new.
    messages : list of str
        One line per event, in the words existing scripts look for.
    """

    new_minima: list = field(default_factory=list)
    new_transition_states: list = field(default_factory=list)
    known: int = 0
    skipped: int = 0
    ids: list = field(default_factory=list)
    minimum_ids: list = field(default_factory=list)
    messages: list = field(default_factory=list)


class AddMethods:
    """The part of `Database` that looks for copies and adds what is new."""

    def find_minimum(self, energy, coordinates):
        """Id of the stored minimum that this one is a copy of, or None.

        Parameters
        ----------
        energy : float
        coordinates : ndarray of shape (n_variables,) or None
            None, or a stored minimum without coordinates: the energy alone decides.
        """
        x = None if coordinates is None else np.ascontiguousarray(coordinates, dtype=float).reshape(-1)
        with self._translated():
            return next((number for (number,) in self._copies("minima", "id", energy, x)), None)

    def _copies(self, table, columns, energy, x):
        """The columns (id first) of the stored points that are copies of x, nearest in energy first."""
        tolerance = self.energy_tolerance
        rows = self._connection.execute(
            f"SELECT energy, coordinates, {columns} FROM {table} WHERE energy > ? AND energy < ?",
            (energy - tolerance, energy + tolerance),
        ).fetchall()
        if len(rows) > 1:
            rows.sort(key=lambda row: (abs(row[0] - energy), row[2]))
        bytes_of_x = None if x is None or not rows else x.tobytes()
        for row in rows:
            if row[1] is None or x is None or row[1] == bytes_of_x or self._same(x, np.frombuffer(row[1], "<f8")):
                yield row[2:]

    def _same(self, x, stored):
        if self.symmetry is None:
            difference = x - stored
            return math.sqrt(difference @ difference) < self.distance_tolerance
        return self.symmetry.same(x, stored, self.distance_tolerance)

    def add_minimum(self, minimum):
        """Add a minimum unless it is known.

        Parameters
        ----------
        minimum : Minimum

        Returns
        -------
        id : int
        new : bool
        """
        with self.transaction():
            return self._add_minimum(minimum)

    def add_minima(self, minima, *, distinct=False):
        """Add several minima in one transaction.

        Parameters
        ----------
        minima : iterable of Minimum
        distinct : bool
            Append them all without looking for copies (a text database, whose line numbers must stay).

        Returns
        -------
        list of (id, new)
        """
        with self.transaction():
            if distinct:
                return [(self._insert_minimum(minimum, self._vector(minimum)), True) for minimum in minima]
            return [self._add_minimum(minimum) for minimum in minima]

    def _vector(self, point):
        """Coordinates of a record as the file keeps them."""
        if not math.isfinite(point.energy):
            raise ValueError(f"a stationary point with the energy {point.energy} cannot be stored")
        if point.coordinates is None:
            return None
        x = np.ascontiguousarray(point.coordinates, dtype="<f8").reshape(-1)
        self._check_size(x.size)
        if not np.isfinite(x).all():
            raise ValueError(f"a stationary point of energy {point.energy:.10g} with coordinates that are not finite")
        return x

    def _check_size(self, n_variables):
        """The first point tells how many variables there are; all others must have as many."""
        if self.n_variables is None:
            self.set_meta("n_variables", n_variables)
            self.n_variables = n_variables
        if n_variables != self.n_variables:
            raise ValueError(
                f"{self.path}: a point with {n_variables} coordinates for a database of {self.n_variables} variables"
            )

    def _add_minimum(self, minimum):
        x = self._vector(minimum)
        for (number,) in self._copies("minima", "id", minimum.energy, x):
            return number, False
        return self._insert_minimum(minimum, x), True

    def _insert_minimum(self, minimum, x):
        self._n_minima += 1
        self._connection.execute(
            "INSERT INTO minima VALUES (?,?,?,?,?,?,?,?,?)",
            (self._n_minima, *_columns(minimum), None if x is None else x.tobytes()),
        )
        return self._n_minima

    def _insert_ts(self, ts, x, plus, minus, path_length=math.nan):
        self._n_ts += 1
        self._connection.execute(
            "INSERT INTO transition_states VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                self._n_ts,
                *_columns(ts),
                plus,
                minus,
                _number(ts.negative_eigenvalue),
                _number(path_length),
                None if x is None else x.tobytes(),
            ),
        )
        return self._n_ts

    def add_transition_states(self, states):
        """Append transition states whose minima are stored and whose ``plus`` and ``minus`` are set; no search for copies.

        Returns
        -------
        list of int
            Their ids.
        """
        with self.transaction():
            return [self._insert_ts(ts, self._vector(ts), int(ts.plus), int(ts.minus)) for ts in states]

    def append_minima(self, columns, coordinates=None):
        """Append minima given as arrays, without looking for copies: the fast way in for whole databases.

        Parameters
        ----------
        columns : dict
            ``energy``, ``log_product``, ``order`` of shape (k,) and ``inertia`` of shape (k, 3).
        coordinates : ndarray of shape (k, n_variables), optional
        """
        with self.transaction():
            rows, blobs = self._rows(columns, coordinates)
            first = self._n_minima + 1
            self._connection.executemany(
                "INSERT INTO minima VALUES (?,?,?,?,?,?,?,'C1',?)",
                ((first + k, *row, blob) for k, (row, blob) in enumerate(zip(rows, blobs))),
            )
            self._n_minima += len(columns["energy"])

    def append_transition_states(self, columns, coordinates=None):
        """Append transition states given as arrays, without looking for copies.

        Parameters
        ----------
        columns : dict
            As for `append_minima`, with ``plus`` and ``minus`` (ids of stored minima) and possibly ``negative_eigenvalue``.
        coordinates : ndarray of shape (k, n_variables), optional
        """
        with self.transaction():
            rows, blobs = self._rows(columns, coordinates)
            negative = columns.get("negative_eigenvalue")
            negative = [None] * len(columns["energy"]) if negative is None else map(_number, negative)
            sides = zip(np.asarray(columns["plus"]).tolist(), np.asarray(columns["minus"]).tolist(), negative)
            first = self._n_ts + 1
            self._connection.executemany(
                "INSERT INTO transition_states VALUES (?,?,?,?,?,?,?,'C1',?,?,?,NULL,?)",
                ((first + k, *row, *side, blob) for k, (row, side, blob) in enumerate(zip(rows, sides, blobs))),
            )
            self._n_ts += len(columns["energy"])

    def _rows(self, columns, coordinates):
        """Rows of values, and of blobs, from columns."""
        if not np.isfinite(columns["energy"]).all():
            raise ValueError(f"{self.path}: an energy is not finite; it cannot be stored")
        count = len(columns["energy"])
        rows = zip(
            np.asarray(columns["energy"], dtype=float).tolist(),
            map(_number, columns["log_product"]),
            np.asarray(columns["order"]).tolist(),
            *np.asarray(columns["inertia"], dtype=float).reshape(count, 3).T.tolist(),
        )
        if coordinates is None or count == 0:
            return rows, [None] * count
        x = np.ascontiguousarray(coordinates, dtype="<f8").reshape(count, -1)
        self._check_size(x.shape[1])
        return rows, (row.tobytes() for row in x)

    def add_triples(
        self, triples, *, all_ts=False, max_ts_energy=None, eigenvalue_cut=None, max_barrier=None, min_barrier=None, ends=None
    ):
        """Add transition states with their minima, as PATHSAMPLE's getallpaths does, in one transaction.

        In the order given: a new transition state is appended, then its new minima, the one on the + side first. A transition
        state is known when energy, coordinates and the pair of minima agree with a stored one; one that agrees in the first two
        but joins other minima is reported and left out.

        Parameters
        ----------
        triples : iterable of Triple
        all_ts : bool
            Keep transition states that agree with a stored one but join other minima (classic keyword ALLTS).
        max_ts_energy : float, optional
            Leave out transition states above this energy (TSTHRESH, MAXTSENERGY).
        eigenvalue_cut : float, optional
            Leave out triples one of whose minima has its smallest eigenvalue that is not a zero mode at or below this
            (EVCUT), where eigenvalues are known.
        max_barrier : float, optional
            Leave out triples both of whose barriers are above this (MAXBARRIER).
        min_barrier : float, optional
            Leave out triples one of whose barriers is below this (MINBARRIER).
        ends : sequence of (int, int), optional
            Ids of the two minima of each triple, where they are stored already; of the minima only the energies are used then.

        Returns
        -------
        AddReport
        """
        report = AddReport()
        with self.transaction():
            for place, triple in enumerate(triples):
                reason = self._unfit(triple, max_ts_energy, eigenvalue_cut) or _unfit_barriers(triple, max_barrier, min_barrier)
                if reason:
                    report.skipped += 1
                    report.ids.append(None)
                    energy = triple.transition_state.energy
                    report.messages.append(f"getallpaths> skipping ts with energy {energy:.10f}: {reason}")
                else:
                    report.ids.append(self._add_triple(triple, all_ts, report, None if ends is None else ends[place]))
        return report

    def _add_triple(self, triple, all_ts, report, ends=None):
        sides = [None, None] if ends else [self._vector(triple.plus), self._vector(triple.minus)]
        ids = list(ends) if ends else [
            next((number for (number,) in self._copies("minima", "id", minimum.energy, x)), None)
            for minimum, x in zip((triple.plus, triple.minus), sides)
        ]
        ts = triple.transition_state
        x = self._vector(ts)
        inconsistent = None
        for known, plus, minus in self._copies("transition_states", "id, plus, minus", ts.energy, x):
            if sorted((plus, minus)) == sorted(i or 0 for i in ids):
                report.known += 1
                return plus if plus == ids[0] else minus, known, minus if plus == ids[0] else plus
            inconsistent = inconsistent or known
        if inconsistent and not all_ts:
            report.skipped += 1
            report.messages.append(f"getallpaths> WARNING failed consistency check for old ts {inconsistent:6d}")
            return None
        before = len(report.new_minima)
        for side, minimum in enumerate((triple.plus, triple.minus)):
            if ids[side] is None and side == 1 and len(report.new_minima) > before:
                # A degenerate rearrangement joins a minimum to a copy of itself, which has only now become known.
                ids[1] = next((known for (known,) in self._copies("minima", "id", minimum.energy, sides[1])), None)
            if ids[side] is None:
                ids[side] = self._insert_minimum(minimum, sides[side])
                report.new_minima.append(ids[side])
        number = self._insert_ts(ts, x, ids[0], ids[1], triple.path_length)
        report.new_transition_states.append(number)
        report.messages.append("getallpaths> writing data for new ts to ts.data")
        added = len(report.new_minima) - before
        if added:
            report.messages.append(f"getallpaths> writing data for {added:6d} new minima to min.data")
        return ids[0], number, ids[1]

    def _unfit(self, triple, max_ts_energy, eigenvalue_cut):
        """Why a triple may not enter, or an empty string."""
        ts = triple.transition_state
        if max_ts_energy is not None and ts.energy > max_ts_energy:
            return f"above the threshold {max_ts_energy:.10g}"
        for name, minimum in (("+", triple.plus), ("-", triple.minus)):
            if not (math.isfinite(minimum.energy) and math.isfinite(ts.energy)):
                return f"an energy is not finite (minimum on the {name} side {minimum.energy}, ts {ts.energy})"
            if minimum.energy > ts.energy:
                return f"the minimum on the {name} side lies above it, at {minimum.energy:.10f}"
            if eigenvalue_cut is not None and minimum.eigenvalues is not None:
                n_zero = 0 if self.symmetry is None else self.symmetry.n_zero
                lowest = float(np.sort(minimum.eigenvalues)[::-1][: len(minimum.eigenvalues) - n_zero][-1])
                if not lowest > eigenvalue_cut:
                    return f"the minimum on the {name} side has the eigenvalue {lowest:.6g}, not above {eigenvalue_cut:.6g}"
        return ""


def _unfit_barriers(triple, highest, lowest):
    """Why the barriers of a triple keep it out, or an empty string."""
    barriers = [triple.transition_state.energy - minimum.energy for minimum in (triple.plus, triple.minus)]
    if highest is not None and min(barriers) > highest:
        return f"both barriers are above {highest:.10g}"
    if lowest is not None and min(barriers) < lowest:
        return f"a barrier of {min(barriers):.6g} is below {lowest:.10g}"
    return ""


def _number(value):
    """A float as SQLite keeps it: NaN is NULL."""
    value = float(value)
    return None if value != value else value


def _columns(point):
    first, second, third = point.inertia
    return (
        float(point.energy),
        _number(point.log_product),
        int(point.order),
        float(first),
        float(second),
        float(third),
        point.point_group,
    )

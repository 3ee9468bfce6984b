"""Moves between symmetric structures, which a walker takes in turn with its own.

Oakley, Johnston and Wales, Phys. Chem. Chem. Phys. 15, 3965 (2013): structures of high symmetry have particularly low (or high)
energies, and there are few of them. Beside the walker, chains go over structures of a point group. A chain begins with the
symmetric structure nearest to the walker's minimum, or at random where that was symmetrised before; its moves change whole
orbits (`_orbits`), and it has a Metropolis test of its own. A structure lower than the walker's minimum becomes the walker's. A
chain that finds nothing lower for long ends, and the walker takes steps of its own before the next.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.math cimport M_PI, cbrt, cos, exp, sin, sqrt
from libc.string cimport memcpy
from numpy.random cimport bitgen_t

from gmin._core_symmetry cimport CoreSymmetry
from gmin._orbits cimport Orbits, spacing_of
from gmin._orientation cimport orient, orientation_workspace

import numpy as np

#: Energy of what there is not.
cdef double NONE = 1e300
#: A chain ends after so many quenches without a lower energy, and so many more for each orbit.
cdef double PATIENCE = 5.0
cdef double PATIENCE_PER_ORBIT = 0.5
#: Steps of the walker for each quench of a chain, after the interval asked for. A chain that ends above what the walker found
#: by itself gives the walker more: the point group may not be that of anything low.
cdef double LEAST_SHARE = 0.1
cdef double LARGEST_SHARE = 1.0
cdef double MORE = 1.5
#: Order of the largest group that is looked for in a core.
cdef Py_ssize_t LARGEST_GROUP = 120
#: Cores tried at the beginning of a chain; the one with the largest group is taken.
cdef Py_ssize_t ATTEMPTS = 20
#: How often a chain is given a subgroup (an icosahedron has the symmetry Th and Ci too, and other packings have those), and how
#: often it begins with a random structure of the group instead of the core and its orbits.
cdef double SUBGROUP = 0.5
cdef double SCATTER = 0.5
#: Radii, in units of the distance between neighbours, of the sphere around the centre of a core whose centroid it is: the
#: shorter one encloses a bond or a hole, the longer one an atom with its neighbours.
cdef double INNERMOST = 0.75
cdef double OUTERMOST = 1.25


cdef class SymmetricMoves:
    """Chains over symmetric structures: what every scheme shares.

    Parameters
    ----------
    n_atoms : int
    capacity : int
        Most operations of a group.
    interval : int
        Least number of the walker's own steps between two chains.
    length : float
        Factor on the number of quenches without a lower energy that end a chain.
    displacement : float
        Largest displacement of a coordinate in a move.
    ediff : float
        Energies closer than this are equal.
    bit_generator : numpy.random.BitGenerator
    """

    def __init__(self, Py_ssize_t n_atoms, Py_ssize_t capacity, Py_ssize_t interval, double length, double displacement,
                 double ediff, bit_generator):
        if n_atoms < 2 or interval < 1 or not length > 0.0:
            raise ValueError("symmetric moves need two atoms, an interval of at least 1 and a positive length")
        self.n = n_atoms
        self.interval = interval
        self.length = length
        self.displacement = displacement
        self.ediff = ediff
        self.orbits = Orbits(n_atoms, capacity, bit_generator)
        self.random = <bitgen_t*>PyCapsule_GetPointer(bit_generator.capsule, "BitGenerator")
        self.x = np.zeros(3 * n_atoms)
        self.oriented = np.zeros(3 * n_atoms)
        self.work = np.zeros(orientation_workspace(n_atoms))
        self.offset = np.zeros(6)
        self.most = 0
        self.share = LEAST_SHARE
        self.own = interval - 1
        self.spent = 0
        self.forget()

    @property
    def state(self):
        """What a continuation needs: numbers, and arrays (the structure, its offset, the operations of its group)."""
        return {
            "own": self.own, "spent": self.spent, "stale": self.stale, "patience": self.patience,
            "have": bool(self.have), "fresh": bool(self.fresh), "share": self.share,
            "energy": self.energy, "lowest": self.lowest, "ordinary_lowest": self.ordinary_lowest,
            "x": np.array(self.x), "offset": np.array(self.offset),
            "operations": np.array(self.orbits.operations[: 9 * self.orbits.n_operations]),
        }  # fmt: skip

    @state.setter
    def state(self, values):
        cdef Py_ssize_t n = 3 * self.n
        x, offset = (np.ascontiguousarray(values[name], dtype=np.float64) for name in ("x", "offset"))
        if x.shape != (n,) or offset.shape != (6,):
            raise ValueError(f"expected a structure of {n} variables")
        operations = np.asarray(values["operations"], dtype=np.float64)
        if operations.size:
            self.orbits.set_group(operations)
        self.own, self.spent = values["own"], values["spent"]
        self.stale, self.patience = values["stale"], values["patience"]
        self.have, self.fresh = values["have"], values["fresh"]
        self.share = values["share"]
        self.energy, self.lowest, self.ordinary_lowest = values["energy"], values["lowest"], values["ordinary_lowest"]
        np.asarray(self.x)[:] = x
        np.asarray(self.offset)[:] = offset

    cdef void forget(self) noexcept nogil:
        """The walker is elsewhere, or was told to go elsewhere: the chain ends."""
        self.have = False
        self.fresh = True
        self.stale = 0
        self.patience = 1
        self.energy = NONE
        self.lowest = NONE
        self.ordinary_lowest = NONE

    cdef bint turn(self) noexcept nogil:
        """Whether the next step is one of a chain."""
        if self.own > 0:
            return False
        if self.stale >= self.patience or (self.most and self.spent >= self.most):
            if self.lowest < self.ordinary_lowest - self.ediff:
                self.share = LEAST_SHARE
            else:
                self.share = min(LARGEST_SHARE, MORE * self.share)
            self.own = self.interval * (1 + <Py_ssize_t>(self.share * self.spent / self.length))
            self.spent = 0
            self.have = False
            self.stale = 0
            return False
        self.spent += 1
        return True

    cdef void ordinary(self, double energy, bint accepted) noexcept nogil:
        """Hear of a step of the walker's own."""
        self.own -= 1
        self.fresh = self.fresh or accepted
        if energy < self.ordinary_lowest:
            self.ordinary_lowest = energy

    cdef void centred(self, const double* x) noexcept nogil:
        """Put the cluster, its centroid at the origin, into ``oriented``."""
        cdef Py_ssize_t i, k
        cdef double c
        for k in range(3):
            c = 0.0
            for i in range(self.n):
                c += x[3 * i + k]
            c /= self.n
            for i in range(self.n):
                self.oriented[3 * i + k] = x[3 * i + k] - c

    cdef bint begin(self, const double* x, double energy) noexcept nogil:
        """Make the first structure of a chain in ``orbits``; False where there is nothing to begin with."""
        return False

    cdef void complete(self) noexcept nogil:
        """Give the structure in ``orbits`` all its atoms."""
        self.orbits.complete()

    cdef bint propose(self, const double* x, double energy, double* trial) noexcept nogil:
        """Write the next structure to quench into ``trial``, given the walker's minimum x; False: there is none."""
        cdef Py_ssize_t i
        self.first = not self.have
        if self.first:
            if not self.begin(x, energy):
                self.stale = self.patience
                return False
        else:
            # the centroid need not be the centre of the group: not where orbits are incomplete
            self.centred(&self.x[0])
            for i in range(3 * self.n):
                self.oriented[i] += self.offset[i % 3]
            self.orbits.spacing = spacing_of(self.n, &self.oriented[0])
            self.orbits.fold(&self.oriented[0])
            self.complete()
            self.orbits.move(self.displacement)
        self.patience = <Py_ssize_t>(self.length * (PATIENCE + PATIENCE_PER_ORBIT * self.orbits.n_orbits))
        self.orbits.emit(trial)
        for i in range(3):
            self.offset[3 + i] = 0.0
        for i in range(3 * self.n):
            self.offset[3 + i % 3] += trial[i] / self.n
        return True

    cdef void settle(self, double energy, const double* x, bint good, double temperature) noexcept nogil:
        """Hear what the quench of the last proposal came to, and decide."""
        if good and (self.first or energy < self.lowest - self.ediff):
            self.lowest = energy
            self.stale = 0
        else:
            self.stale += 1
        if good and (
            self.first or energy <= self.energy
            or self.random.next_double(self.random.state) < exp(-(energy - self.energy) / temperature)
        ):
            memcpy(&self.x[0], x, 3 * self.n * sizeof(double))
            memcpy(&self.offset[0], &self.offset[3], 3 * sizeof(double))
            self.energy = energy
            self.have = True


cdef class CSMMoves(SymmetricMoves):
    """Moves for one given point group (SYMMETRISECSM).

    Parameters
    ----------
    operations, generators : array_like of shape (k, 3, 3)
        All operations of the group, the identity first, and some that generate it.
    trials : int
        Random orientations from which the symmetry measure of a cluster is minimised.
    cycles : int
        Most cycles of one minimisation; 0 is as many as it takes.
    tolerance : float
        Change of the measure that ends a minimisation, and the measure below which a cluster has the symmetry.
    n_atoms, interval, length, displacement, ediff, bit_generator
        See `SymmetricMoves`.
    """

    def __init__(self, operations, generators, Py_ssize_t trials, Py_ssize_t cycles, double tolerance, Py_ssize_t n_atoms,
                 Py_ssize_t interval, double length, double displacement, double ediff, bit_generator):
        super().__init__(n_atoms, len(operations), interval, length, displacement, ediff, bit_generator)
        self.orbits.set_group(operations)
        self.maps = np.ascontiguousarray(generators, dtype=np.float64).reshape(-1)
        self.n_maps = self.maps.shape[0] // 9
        self.trials = trials
        self.cycles = cycles
        self.tolerance = tolerance

    cdef void symmetrise(self, const double* x) noexcept nogil:
        """The symmetric structure nearest to x, in ``orbits``."""
        cdef double[9] m
        cdef double* y = &self.oriented[0]
        cdef double* turned = &self.work[0]
        cdef Py_ssize_t i, k
        self.centred(x)
        self.orbits.spacing = spacing_of(self.n, y)
        # an inversion looks the same in every orientation
        if not self.orbits.oriented_by_nothing:
            orient(self.n, y, self.n_maps, &self.maps[0], self.trials, self.cycles, self.tolerance, self.orbits.spacing,
                   self.random, m, &self.work[0])
            for i in range(self.n):
                for k in range(3):
                    turned[3 * i + k] = m[3 * k] * y[3 * i] + m[3 * k + 1] * y[3 * i + 1] + m[3 * k + 2] * y[3 * i + 2]
            memcpy(y, turned, 3 * self.n * sizeof(double))
        self.orbits.fold(y)
        self.orbits.complete()

    cdef bint begin(self, const double* x, double energy) noexcept nogil:
        """The walker's minimum made symmetric, or changed where it is symmetric; at random where it was seen before."""
        if self.fresh:
            self.fresh = False
            self.symmetrise(x)
            if self.orbits.asymmetry < self.tolerance:
                memcpy(&self.x[0], &self.oriented[0], 3 * self.n * sizeof(double))
                self.offset[0] = self.offset[1] = self.offset[2] = 0.0
                self.have = True
                self.first = False
                self.energy = self.lowest = energy
                self.orbits.move(self.displacement)
        else:
            self.orbits.spacing = spacing_of(self.n, x)
            self.orbits.scatter()
        return True


cdef class CoreMoves(SymmetricMoves):
    """Moves for the approximate point group of the core of the walker's minimum (SYMMETRISE).

    Parameters
    ----------
    tolerances : sequence of float
        How far an atom of the core may be from the image of another, in units of the distance between neighbours; one is
        drawn for each attempt to find a group.
    same : float
        Operations whose matrices differ by less in each element are one.
    reach : float
        Radius, in units of the distance between neighbours, of the sphere about the centroid of the cluster in which the centre
        of the core is looked for; 0: it is the centroid.
    most : int
        Most quenches of a chain.
    n_atoms, interval, length, displacement, ediff, bit_generator
        See `SymmetricMoves`.
    """

    def __init__(self, tolerances, double same, double reach, Py_ssize_t most, Py_ssize_t n_atoms, Py_ssize_t interval,
                 double length, double displacement, double ediff, bit_generator):
        super().__init__(n_atoms, LARGEST_GROUP, interval, length, displacement, ediff, bit_generator)
        # one more than wanted, to see that there are too many
        self.finder = CoreSymmetry(n_atoms, LARGEST_GROUP + 1)
        self.best = CoreSymmetry(n_atoms, LARGEST_GROUP + 1)
        self.tolerances = np.array(tolerances, dtype=np.float64)
        self.same = same
        self.reach = reach
        self.most = most
        self.core = np.zeros(3 * n_atoms)
        self.best_oriented = np.zeros(3 * n_atoms)
        self.radii = np.zeros(n_atoms)
        self.order = np.zeros(n_atoms, dtype=np.intp)

    cdef bint begin(self, const double* x, double energy) noexcept nogil:
        """A core with symmetry and its orbits completed by all atoms, or a random structure of its group."""
        cdef Py_ssize_t _attempt, k, m, order = 1
        cdef double tolerance
        for _attempt in range(ATTEMPTS):
            self.centred(x)
            self.orbits.spacing = spacing_of(self.n, x)
            if self.reach > 0.0:
                self.move_to_core()
            tolerance = self.orbits.spacing * self.tolerances[<Py_ssize_t>(self.uniform() * self.tolerances.shape[0])]
            k = self.choose_core(tolerance)
            m = self.finder.find(k, &self.core[0], tolerance, self.same)
            if m > order:
                order = m
                self.best.take(self.finder)
                memcpy(&self.best_oriented[0], &self.oriented[0], 3 * self.n * sizeof(double))
        if order == 1:
            return False
        memcpy(&self.oriented[0], &self.best_oriented[0], 3 * self.n * sizeof(double))
        if self.uniform() < SUBGROUP:
            # of one operation or of two; most often two generate the whole group
            k = 1 + <Py_ssize_t>(self.uniform() * (order - 1))
            m = 1 + <Py_ssize_t>(self.uniform() * (order - 1)) if self.uniform() < 0.5 else k
            order = self.best.reduce(k, m)
        self.orbits.set_operations(order, &self.best.operations[0])
        if self.uniform() < SCATTER:
            self.orbits.scatter()
        else:
            self.orbits.fold(&self.oriented[0])
            self.complete()
        return True

    cdef void complete(self) noexcept nogil:
        """Fill sites one by one, the best bound first."""
        self.orbits.fill_sites(&self.oriented[0])

    cdef void move_to_core(self) noexcept nogil:
        """Put a place near the centroid, where the nearest atoms are equally far, at the origin: an atom, a bond or a hole."""
        cdef Py_ssize_t i, k, count, _cycle
        cdef double[3] c, p
        cdef double r2, z, phi, s
        cdef double* y = &self.oriented[0]
        z = 2.0 * self.uniform() - 1.0
        phi = 2.0 * M_PI * self.uniform()
        s = self.reach * self.orbits.spacing * cbrt(self.uniform())
        p[0] = s * sqrt(1.0 - z * z) * cos(phi)
        p[1] = s * sqrt(1.0 - z * z) * sin(phi)
        p[2] = s * z
        # the centroid of the atoms within a bond's length of it, again and again
        r2 = ((INNERMOST + (OUTERMOST - INNERMOST) * self.uniform()) * self.orbits.spacing) ** 2
        for _cycle in range(10):
            count = 0
            c[0] = c[1] = c[2] = 0.0
            for i in range(self.n):
                if (y[3 * i] - p[0]) ** 2 + (y[3 * i + 1] - p[1]) ** 2 + (y[3 * i + 2] - p[2]) ** 2 < r2:
                    count += 1
                    for k in range(3):
                        c[k] += y[3 * i + k]
            if count == 0:
                break
            s = 0.0
            for k in range(3):
                c[k] /= count
                s += (c[k] - p[k]) ** 2
                p[k] = c[k]
            if s < 1e-12:
                break
        for i in range(3 * self.n):
            y[i] -= p[i % 3]

    cdef Py_ssize_t choose_core(self, double tolerance) noexcept nogil:
        """Put the atoms of a random number of whole shells, at least four, into ``core``; returns their number."""
        cdef Py_ssize_t i, j, k, n = self.n
        cdef double r
        cdef const double* y = &self.oriented[0]
        for i in range(n):
            r = sqrt(y[3 * i] ** 2 + y[3 * i + 1] ** 2 + y[3 * i + 2] ** 2)
            j = i
            while j > 0 and self.radii[j - 1] > r:
                self.radii[j] = self.radii[j - 1]
                self.order[j] = self.order[j - 1]
                j -= 1
            self.radii[j] = r
            self.order[j] = i
        k = min(n, 4 + <Py_ssize_t>(self.uniform() * (n - 3)))
        # a shell ends where the next atom is farther out than the tolerance
        while k < n and self.radii[k] - self.radii[k - 1] <= tolerance:
            k += 1
        for i in range(k):
            memcpy(&self.core[3 * i], y + 3 * self.order[i], 3 * sizeof(double))
        return k

    cdef inline double uniform(self) noexcept nogil:
        return self.random.next_double(self.random.state)

"""Arithmetic of the multilayer perceptron: layout of variables and data, and the calls of the kernels in ``_mlp.h``."""

from scipy.linalg.cython_blas cimport dgemm

from potentials._aligned cimport aligned_empty
from potentials.potential cimport Potential

import numpy as np

cdef extern from "_mlp.h" nogil:
    ctypedef void (*mlp_dgemm_t)(
        char*, char*, int*, int*, int*, double*, double*, int*, double*, int*, double*, double*, int*) noexcept nogil

    ctypedef struct mlp_t:
        Py_ssize_t n_layers
        const Py_ssize_t* size
        const Py_ssize_t* weights
        const Py_ssize_t* biases
        const Py_ssize_t* node
        const Py_ssize_t* owner
        int has_biases
        Py_ssize_t n_variables, n_items, block, n_blocks
        const double* inputs
        const double* targets
        const double* item_weights
        double lam
        Py_ssize_t n_regularised
        const unsigned char* frozen
        double* thawed
        double* thawed_direction
        double* activations
        double* deltas
        double* raw
        double* r_activations
        double* r_deltas
        double* rows
        mlp_dgemm_t dgemm

    ctypedef struct mlp_kernels_t:
        double (*energy_gradient)(const mlp_t*, const double*, double*) noexcept nogil
        void (*hessian)(const mlp_t*, const double*, double*) noexcept nogil
        void (*hessian_vector)(const mlp_t*, const double*, const double*, double*) noexcept nogil
        void (*probabilities)(const mlp_t*, const double*, Py_ssize_t, const double*, double*) noexcept nogil
        void (*elementary)(int, Py_ssize_t, const double*, double*) noexcept nogil

    int mlp_choose_kernels(int lanes, mlp_kernels_t* k)

#: Bytes that the activations and derivatives of one block of data may take: about a first-level cache.
cdef Py_ssize_t BLOCK_BYTES = 40 * 1024
#: Items per block at least (networks with many inputs) and at most.
cdef Py_ssize_t SMALLEST_BLOCK = 64, LARGEST_BLOCK = 512


cdef class MultilayerPerceptronCore(Potential):
    """Loss of a network of tanh layers with softmax outputs; see ``potentials.mlp``."""

    cdef mlp_t m
    cdef mlp_kernels_t kernels
    cdef double least  # cross-entropy that no network can go below
    cdef object _arrays, _work  # keep the memory that m points to alive

    def __init__(self, layers, inputs, classes, double lam, Py_ssize_t n_regularised, bint has_biases, frozen, int lanes=0,
                 targets=None):
        sizes = np.asarray(layers, dtype=np.intp)
        cdef Py_ssize_t n_layers = len(layers) - 1, n_items = inputs.shape[0], n_nodes = int(sizes[1:].sum()), l
        n_weights = int((sizes[1:] * sizes[:n_layers]).sum())
        weights = np.zeros(n_layers + 1, dtype=np.intp)
        biases = np.zeros(n_layers + 1, dtype=np.intp)
        node = np.zeros(n_layers + 1, dtype=np.intp)
        biases[1:] = n_weights
        for l in range(2, n_layers + 1):
            weights[l] = weights[l - 1] + sizes[l - 1] * sizes[l - 2]
            node[l] = node[l - 1] + sizes[l - 1]
            biases[l] = biases[l - 1] + sizes[l - 1]
        owner = np.concatenate([np.repeat(np.arange(n_nodes), np.repeat(sizes[:n_layers], sizes[1:]))]
                               + ([np.arange(n_nodes)] if has_biases else [])).astype(np.intp)
        self.n_variables = owner.shape[0]

        block = BLOCK_BYTES // (8 * (int(sizes[0]) + 2 * n_nodes)) // 16 * 16
        block = min(max(block, SMALLEST_BLOCK), LARGEST_BLOCK, (n_items + 7) // 8 * 8)
        n_blocks = -(-n_items // block)
        blocked = block_rows(inputs, block)
        wanted = np.asarray(targets, dtype=float) if targets is not None else np.eye(int(sizes[n_layers]))[classes]
        targets = block_rows(wanted / n_items, block)
        # the mean entropy of the targets, zero for classes: what is left is zero where the outputs are the targets
        self.least = -float(np.sum(wanted * np.log(np.where(wanted > 0.0, wanted, 1.0)))) / n_items
        item_weights = np.zeros(n_blocks * block)
        item_weights[:n_items] = 1.0 / n_items
        frozen_bytes = None if frozen is None else np.ascontiguousarray(frozen, dtype=np.uint8)

        cdef Py_ssize_t[::1] size_v = sizes, weights_v = weights, biases_v = biases, node_v = node, owner_v = owner
        cdef double[::1] inputs_v = blocked, targets_v = targets, item_v = item_weights
        cdef const unsigned char[::1] frozen_v
        self.m.n_layers = n_layers
        self.m.size = &size_v[0]
        self.m.weights = &weights_v[0]
        self.m.biases = &biases_v[0]
        self.m.node = &node_v[0]
        self.m.owner = &owner_v[0]
        self.m.has_biases = has_biases
        self.m.n_variables = self.n_variables
        self.m.n_items = n_items
        self.m.block = block
        self.m.n_blocks = n_blocks
        self.m.inputs = &inputs_v[0]
        self.m.targets = &targets_v[0]
        self.m.item_weights = &item_v[0]
        self.m.lam = lam
        self.m.n_regularised = n_regularised
        self.m.frozen = NULL
        if frozen is not None:
            frozen_v = frozen_bytes
            self.m.frozen = &frozen_v[0]
        self.m.dgemm = <mlp_dgemm_t>dgemm
        mlp_choose_kernels(lanes, &self.kernels)
        self._arrays = (sizes, weights, biases, node, owner, blocked, targets, item_weights, frozen_bytes)
        self._give_work_space()

    cdef _give_work_space(self):
        cdef Py_ssize_t n_nodes = self.m.node[self.m.n_layers] + self.m.size[self.m.n_layers], stride = n_nodes * self.m.block
        n_weights = self.m.biases[1]
        thawed = np.zeros((2, self.n_variables))
        work = aligned_empty((5 * n_nodes + n_weights) * self.m.block)
        cdef double[::1] work_v = work
        cdef double[:, ::1] thawed_v = thawed
        self.m.thawed = &thawed_v[0, 0]
        self.m.thawed_direction = &thawed_v[1, 0]
        self.m.activations = &work_v[0]
        self.m.deltas = self.m.activations + stride
        self.m.raw = self.m.deltas + stride
        self.m.r_activations = self.m.raw + stride
        self.m.r_deltas = self.m.r_activations + stride
        self.m.rows = self.m.r_deltas + stride
        self._work = (thawed, work)

    def __copy__(self):
        """A copy with work space of its own, for another thread; data and tables, which nobody changes, are shared."""
        cdef MultilayerPerceptronCore other = type(self).__new__(type(self))
        other.n_variables = self.n_variables
        other.symmetry = self.symmetry
        other.m = self.m
        other.least = self.least
        other.kernels = self.kernels
        other._arrays = self._arrays
        other._give_work_space()
        if hasattr(self, "__dict__"):
            other.__dict__.update(self.__dict__)
        return other

    cdef double c_energy_gradient(self, const double* x, double* gradient) noexcept nogil:
        return self.kernels.energy_gradient(&self.m, x, gradient) - self.least

    cdef void c_hessian(self, const double* x, double* hessian) noexcept nogil:
        self.kernels.hessian(&self.m, x, hessian)

    cdef void c_hessian_vector(self, const double* x, const double* v, double* hv) noexcept nogil:
        self.kernels.hessian_vector(&self.m, x, v, hv)

    def _probabilities(self, x, inputs):
        cdef const double[::1] xv = self._input(x)
        cdef double[::1] in_v = block_rows(inputs, self.m.block)
        cdef Py_ssize_t n_out = self.m.size[self.m.n_layers], n_blocks = -(-inputs.shape[0] // self.m.block)
        out = np.empty((n_blocks, n_out, self.m.block))
        cdef double[:, :, ::1] out_v = out
        with nogil:
            self.kernels.probabilities(&self.m, &xv[0], n_blocks, &in_v[0], &out_v[0, 0, 0])
        return np.ascontiguousarray(out.transpose(0, 2, 1).reshape(-1, n_out)[:inputs.shape[0]])


cdef block_rows(a, Py_ssize_t block):
    """Rows a[item, column] as blocks of items, one row of ``block`` items per column in each, padded with zeros; flat."""
    n_items, n_columns = a.shape
    n_blocks = -(-n_items // block)
    flat = aligned_empty(n_blocks * block * n_columns)
    padded = flat.reshape(n_blocks, n_columns, block)
    padded[:] = 0.0
    for b in range(n_blocks):
        part = a[b * block:(b + 1) * block]
        padded[b, :, :part.shape[0]] = part.T
    return flat


def elementary(name, x, lanes=0):
    """The kernels' exp, log or tanh of an array, with the given number of doubles per vector (0: the best); for tests."""
    cdef mlp_kernels_t kernels
    if mlp_choose_kernels(lanes, &kernels) != lanes and lanes:
        raise ValueError(f"this processor has no kernels with {lanes} lanes")
    padded = np.ones(-(-x.size // 8) * 8)
    padded[:x.size] = x
    result = np.empty_like(padded)
    cdef double[::1] xv = padded, yv = result
    kernels.elementary(("exp", "log", "tanh").index(name), padded.size, &xv[0], &yv[0])
    return result[:x.size]

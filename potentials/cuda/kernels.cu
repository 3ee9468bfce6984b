/* The kernels. Each is told everything by one `Parameters`; parameters.py finds their names at the end. */
#include "cluster.h"
#include "layers.h"
#include "lbfgs.h"
#include "network.h"
#include "tasks.h"
#include "walker.h"

struct Cluster {
    template <class T> static __device__ __forceinline__ T energy_gradient(const Parameters &p, const T *x, T *g, double *work, double *scratch)
    {
        return cluster_energy_gradient(p, x, g, work, scratch);
    }
};

struct Network {
    template <class T> static __device__ __forceinline__ T energy_gradient(const Parameters &p, const T *x, T *g, double *work, double *scratch)
    {
        return network_energy_gradient(p, x, g, work, scratch);
    }
};

/* energies and gradients of n_points points, one block for several of them in turn */
template <class Potential> DEVICE void energies_and_gradients(const Parameters &p)
{
    SHARED_PARTS(p);
    const int n = (int)p.n_variables;
    double *x = own, *g = own + n;
    for (long long b = blockIdx.x; b < p.n_points; b += gridDim.x) {
        EACH(k, n) x[k] = p.x[b * n + k];
        const double energy = Potential::template energy_gradient<double>(p, x, g, work, scratch);
        if (threadIdx.x == 0) p.energy[b] = energy;
        EACH(k, n) p.gradient[b * n + k] = g[k];
        barrier();
    }
}

/* products of Hessians with directions, by numbers that carry a derivative */
template <class Potential> DEVICE void hessian_vectors(const Parameters &p)
{
    SHARED_PARTS(p);
    const int n = (int)p.n_variables;
    Dual *x = (Dual *)own, *g = x + n;
    for (long long b = blockIdx.x; b < p.n_points; b += gridDim.x) {
        /* a frozen variable does not follow: its row and column of the Hessian are zero */
        EACH(k, n) x[k] = dual(p.x[b * n + k], p.frozen && p.frozen[k] ? 0.0 : p.direction[b * n + k]);
        Potential::template energy_gradient<Dual>(p, x, g, work, scratch);
        EACH(k, n) p.gradient[b * n + k] = g[k].change;
        barrier();
    }
}

/* the rows of L-BFGS of this block where shared memory has no room for them */
DEVICE double *rows_outside(const Parameters &p)
{
    return p.rows + (size_t)blockIdx.x * ((2 * p.history + ROW_MEMORY) * p.n_variables + 2 * p.history);
}

/* quenches of n_points points: each block takes the next that waits until none is left */
template <class Potential> DEVICE void take_quenches(const Parameters &p, double *rows, double *work, double *scratch)
{
    const int n = (int)p.n_variables;
    for (;;) {
        Quench q;
        if (threadIdx.x == 0) scratch[0] = (double)atomicAdd(p.queue, 1ull);
        __syncthreads();
        const long long b = (long long)scratch[0];
        __syncthreads();
        if (b >= p.n_points) return;
        EACH(k, n) rows[ROW_NEW_X * n + k] = p.x[b * n + k];
        lbfgs_quench<Potential>(p, q, rows, work, scratch);
        EACH(k, n) {
            p.final_x[b * n + k] = rows[ROW_X * n + k];
            p.gradient[b * n + k] = rows[ROW_GRADIENT * n + k];
        }
        if (threadIdx.x == 0) {
            p.energy[b] = q.energy;
            p.final_rms[b] = q.rms;
            p.iterations[b] = q.iterations;
            p.calls[b] = q.calls;
            p.status[b] = q.status;
        }
        barrier();
    }
}

/* two copies of the code: in one of them the compiler knows that the rows are in shared memory */
template <class Potential> DEVICE void quenches(const Parameters &p)
{
    SHARED_PARTS(p);
    if (p.rows) take_quenches<Potential>(p, rows_outside(p), work, scratch);
    else take_quenches<Potential>(p, own, work, scratch);
}

template <class Potential> DEVICE void walkers(const Parameters &p)
{
    SHARED_PARTS(p);
    if (p.rows) take_steps<Potential>(p, rows_outside(p), work, scratch);
    else take_steps<Potential>(p, own, work, scratch);
}

template <class Potential> DEVICE void tasks(const Parameters &p)
{
    SHARED_MEMORY(scratch);
    do_tasks<Potential>(p, scratch);
}

#define KERNEL extern "C" __global__ void
/* a kernel whose registers leave room for that many blocks of the most threads on a multiprocessor */
#define MOST_THREADS 256
#define KERNEL_WITH_ROOM(blocks) extern "C" __global__ __launch_bounds__(MOST_THREADS, blocks) void
KERNEL cluster_energy_gradients(const __grid_constant__ Parameters p) { energies_and_gradients<Cluster>(p); }
KERNEL cluster_hessian_vectors(const __grid_constant__ Parameters p) { hessian_vectors<Cluster>(p); }
KERNEL_WITH_ROOM(2) cluster_quenches(const __grid_constant__ Parameters p) { quenches<Cluster>(p); }
KERNEL_WITH_ROOM(2) cluster_walkers(const __grid_constant__ Parameters p) { walkers<Cluster>(p); }
KERNEL cluster_starts(const __grid_constant__ Parameters p)
{
    SHARED_MEMORY(scratch);
    random_clusters(p, scratch);
}
KERNEL_WITH_ROOM(2) cluster_tasks(const __grid_constant__ Parameters p) { tasks<Cluster>(p); }
KERNEL network_energy_gradients(const __grid_constant__ Parameters p) { energies_and_gradients<Network>(p); }
KERNEL network_hessian_vectors(const __grid_constant__ Parameters p) { hessian_vectors<Network>(p); }
KERNEL_WITH_ROOM(2) network_quenches(const __grid_constant__ Parameters p) { quenches<Network>(p); }
KERNEL_WITH_ROOM(2) network_walkers(const __grid_constant__ Parameters p) { walkers<Network>(p); }
KERNEL_WITH_ROOM(2) network_tasks(const __grid_constant__ Parameters p) { tasks<Network>(p); }
KERNEL layers_thaw(const __grid_constant__ Parameters p) { thaw(p); }
KERNEL layers_pack(const __grid_constant__ Parameters p) { pack(p); }
KERNEL layers_scatter(const __grid_constant__ Parameters p) { scatter(p); }
KERNEL layers_activate(const __grid_constant__ Parameters p) { activate(p); }
KERNEL layers_softmax(const __grid_constant__ Parameters p) { softmax(p); }
KERNEL layers_slope(const __grid_constant__ Parameters p) { slope(p); }
KERNEL layers_bias_gradients(const __grid_constant__ Parameters p) { bias_gradients(p); }
KERNEL layers_energies(const __grid_constant__ Parameters p) { energies(p); }
KERNEL layers_r_activate(const __grid_constant__ Parameters p) { r_activate(p); }
KERNEL layers_r_softmax(const __grid_constant__ Parameters p) { r_softmax(p); }
KERNEL layers_r_slope(const __grid_constant__ Parameters p) { r_slope(p); }
KERNEL layers_advance(const __grid_constant__ Parameters p) { advance_slot(p); }

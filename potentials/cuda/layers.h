/* Networks whose matrix products are left to a library: what happens to B networks between the products, and quenches in step with such
 * evaluations. Activations and derivatives of a layer are B x nodes x items, the item innermost.
 */
#ifndef LANDSCAPES_CUDA_LAYERS_H
#define LANDSCAPES_CUDA_LAYERS_H
#include "lbfgs.h"
#include "network.h"

#define ALL(t, count) \
    for (long long t = (long long)blockIdx.x * blockDim.x + threadIdx.x; t < (count); t += (long long)gridDim.x * blockDim.x)

/* gradient = x with the frozen variables at zero */
DEVICE void thaw(const Parameters &p)
{
    ALL(t, p.n_points * p.n_variables) p.gradient[t] = p.frozen && p.frozen[t % p.n_variables] ? 0.0 : p.x[t];
}

/* the weights of the first layer of all networks, side by side: one product with the inputs that they share. Back with `scatter` */
DEVICE void pack(const Parameters &p)
{
    const long long n = p.sizes[0] * p.sizes[1];
    ALL(t, p.n_points * n) p.packed[t] = p.x[t / n * p.n_variables + t % n];
}

DEVICE void scatter(const Parameters &p)
{
    const long long n = p.sizes[0] * p.sizes[1];
    ALL(t, p.n_points * n) p.gradient[t / n * p.n_variables + t % n] = p.packed[t];
}

DEVICE double bias_of(const Parameters &p, const double *x, long long t)
{
    const long long size = p.sizes[p.layer];
    return p.has_biases ? x[t / (size * p.n_items) * p.n_variables + p.biases[p.layer] + t / p.n_items % size] : 0.0;
}

/* products become activations, or outputs before the softmax */
DEVICE void activate(const Parameters &p)
{
    ALL(t, p.n_points * p.sizes[p.layer] * p.n_items) {
        const double z = p.activations[t] + bias_of(p, p.x, t);
        p.activations[t] = p.layer < p.n_layers ? tanh(z) : z;
    }
}

/* outputs become their derivatives */
DEVICE void softmax(const Parameters &p)
{
    const long long n_out = p.sizes[p.n_layers];
    ALL(t, p.n_points * p.n_items) {
        const long long item = t % p.n_items;
        p.item_energy[t] = softmax_loss((int)n_out, p.deltas + t / p.n_items * n_out * p.n_items + item, (int)p.n_items, p.targets + item,
                                        p.n_items, 1.0 / (double)p.n_items);
    }
}

DEVICE void slope(const Parameters &p)
{
    ALL(t, p.n_points * p.sizes[p.layer] * p.n_items) p.deltas[t] *= 1.0 - p.activations[t] * p.activations[t];
}

/* a block per bias of the layer: the sum of its row of derivatives */
DEVICE void bias_gradients(const Parameters &p)
{
    SHARED_MEMORY(scratch);
    const long long size = p.sizes[p.layer];
    for (long long row = blockIdx.x; row < p.n_points * size; row += gridDim.x) {
        double sum = 0.0;
        EACH(d, (int)p.n_items) sum += p.deltas[row * p.n_items + d];
        sum = block_sum(sum, scratch);
        if (threadIdx.x == 0) p.gradient[row / size * p.n_variables + p.biases[p.layer] + row % size] = sum;
    }
}

/* a block per network: the energy, the regularisation, and zeros for frozen variables */
DEVICE void energies(const Parameters &p)
{
    SHARED_MEMORY(scratch);
    for (long long b = blockIdx.x; b < p.n_points; b += gridDim.x) {
        const double *w = p.x + b * p.n_variables;
        double *g = p.gradient + b * p.n_variables, sum = 0.0;
        if (p.energy) EACH(d, (int)p.n_items) sum += p.item_energy[b * p.n_items + d];
        EACH(q, (int)p.n_variables) {
            if (q < p.n_regularised) {
                sum += p.lambda * w[q] * w[q];
                g[q] += 2.0 * p.lambda * w[q];
            }
            if (p.frozen && p.frozen[q]) g[q] = 0.0;
        }
        sum = block_sum(sum, scratch);
        if (p.energy && threadIdx.x == 0) p.energy[b] = sum - p.least;
    }
}

/* --- the same along a direction (Pearlmutter, Neural Comput. 6, 147 (1994)): r_activations and r_deltas change with the weights */

DEVICE void r_activate(const Parameters &p)
{
    ALL(t, p.n_points * p.sizes[p.layer] * p.n_items) {
        const double z = p.r_activations[t] + bias_of(p, p.direction, t), a = p.activations[t];
        p.r_activations[t] = p.layer < p.n_layers ? (1.0 - a * a) * z : z;
    }
}

/* r_deltas: the change of the outputs becomes that of their derivatives (p - t)/N */
DEVICE void r_softmax(const Parameters &p)
{
    const long long n_out = p.sizes[p.n_layers];
    const double n = (double)p.n_items;
    ALL(t, p.n_points * p.n_items) {
        const long long item = t % p.n_items, first = t / p.n_items * n_out * p.n_items + item;
        double mean = 0.0;
        for (long long i = 0; i < n_out; i++)
            mean += (n * p.deltas[first + i * p.n_items] + p.targets[i * p.n_items + item]) * p.r_deltas[first + i * p.n_items];
        for (long long i = 0; i < n_out; i++) {
            const long long k = first + i * p.n_items;
            p.r_deltas[k] = (n * p.deltas[k] + p.targets[i * p.n_items + item]) * (p.r_deltas[k] - mean) / n;
        }
    }
}

DEVICE void r_slope(const Parameters &p)
{
    ALL(t, p.n_points * p.sizes[p.layer] * p.n_items) {
        const double a = p.activations[t], s = 1.0 - a * a, raw = p.deltas[t];
        p.deltas[t] = s * raw;
        p.r_deltas[t] = s * p.r_deltas[t] - 2.0 * a * p.r_activations[t] * raw;
    }
}

/* --- quenches in step: each slot takes up the energy and the gradient at its point and says where it wants the next */

typedef struct {
    Quench quench;
    /* the point that is quenched, or one of the following */
    long long point;
} Slot;

#define SLOT_EMPTY (-1)
#define SLOT_IDLE (-2)

DEVICE void advance_slot(const Parameters &p)
{
    SHARED_MEMORY(scratch);
    const int n = (int)p.n_variables;
    const size_t slot = blockIdx.x;
    double *rows = p.slot_rows + slot * ((2 * p.history + ROW_MEMORY) * n + 2 * p.history);
    Slot s = ((const Slot *)p.slot_states)[slot];
    __syncthreads();
    if (s.point == SLOT_IDLE) return;
    if (s.point >= 0) {
        EACH(k, n) rows[ROW_NEW_GRADIENT * n + k] = p.slot_gradient[slot * n + k];
        if (!lbfgs_advance(minimiser_of(p), s.quench, p.slot_energy[slot], rows, scratch)) {
            EACH(k, n) {
                p.final_x[s.point * n + k] = rows[ROW_X * n + k];
                p.gradient[s.point * n + k] = rows[ROW_GRADIENT * n + k];
            }
            if (threadIdx.x == 0) {
                p.energy[s.point] = s.quench.energy;
                p.final_rms[s.point] = s.quench.rms;
                p.iterations[s.point] = s.quench.iterations;
                p.calls[s.point] = s.quench.calls;
                p.status[s.point] = s.quench.status;
            }
            s.point = SLOT_EMPTY;
        }
    }
    if (s.point == SLOT_EMPTY) {
        __syncthreads();
        if (threadIdx.x == 0) scratch[0] = (double)atomicAdd(p.queue, 1ull);
        __syncthreads();
        s.point = (long long)scratch[0];
        lbfgs_start(minimiser_of(p), s.quench);
        if (s.point >= p.n_points) {
            s.point = SLOT_IDLE;
            if (threadIdx.x == 0) atomicAdd(p.finished, 1ull);
        } else {
            EACH(k, n) rows[ROW_NEW_X * n + k] = p.x[s.point * n + k];
        }
    }
    EACH(k, n) p.slot_x[slot * n + k] = rows[ROW_NEW_X * n + k];
    if (threadIdx.x == 0) ((Slot *)p.slot_states)[slot] = s;
}
#endif

/* Training loss of a multilayer perceptron (potentials/mlp.py): one vector of weights per block, the data in tiles.
 *
 * A thread takes an item of data of the tile through the layers and back; then each variable's products are summed over the tile by
 * `parts` neighbouring threads. Rows of a tile are one longer than its items, which puts the rows that the threads of a warp
 * read at the same time into different banks.
 */
#ifndef LANDSCAPES_CUDA_NETWORK_H
#define LANDSCAPES_CUDA_NETWORK_H
#include "block.h"
#include "parameters.h"

/* nodes that share the loads of what comes in */
#define NODES 4

/* out_i = sum_k w_i[k] in_k (+ b_i) for one item; rows of `in` and `out` are ld apart */
template <class T> DEVICE void affine(int n_out, int n_in, const T *w, const T *b, const T *in, T *out, int ld, int is_hidden)
{
    for (int i = 0; i < n_out; i += NODES) {
        const int m = n_out - i < NODES ? n_out - i : NODES;
        T sum[NODES];
#pragma unroll
        for (int r = 0; r < NODES; r++) sum[r] = b && r < m ? b[i + r] : number<T>(0.0);
        for (int k = 0; k < n_in; k++) {
            const T a = in[k * ld];
#pragma unroll
            for (int r = 0; r < NODES; r++)
                if (r < m) sum[r] += w[(i + r) * n_in + k] * a;
        }
#pragma unroll
        for (int r = 0; r < NODES; r++)
            if (r < m) out[(i + r) * ld] = is_hidden ? hyperbolic(sum[r]) : sum[r];
    }
}

/* outputs become weight (p - target); returns weight times the cross-entropy. Rows of `y` are ld apart, of `target` target_ld */
template <class T> DEVICE T softmax_loss(int n_out, T *y, int ld, const double *target, long long target_ld, double weight)
{
    T top = y[0], sum = number<T>(0.0), hit = number<T>(0.0);
    for (int i = 1; i < n_out; i++) top = select(value_of(y[i * ld]) > value_of(top), y[i * ld], top);
    for (int i = 0; i < n_out; i++) {
        const T shifted = y[i * ld] - top, e = exponential(shifted);
        hit += target[i * target_ld] * shifted;
        sum += e;
        y[i * ld] = e;
    }
    const T inverse_sum = inverse(sum);
    for (int i = 0; i < n_out; i++) y[i * ld] = weight * (y[i * ld] * inverse_sum - target[i * target_ld]);
    return weight * (logarithm(sum) - hit);
}

/* one item through the network and back: fills its column of activations (inputs first) and derivatives; the loss */
template <class T> DEVICE T item_of_network(const Parameters &p, const T *w, long long item, T *activations, T *deltas, int ld)
{
    const int n_layers = (int)p.n_layers, n_in = (int)p.sizes[0], n_out = (int)p.sizes[n_layers];
    const int real = item < p.n_items;
    int before = 0, node = 0;
    for (int k = 0; k < n_in; k++) activations[k * ld] = number<T>(real ? p.inputs[k * p.n_items + item] : 0.0);
    for (int l = 1; l <= n_layers; l++) {
        const int rows = (int)p.sizes[l - 1];
        T *out = l < n_layers ? activations + (before + rows) * ld : deltas + node * ld;
        affine((int)p.sizes[l], rows, w + p.weights[l], p.has_biases ? w + p.biases[l] : (const T *)0, activations + before * ld, out,
               ld, l < n_layers);
        before += rows;
        if (l < n_layers) node += (int)p.sizes[l];
    }
    /* items beyond the end have weight zero, and borrow a target */
    const T loss = softmax_loss(n_out, deltas + node * ld, ld, p.targets + (real ? item : 0), p.n_items,
                                real ? 1.0 / (double)p.n_items : 0.0);
    for (int l = n_layers - 1; l >= 1; l--) {
        const int size = (int)p.sizes[l], next = (int)p.sizes[l + 1];
        const T *weights = w + p.weights[l + 1], *from = deltas + node * ld;
        before -= size;
        node -= size;
        for (int k = 0; k < size; k++) {
            const T a = activations[(before + k) * ld];
            T sum = number<T>(0.0);
            for (int i = 0; i < next; i++) sum += weights[i * size + k] * from[i * ld];
            deltas[(node + k) * ld] = sum * (1.0 - a * a);
        }
    }
    return loss;
}

/* numbers of shared memory: the weights, and a tile of inputs, activations and derivatives. x and gradient are visible to all
 * threads of the block; the energy, in every thread */
template <class T> DEVICE T network_energy_gradient(const Parameters &p, const T *x, T *gradient, double *work, double *scratch)
{
    const int n = (int)p.n_variables, tile = (int)blockDim.x, ld = tile + 1, me = (int)threadIdx.x, parts = (int)p.parts;
    int n_hidden = 0;
    for (int l = 1; l < (int)p.n_layers; l++) n_hidden += (int)p.sizes[l];
    T *w = (T *)work, *activations = w + n, *deltas = activations + ((int)p.sizes[0] + n_hidden) * ld;
    T energy = number<T>(0.0);
    barrier();
    for (int q = me; q < n; q += tile) w[q] = p.frozen && p.frozen[q] ? number<T>(0.0) : x[q];
    barrier();
    for (long long first = 0; first < p.n_items; first += tile) {
        energy += item_of_network(p, w, first + me, activations + me, deltas + me, ld);
        barrier();
        for (int start = 0; start < n; start += tile / parts) {
            const int q = start + me / parts;
            T sum = number<T>(0.0);
            if (q < n) {
                const T *delta = deltas + p.delta_row[q] * ld;
                if (p.activation_row[q] < 0) {
                    for (int t = me % parts; t < tile; t += parts) sum += delta[t];
                } else {
                    const T *a = activations + p.activation_row[q] * ld;
                    for (int t = me % parts; t < tile; t += parts) sum += delta[t] * a[t];
                }
            }
            sum = sum_of_lanes(sum, parts);
            if (q < n && me % parts == 0) gradient[q] = first == 0 ? sum : gradient[q] + sum;
        }
        barrier();
    }
    for (int q = me; q < n; q += tile) {
        if (q < p.n_regularised) {
            energy += p.lambda * (w[q] * w[q]);
            gradient[q] += 2.0 * p.lambda * w[q];
        }
        if (p.frozen && p.frozen[q]) gradient[q] = number<T>(0.0);
    }
    return block_sum(energy, scratch) - p.least;
}
#endif

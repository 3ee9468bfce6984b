/* Clusters of Lennard-Jones atoms, with or without the Axilrod-Teller term and a spherical container: one cluster per block.
 *
 * `parts` neighbouring threads share the partners of an atom; every ordered pair is looked at, so that no two threads ever add to
 * the same number and the result does not depend on their order. The formulae are those of _lj_template.h and _ljat_template.h.
 */
#ifndef LANDSCAPES_CUDA_CLUSTER_H
#define LANDSCAPES_CUDA_CLUSTER_H
#include "block.h"
#include "parameters.h"

/* force constant of the wall: CONTAINER_STIFFNESS of _container.h */
#define WALL 50.0

template <class T> struct Vector { T x, y, z; };

template <class T> DEVICE Vector<T> position(const T *x, int i)
{
    Vector<T> r = {x[3 * i], x[3 * i + 1], x[3 * i + 2]};
    return r;
}

template <class T> DEVICE Vector<T> between(Vector<T> a, Vector<T> b)
{
    Vector<T> r = {a.x - b.x, a.y - b.y, a.z - b.z};
    return r;
}

template <class T> DEVICE T squared(Vector<T> a) { return a.x * a.x + a.y * a.y + a.z * a.z; }

template <class T> DEVICE void add(Vector<T> &sum, T factor, Vector<T> a)
{
    sum.x += factor * a.x;
    sum.y += factor * a.y;
    sum.z += factor * a.z;
}

/* the pairs of atom i with every parts-th other atom; adds 1/8 of their energies, and the gradient over 24 */
template <class T> DEVICE void pairs_of_atom(const Parameters &p, const T *x, int i, int part, T &energy, Vector<T> &gradient)
{
    const int n = (int)p.n_atoms, parts = (int)p.parts;
    const Vector<T> own = position(x, i);
#pragma unroll 4
    for (int j = part; j < n; j += parts) {
        const Vector<T> d = between(own, position(x, j));
        /* an atom is no partner of itself; without a branch */
        const T r2 = select(j == i, number<T>(1.0), squared(d));
        const T i2 = inverse(r2), i6 = i2 * i2 * i2;
        energy += select(j == i, number<T>(0.0), i6 * i6 - i6);
        add(gradient, i6 * i2 * (1.0 - 2.0 * i6), d);
    }
}

/* the triples of atom i with every parts-th other atom and a third after it; adds their energies and their gradient */
template <class T> DEVICE void triples_of_atom(const Parameters &p, const T *x, int i, int part, T &energy, Vector<T> &gradient)
{
    const int n = (int)p.n_atoms, parts = (int)p.parts;
    const Vector<T> own = position(x, i);
    for (int j = part; j < n; j += parts) {
        if (j == i) continue;
        const Vector<T> second = position(x, j), d2 = between(own, second);
        const T r12 = squared(d2), i12 = inverse(r12);
        T along = number<T>(0.0);
        for (int k = j + 1; k < n; k++) {
            if (k == i) continue;
            const Vector<T> third = position(x, k), d3 = between(own, third);
            const T r13 = squared(d3), r23 = squared(between(second, third));
            const T i13 = inverse(r13), product = i12 * i13 * inverse(r23);
            const T t0 = p.z * (product * root(product)), t1 = 0.375 * (product * t0);
            const T a = r12 + r13 - r23, b = r12 + r23 - r13, c = r13 + r23 - r12;
            const T ab = a * b, ac = a * c, bc = b * c, e = a * bc * t1, u = -1.5 * t0 - 2.5 * e;
            energy += t0 + e;
            along += u * i12 + t1 * (bc + ac - ab);
            add(gradient, 2.0 * (u * i13 + t1 * (bc + ab - ac)), d3);
        }
        add(gradient, 2.0 * along, d2);
    }
}

/* x and gradient in memory that all threads of the block see, 3 n_atoms numbers each; the energy, in every thread */
template <class T> DEVICE T cluster_energy_gradient(const Parameters &p, const T *x, T *gradient, double *, double *scratch)
{
    const int n = (int)p.n_atoms, parts = (int)p.parts;
    const int part = (int)threadIdx.x % parts, atoms_at_once = (int)blockDim.x / parts;
    T energy = number<T>(0.0);
    barrier();
    for (int first = 0; first < n; first += atoms_at_once) {
        const int i = first + (int)threadIdx.x / parts;
        Vector<T> g = {number<T>(0.0), number<T>(0.0), number<T>(0.0)};
        if (i < n) {
            T pairs = number<T>(0.0);
            pairs_of_atom(p, x, i, part, pairs, g);
            energy += 2.0 * pairs;
            g.x = 24.0 * g.x;
            g.y = 24.0 * g.y;
            g.z = 24.0 * g.z;
            if (p.z != 0.0) {
                T triples = number<T>(0.0);
                triples_of_atom(p, x, i, part, triples, g);
                energy += (1.0 / 3.0) * triples;
            }
        }
        g.x = sum_of_lanes(g.x, parts);
        g.y = sum_of_lanes(g.y, parts);
        g.z = sum_of_lanes(g.z, parts);
        if (i < n && part == 0) {
            if (p.radius > 0.0) {
                const Vector<T> r = position(x, i);
                const T r2 = squared(r);
                if (value_of(r2) > p.radius * p.radius) {
                    const T length = root(r2), out = length - p.radius;
                    energy += WALL * (out * out);
                    add(g, 2.0 * WALL * (out * inverse(length)), r);
                }
            }
            gradient[3 * i] = g.x;
            gradient[3 * i + 1] = g.y;
            gradient[3 * i + 2] = g.z;
        }
    }
    return block_sum(energy, scratch);
}
#endif

/* Numbers with their derivative along one direction: a gradient evaluated with them carries the product of the Hessian with that
 * direction, exactly. */
#ifndef LANDSCAPES_CUDA_DUAL_H
#define LANDSCAPES_CUDA_DUAL_H
#include "portable.h"

struct Dual { double value, change; };

DEVICE Dual dual(double value, double change) { Dual r = {value, change}; return r; }

DEVICE Dual operator+(Dual a, Dual b) { return dual(a.value + b.value, a.change + b.change); }
DEVICE Dual operator-(Dual a, Dual b) { return dual(a.value - b.value, a.change - b.change); }
DEVICE Dual operator*(Dual a, Dual b) { return dual(a.value * b.value, a.change * b.value + a.value * b.change); }
DEVICE Dual operator+(Dual a, double b) { return dual(a.value + b, a.change); }
DEVICE Dual operator-(Dual a, double b) { return dual(a.value - b, a.change); }
DEVICE Dual operator*(double a, Dual b) { return dual(a * b.value, a * b.change); }
DEVICE Dual operator-(double a, Dual b) { return dual(a - b.value, -b.change); }
DEVICE Dual &operator+=(Dual &a, Dual b) { a = a + b; return a; }

DEVICE double value_of(double a) { return a; }
DEVICE double value_of(Dual a) { return a.value; }
DEVICE double select(int yes, double a, double b) { return yes ? a : b; }
DEVICE Dual select(int yes, Dual a, Dual b) { return yes ? a : b; }

template <class T> inline __device__ T number(double a);
template <> inline __device__ double number<double>(double a) { return a; }
template <> inline __device__ Dual number<Dual>(double a) { return dual(a, 0.0); }

/* to the last bit or two, without the branches of a division, which keep a loop from being unrolled; NaN for 0 and infinity */
DEVICE double inverse(double a)
{
    const double r = rough_inverse(a), e = fma(-a, r, 1.0);
    return fma(r, fma(e, e, e), r);
}
DEVICE Dual inverse(Dual a) { const double r = inverse(a.value); return dual(r, -a.change * r * r); }
DEVICE double root(double a) { return sqrt(a); }
DEVICE Dual root(Dual a) { const double r = sqrt(a.value); return dual(r, 0.5 * a.change / r); }
DEVICE double exponential(double a) { return exp(a); }
DEVICE Dual exponential(Dual a) { const double r = exp(a.value); return dual(r, a.change * r); }
DEVICE double logarithm(double a) { return log(a); }
DEVICE Dual logarithm(Dual a) { return dual(log(a.value), a.change / a.value); }
DEVICE double hyperbolic(double a) { return tanh(a); }
DEVICE Dual hyperbolic(Dual a) { const double r = tanh(a.value); return dual(r, a.change * (1.0 - r * r)); }
#endif

/* Includes SIMD_TEMPLATE once per instruction set, after _simd.h, and chooses among the copies at run time.
 *
 * Unlike LANDSCAPES_CLONES of multiversion.h this gives every copy its own vector type and fused multiply-add; the kernels here keep
 * tiles of accumulators in registers, which needs both.
 */
#ifndef LANDSCAPES_SIMD_INSTANCES_H
#define LANDSCAPES_SIMD_INSTANCES_H
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12
#define SIMD_X86 1
#endif

#define VL 2
#include "_simd.h"
#include SIMD_TEMPLATE
#undef VL
#ifdef SIMD_X86
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
#define VL 4
#include "_simd.h"
#include SIMD_TEMPLATE
#undef VL
#pragma GCC pop_options
#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4")
#define VL 8
#include "_simd.h"
#include SIMD_TEMPLATE
#undef VL
#pragma GCC pop_options
#endif

/* doubles per vector to use when `lanes` are wished for (0: the best of this processor) */
static inline int simd_lanes(int lanes)
{
#ifdef SIMD_X86
    if ((lanes == 0 || lanes == 8) && __builtin_cpu_supports("x86-64-v4")) return 8;
    if ((lanes == 0 || lanes == 4) && __builtin_cpu_supports("x86-64-v3")) return 4;
#endif
    return 2;
}

/* target = MAKE(lanes), where MAKE(L) pastes the suffix */
#ifdef SIMD_X86
#define SIMD_CHOOSE(target, MAKE, lanes) \
    do { if ((lanes) == 8) (target) = MAKE(8); else if ((lanes) == 4) (target) = MAKE(4); else (target) = MAKE(2); } while (0)
#else
#define SIMD_CHOOSE(target, MAKE, lanes) do { (target) = MAKE(2); } while (0)
#endif
#endif

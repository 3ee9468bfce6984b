/* Several copies of a hot function, the best one picked at load time (glibc ifunc); see setup.py. */
#ifndef LANDSCAPES_MULTIVERSION_H
#define LANDSCAPES_MULTIVERSION_H
#if !defined(__cplusplus) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12 && defined(__x86_64__) \
    && defined(__gnu_linux__) && !defined(__AVX2__)
#define LANDSCAPES_CLONES __attribute__((target_clones("default", "arch=x86-64-v3")))
#define LANDSCAPES_CLONES_WIDE __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define LANDSCAPES_CLONES
#define LANDSCAPES_CLONES_WIDE
#endif
#define LANDSCAPES_INLINE static inline __attribute__((always_inline))
#endif

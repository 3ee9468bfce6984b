/* Numbers of bits in which rows differ. */
#ifndef PATHSAMPLE_HAMMING_H
#define PATHSAMPLE_HAMMING_H
#include <stddef.h>
#include <stdint.h>

#include "multiversion.h"

/* Rows of a tile: two tiles of 16 rows of 10,000 bits stay in the first-level cache. */
enum { HAMMING_TILE = 16 };

/* counts[i * n + j] and counts[j * n + i] for all pairs of rows of bits, shape (n, words). */
LANDSCAPES_CLONES static void hamming_matrix(ptrdiff_t n, ptrdiff_t words, const uint64_t *bits, uint32_t *counts)
{
    for (ptrdiff_t first = 0; first < n; first += HAMMING_TILE) {
        ptrdiff_t end = first + HAMMING_TILE < n ? first + HAMMING_TILE : n;
        for (ptrdiff_t other = first; other < n; other += HAMMING_TILE) {
            ptrdiff_t other_end = other + HAMMING_TILE < n ? other + HAMMING_TILE : n;
            for (ptrdiff_t i = first; i < end; i++) {
                const uint64_t *a = bits + i * words;
                for (ptrdiff_t j = other < i ? i : other; j < other_end; j++) {
                    const uint64_t *b = bits + j * words;
                    uint64_t total = 0;
                    for (ptrdiff_t k = 0; k < words; k++) total += (uint64_t)__builtin_popcountll(a[k] ^ b[k]);
                    counts[i * n + j] = counts[j * n + i] = (uint32_t)total;
                }
            }
        }
    }
}
#endif

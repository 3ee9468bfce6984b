/* Random numbers that belong to a walker, a step and a place, and to no thread: Philox-4x32-10 of Salmon, Moraes, Dror and Shaw,
 * SC '11, doi:10.1145/2063384.2063405. */
#ifndef LANDSCAPES_CUDA_RANDOM_H
#define LANDSCAPES_CUDA_RANDOM_H
#include "portable.h"

DEVICE void philox(unsigned *counter, unsigned key0, unsigned key1)
{
    for (int round = 0; round < 10; round++) {
        const unsigned long long a = 0xD2511F53ull * counter[0], b = 0xCD9E8D57ull * counter[2];
        const unsigned c1 = counter[1], c3 = counter[3];
        counter[0] = (unsigned)(b >> 32) ^ c1 ^ key0;
        counter[1] = (unsigned)b;
        counter[2] = (unsigned)(a >> 32) ^ c3 ^ key1;
        counter[3] = (unsigned)a;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

/* uniform in [0, 1): number `place` of a step of a walker */
DEVICE double uniform(unsigned long long seed, unsigned walker, unsigned long long step, unsigned place)
{
    unsigned counter[4] = {place, walker, (unsigned)step, (unsigned)(step >> 32)};
    philox(counter, (unsigned)seed, (unsigned)(seed >> 32));
    return (double)((((unsigned long long)counter[0] << 32) | counter[1]) >> 11) * (1.0 / 9007199254740992.0);
}
#endif

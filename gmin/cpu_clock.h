/* CPU seconds of this process. */
#ifndef LANDSCAPES_CPU_CLOCK_H
#define LANDSCAPES_CPU_CLOCK_H

#include <time.h>

static inline double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif

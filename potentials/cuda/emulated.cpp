/* The kernels for an ordinary processor; see emulator.h. */
#include "kernels.cu"

struct Named { const char *name; void (*kernel)(Parameters); };

static const Named KERNELS[] = {
#define LISTED(name) {#name, name},
#include "emulated_kernels.inc"
};

extern "C" long long emulated_parameters_size(void) { return (long long)sizeof(Parameters); }

/* 0, or 1 where there is no kernel of that name */
extern "C" int emulated_launch(const char *name, unsigned grid, unsigned block, unsigned long long shared_doubles, unsigned seed,
                               const Parameters *p)
{
    for (const Named &k : KERNELS)
        if (std::strcmp(k.name, name) == 0) {
            emulator::launch(grid, block, (size_t)shared_doubles, seed, [=] { k.kernel(*p); });
            return 0;
        }
    return 1;
}

/* Philox-4x32-10 of four words with a key, for a test against the published numbers */
extern "C" void emulated_philox(unsigned *counter, unsigned key0, unsigned key1) { philox(counter, key0, key1); }

/* a kernel that a device would hang in, for a test that the emulator notices */
extern "C" void emulated_missed_barrier(void)
{
    emulator::launch(1, 64, 8, 1, [] {
        if (threadIdx.x != 5) __syncthreads();
        else __syncwarp();
    });
}

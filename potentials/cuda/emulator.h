/* CUDA kernels on an ordinary processor, for tests.
 *
 * Each thread of a block is a coroutine with a stack of its own. A barrier or a shuffle hands over to the next thread, so that both
 * mean what they mean on the device; blocks run one after the other. With a seed the threads of a block take their turns in
 * random order between barriers, and shared memory begins as NaN: a barrier too few then shows as a wrong number. A barrier
 * that some threads of a block never reach ends the program with a message.
 *
 * What it cannot show: blocks that run at the same time, and how long anything takes on a device.
 */
#ifndef LANDSCAPES_CUDA_EMULATOR_H
#define LANDSCAPES_CUDA_EMULATOR_H
#include <setjmp.h>
#include <ucontext.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __grid_constant__
/* blocks run one at a time */
#define __shared__ static

namespace emulator {

struct Index { unsigned x, y, z; };
enum State { READY, AT_BARRIER, AT_WARP, ENDED };

struct Thread {
    ucontext_t start;
    jmp_buf resume;
    bool started;
    State state;
    unsigned number;
    unsigned exchanges;
    std::unique_ptr<char[]> stack;
};

struct Machine {
    std::vector<Thread> threads;
    jmp_buf scheduler;
    Thread *running = nullptr;
    Index block_index = {0, 0, 0}, block_size = {1, 1, 1}, grid_size = {1, 1, 1};
    std::vector<double> shared;
    /* what the lanes show each other, for even and for odd exchanges: a lane that runs ahead does not disturb one behind */
    std::vector<unsigned long long> shown[2];
    std::function<void()> kernel;
};

inline Machine &machine() { static Machine m; return m; }
inline double *shared_memory() { return machine().shared.data(); }

const size_t STACK_BYTES = 64 << 10;

inline void wait(State state)
{
    Machine &m = machine();
    m.running->state = state;
    if (_setjmp(m.running->resume) == 0) _longjmp(m.scheduler, 1);
}

inline void first_turn()
{
    Machine &m = machine();
    m.kernel();
    m.running->state = ENDED;
    _longjmp(m.scheduler, 1);
}

inline void turn(Thread &t)
{
    Machine &m = machine();
    m.running = &t;
    if (_setjmp(m.scheduler) == 0) {
        if (t.started) _longjmp(t.resume, 1);
        t.started = true;
        setcontext(&t.start);
    }
}

/* lets the threads that wait go on where all of their kind are there; whether any could */
inline bool release(unsigned n)
{
    Machine &m = machine();
    bool any = false;
    unsigned ended = 0, at_barrier = 0;
    for (unsigned first = 0; first < n; first += 32) {
        const unsigned last = first + 32 < n ? first + 32 : n;
        unsigned waiting = 0, alive = 0;
        for (unsigned t = first; t < last; t++) {
            waiting += m.threads[t].state == AT_WARP;
            alive += m.threads[t].state != ENDED;
            ended += m.threads[t].state == ENDED;
            at_barrier += m.threads[t].state == AT_BARRIER;
        }
        if (waiting > 0 && waiting == alive) {
            any = true;
            for (unsigned t = first; t < last; t++)
                if (m.threads[t].state == AT_WARP) m.threads[t].state = READY;
        }
    }
    if (at_barrier > 0 && at_barrier + ended == n) {
        any = true;
        for (Thread &t : m.threads)
            if (t.state == AT_BARRIER) t.state = READY;
    }
    return any;
}

inline void run_block(unsigned n, unsigned seed)
{
    Machine &m = machine();
    std::mt19937 random(seed);
    std::vector<unsigned> order(n);
    std::fill(m.shared.begin(), m.shared.end(), std::numeric_limits<double>::quiet_NaN());
    for (unsigned t = 0; t < n; t++) {
        Thread &thread = m.threads[t];
        order[t] = t;
        thread.number = t;
        thread.started = false;
        thread.state = READY;
        thread.exchanges = 0;
        if (!thread.stack) thread.stack.reset(new char[STACK_BYTES]);
        getcontext(&thread.start);
        thread.start.uc_stack.ss_sp = thread.stack.get();
        thread.start.uc_stack.ss_size = STACK_BYTES;
        thread.start.uc_link = nullptr;
        makecontext(&thread.start, first_turn, 0);
    }
    for (;;) {
        if (seed)
            for (unsigned t = n - 1; t > 0; t--) std::swap(order[t], order[random() % (t + 1)]);
        unsigned ended = 0;
        for (unsigned t : order)
            if (m.threads[t].state == READY) turn(m.threads[t]);
        for (unsigned t = 0; t < n; t++) ended += m.threads[t].state == ENDED;
        if (ended == n) return;
        if (!release(n)) {
            std::fprintf(stderr, "emulator: block %u: a barrier that not all threads reach (%u of %u have ended)\n",
                         m.block_index.x, ended, n);
            std::abort();
        }
    }
}

/* a one-dimensional grid of one-dimensional blocks */
inline void launch(unsigned grid, unsigned block, size_t shared_doubles, unsigned seed, std::function<void()> kernel)
{
    Machine &m = machine();
    m.grid_size.x = grid;
    m.block_size.x = block;
    m.kernel = std::move(kernel);
    m.threads.resize(block);
    m.shared.resize(shared_doubles + 1);
    for (auto &shown : m.shown) shown.assign(block, 0);
    for (unsigned b = 0; b < grid; b++) {
        m.block_index.x = b;
        run_block(block, seed ? seed + b : 0);
    }
}

inline double exchange(double value, unsigned lane_from)
{
    Machine &m = machine();
    Thread &t = *m.running;
    auto &shown = m.shown[t.exchanges++ % 2];
    std::memcpy(&shown[t.number], &value, sizeof value);
    wait(AT_WARP);
    const unsigned from = t.number / 32 * 32 + lane_from;
    if (from < shown.size()) std::memcpy(&value, &shown[from], sizeof value);
    return value;
}

inline Index thread_index() { return {machine().running->number, 0, 0}; }

}  // namespace emulator

/* the instruction of a device gives the upper half of the number only */
inline double rough_inverse(double a)
{
    double r = 1.0 / a;
    unsigned long long bits;
    std::memcpy(&bits, &r, sizeof bits);
    bits &= 0xffffffff00000000ull;
    std::memcpy(&r, &bits, sizeof bits);
    return r;
}

/* as CUDA has them, without std:: */
using std::isfinite;

#define threadIdx (emulator::thread_index())
#define blockIdx (emulator::machine().block_index)
#define blockDim (emulator::machine().block_size)
#define gridDim (emulator::machine().grid_size)

inline void __syncthreads() { emulator::wait(emulator::AT_BARRIER); }
inline void __syncwarp(unsigned = ~0u) { emulator::wait(emulator::AT_WARP); }
inline double __shfl_xor_sync(unsigned, double value, int mask)
{
    return emulator::exchange(value, emulator::machine().running->number % 32 ^ (unsigned)mask);
}
template <class T> T atomicAdd(T *p, T value) { const T old = *p; *p = old + value; return old; }
template <class T> T atomicExch(T *p, T value) { const T old = *p; *p = value; return old; }
#endif

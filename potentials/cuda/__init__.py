"""The potentials on a graphics processor, many points at once.

parameters.h   what a kernel is told; batch.py fills it in
portable.h     words that nvcc and, through emulator.h, g++ both know; dual.h  numbers with a derivative
block.h        sums over a block of threads
cluster.h      Lennard-Jones and Axilrod-Teller clusters; network.h  multilayer perceptrons
lbfgs.h        L-BFGS that advances on the device; walker.h  basin-hopping on it; random.h  its random numbers
tasks.h        whole tasks of optim and pathsample: band.h  elastic bands; saddle.h  eigenvector-following; descent.h  paths;
               evaluate.h  an evaluation within them
layers.h       networks whose products are left to cuBLAS, and quenches in step with them
kernels.cu     the kernels; emulated.cpp  the same for a processor without a device (tests)
batch          energies, gradients, Hessian-vector products and quenches of many points
large_network  the same for networks whose layers are left to cuBLAS
tasks          bands, searches, descents and minimisations of every kind in one launch
starts         random starting points of many walkers
walkers        thousands of basin-hopping walkers
device         choice of the device, memory, launches; compiler  nvcc and what it made before
emulated       the same interface on the processor

Nothing here is imported unless the input asks for a device.
"""

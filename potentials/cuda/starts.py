"""Random starting points for many walkers at once."""

import numpy as np

from potentials.cuda.batch import ClusterBatch


def random_starts(batch, count, seed):
    """Points of the distribution of ``potential.random_coordinates``, shape (count, n_variables).

    Those of clusters are made on the device; those of networks are random numbers and nothing else.

    Parameters
    ----------
    batch : ClusterBatch, NetworkBatch or LargeNetworkBatch
    count : int
    seed : int
    """
    potential = batch.potential
    if not isinstance(batch, ClusterBatch):
        rng = np.random.default_rng(seed)
        return np.array([potential.random_coordinates(rng) for _ in range(count)])
    radius = potential.radius
    if radius is None:
        # a sphere with room for a cluster, as potentials.lj.random_cluster has it
        radius = (3.0 * 2.0 * potential.n_atoms / (4.0 * np.pi)) ** (1.0 / 3.0) + 0.5
    x = batch.device.empty((count, batch.n_variables))
    batch.launch("starts", batch.grid(count), 0, {
        "n_points": count, "final_x": x.address, "move_radius": radius, "seed": seed,
    })  # fmt: skip
    return batch.device.download(x)

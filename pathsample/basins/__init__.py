"""Volumes of basins of attraction, the number of minima that follows from them, and entropies.

``basin`` (which points belong to a minimum: a quench decides), ``walk`` (Monte Carlo in a basin under harmonic springs of
several strengths), ``free_energy`` (Frenkel-Ladd integration and the multistate Bennett acceptance ratio), ``volume`` and
``entropy`` (the estimates); ``analysis`` holds the keywords BASINVOLUME and BASINS (Ballard et al., Phys. Chem. Chem. Phys.
19, 12585 (2017), section VIII; Martiniani et al., Phys. Rev. E 93, 012906 (2016) and 94, 031301 (2016)).
"""

from pathsample.basins.basin import Ball, Basin, Box
from pathsample.basins.entropy import Entropies, entropies
from pathsample.basins.volume import Volume, basin_volume

__all__ = ["Ball", "Basin", "Box", "Entropies", "Volume", "basin_volume", "entropies"]

"""Numerical settings of every search, with the defaults of the classic program, and how keywords set them."""

import math
from dataclasses import dataclass, replace

#: Variables up to which a Hessian by differences of gradients is affordable at every step of a path.
DIFFERENCE_HESSIAN = 30
#: Steps of eigenvector-following with one Hessian where it costs more than the linear algebra of the steps, which it does with
#: more points of data per variable than this.
HESSIAN_EVERY = 4
DATA_PER_VARIABLE = 5


@dataclass(slots=True)
class OptimSettings:
    """Settings of minimisation, transition state searches, bands, paths and connections.

    Lengths are in the units of the variables, RMS values are |g|/sqrt(n). The keyword that sets each is in brackets.

    Attributes
    ----------
    rms : float
        Convergence of minimisations [BFGSMIN].
    max_iterations, max_step, history, diagonal, max_rise
        L-BFGS of minimisations, downhill paths and the tangent space [BFGSSTEPS, MAXBFGS, UPDATES, DGUESS, MAXERISE].
    newton : bool or None
        Finish minimisations and saddle searches by Newton steps; None: where the Hessian is analytic and small.
    newton_rms : float
        RMS below which Newton steps are tried.
    newton_size : int
        Largest number of variables for which a Hessian is formed unasked.
    hessian : bool or None
        Transition states by full-Hessian eigenvector-following; None: for small problems with an analytic Hessian that are
        not clusters of atoms, whose gradients cost a hundredth of a diagonalisation [NOHESS false, NOIT true].
    hessian_every : int or None
        Most steps of full-Hessian eigenvector-following from one Hessian to the next; in between it is updated where the step
        before was predicted well. None: 1, or a few where the Hessian is a sum over many points of data.
    ts_rms, ts_iterations
        Convergence and most steps of eigenvector-following [BFGSMIN or CONVERGE; STEPS].
    ef_max_step, ef_step_ceiling, ef_step_floor, ef_trust
        Uphill step [MAXSTEP, MAXMAX, MINMAX, TRAD].
    tangent_few, tangent_many, overlap_tolerance
        Tangent-space steps before and after the eigenvector has settled [BFGSTS n1 n2, BFGSTSTOL].
    ritz_iterations, ritz_rms, ritz_max_step, ritz_history, ritz_diagonal, ritz_max_rise
        Rayleigh-Ritz minimisation [BFGSTS nevs ceig; second arguments of MAXBFGS, UPDATES, DGUESS, MAXERISE].
    difference_step, central_differences
        Gradient differences [USEDIAG 2 central, 3 forward].
    ts_max_distance : float
        A search that goes further than this from its start is given up.
    pushoff, pushopt, pushopt_tolerance, pushopt_iterations
        First displacement of a path [PUSHOFF, PUSHOPT].
    path_method : str or None
        "chebyshev": true steepest descent by gradients; "rosenbrock" or "pagemciver": the same with the Hessian at every
        step; "ode": the same by a general solver of differential equations; "lbfgs": fast, but one path in ten ends in another
        minimum than steepest descent does. None: "chebyshev" for sums over pairs of atoms and "rosenbrock" for others where
        the Hessian is affordable, otherwise "lbfgs" [PMPATH, BSMIN, RKMIN, LBFGSPATH].
    path_max_step : float
        Longest step on an L-BFGS path; the unit of length of the others.
    path_accuracy, path_longest : float
        Error allowed in a step of a steepest-descent path, and its greatest length, in units of ``path_max_step``.
    path_retries : int
        Attempts with a push ten times smaller [REDOTS].
    frames : int
        Most frames kept on each side of a path [PATH]; 0 keeps none.
    eigenvalues : bool
        Keep all Hessian eigenvalues of the stationary points found, as path.info has them; their product takes much less.
    energy_tolerance, distance_tolerance
        Identity of stationary points [EDIFFTOL, GEOMDIFFTOL].
    cycles, tries, image_density, iteration_density, image_max, image_increment, band_rms
        The seven arguments of NEWCONNECT.
    band_relative_rms : float
        The band is converged when its RMS force is also below this fraction of the first one, so that one criterion serves
        atoms and networks, whose gradients are a thousand times smaller.
    first_images, first_iterations, first_rms
        Band of the first cycle [NEWNEB]; None: as the others.
    spring, adjust_every, adjust_tolerance, adjust_factor, spring_min, spring_max
        Springs of the band [NEBK, ADJUSTK].
    band_max_step, band_history, band_diagonal, doubly_nudged
        Optimisation of the band [fourth argument of MAXBFGS, of UPDATES, third of DGUESS; NEB or DNEB].
    band_settled : float
        A band ends when the energies of its maxima change by less than this fraction of the range along it [NEBSETTLE].
    reseed_every, reseed_energy, reseed_rise
        Every so many iterations (0: never) images above this energy, or this much above the higher end of the band, are put
        back between their neighbours [NEBRESEED].
    dijkstra : str
        "distance", "exp" or "index" [DIJKSTRA].
    dijkstra_power : float
    max_ts_energy, max_barrier, max_larger_barrier
        Transition states above are discarded; of the two barriers the smaller and the larger one are limited [MAXTSENERGY,
        MAXBARRIER, MAXMAXBARRIER].
    align : bool
        Align end points before a band [NONEBMIND switches off].
    orientations : int
        Least number of orientations tried in that alignment [RANROT].
    ode_accuracy, ode_rms
        Integration of the steepest-descent equation [BSMIN, RKMIN].
    """

    rms: float = 1e-6
    max_iterations: int = 20000
    max_step: float = 0.2
    history: int = 10
    diagonal: float = 0.1
    max_rise: float = 1e-10
    newton: bool | None = None
    newton_rms: float = 1e-3
    newton_size: int = 400
    hessian: bool | None = None
    hessian_every: int | None = None
    ts_rms: float = 1e-6
    ts_iterations: int = 200
    ef_max_step: float = 0.2
    ef_step_ceiling: float = 0.5
    ef_step_floor: float = 0.01
    ef_trust: float = 0.5
    tangent_few: int = 5
    tangent_many: int = 25
    overlap_tolerance: float = 1e-2
    ritz_iterations: int = 50
    ritz_rms: float = 1e-4
    ritz_max_step: float = 0.2
    ritz_history: int = 6
    ritz_diagonal: float = 0.01
    ritz_max_rise: float = 1e-3
    difference_step: float = 1e-4
    central_differences: bool = False
    ts_max_distance: float = math.inf
    pushoff: float = 0.02
    pushopt: bool = False
    pushopt_tolerance: float = 1e-4
    pushopt_iterations: int = 100
    path_method: str | None = None
    path_max_step: float = 0.1
    path_accuracy: float = 3e-2
    path_longest: float = 5.0
    path_retries: int = 2
    frames: int = 0
    eigenvalues: bool = True
    energy_tolerance: float = 1e-6
    distance_tolerance: float = 0.1
    cycles: int = 100
    tries: int = 3
    image_density: float = 10.0
    iteration_density: float = 30.0
    image_max: int = 50
    image_min: int = 5
    image_increment: float = 0.5
    band_rms: float = 0.025
    band_relative_rms: float = 0.03
    first_images: int | None = None
    first_iterations: int | None = None
    first_rms: float | None = None
    spring: float = 10.0
    adjust_every: int = 5
    adjust_tolerance: float = 10.0
    adjust_factor: float = 1.05
    spring_min: float = 1e-3
    spring_max: float = 1e3
    band_max_step: float = 0.2
    band_history: int = 4
    band_diagonal: float = 0.001
    doubly_nudged: bool = True
    band_settled: float = 0.01
    reseed_every: int = 0
    reseed_energy: float = math.inf
    reseed_rise: float = math.inf
    dijkstra: str = "distance"
    dijkstra_power: float = 1.0
    max_ts_energy: float = math.inf
    max_barrier: float = math.inf
    max_larger_barrier: float = math.inf
    align: bool = True
    orientations: int = 0
    ode_accuracy: float = 1e-3
    ode_rms: float | None = None

    def with_changes(self, **changes):
        """A copy with some settings changed."""
        return replace(self, **changes)

    def uses_hessian(self, potential):
        """Whether transition states of this potential are found by full-Hessian eigenvector-following."""
        if self.hessian is not None:
            return self.hessian
        from potentials.symmetry import RigidCluster

        small = potential.has_hessian and potential.n_variables <= self.newton_size
        return small and not isinstance(potential.symmetry, RigidCluster)

    def hessian_steps(self, potential):
        """Most steps of eigenvector-following from one Hessian to the next, updated in between."""
        if self.hessian_every is not None:
            return self.hessian_every
        data = getattr(potential, "inputs", None)
        return HESSIAN_EVERY if data is not None and len(data) > DATA_PER_VARIABLE * potential.n_variables else 1

    def path_by(self, potential):
        """How the downhill paths of this potential are followed: steepest descent where the Hessian is affordable."""
        if self.path_method is not None:
            return self.path_method
        analytic = potential.has_hessian and potential.n_variables <= self.newton_size
        if not analytic and potential.n_variables > DIFFERENCE_HESSIAN:
            return "lbfgs"
        return "chebyshev" if potential.pairwise else "rosenbrock"

    def uses_newton(self, potential):
        """Whether minimisations and saddle searches end with Newton steps."""
        if self.newton is not None:
            return self.newton
        return potential.n_variables <= self.newton_size


def scale_to_networks(settings):
    """Give settings the scales of networks instead of those of atoms."""
    settings.diagonal = 1.0
    settings.max_step = 0.5
    settings.path_max_step = 0.2
    settings.spring = 0.1
    settings.spring_min = 1e-6
    settings.band_diagonal = 0.1
    settings.band_rms = 2e-3
    settings.ef_max_step = 0.3
    settings.ef_step_floor = 1e-3
    settings.pushoff = 0.05
    settings.image_max = 20


def scale_to_large_networks(settings):
    """Tighter convergence where no Newton step will mend a point.

    Networks with more variables than data are soft: the lowest eigenvalues are a tenth of the regularisation, and a band that
    has hardly moved has a hundred negative ones at its maximum, from where a search goes far.
    """
    settings.rms = settings.ts_rms = 1e-7
    settings.ts_iterations = 400
    settings.band_relative_rms = 0.003


def default_settings(potential):
    """Settings that suit a potential where the user gives none.

    Networks have gradients and curvatures a thousand times smaller than atoms, hence longer steps, weaker springs and a
    tighter convergence of the band.
    """
    from potentials.symmetry import NetworkNodes, RigidCluster

    settings = OptimSettings()
    if not isinstance(potential.symmetry, RigidCluster):
        scale_to_networks(settings)
    if isinstance(potential.symmetry, NetworkNodes) and not settings.uses_newton(potential):
        scale_to_large_networks(settings)
    return settings

"""Numerical settings of every search, with the defaults of the classic program, and how keywords set them."""

import math
from dataclasses import dataclass, replace

#: Variables up to which a Hessian by differences of gradients is affordable at every step of a path.
DIFFERENCE_HESSIAN = 30


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
        "rosenbrock" or "pagemciver": true steepest descent with the Hessian at every step; "ode": the same by a general
        solver of differential equations; "lbfgs": fast, but one path in ten ends in another minimum than steepest descent
        does. None: "rosenbrock" where the Hessian is affordable, otherwise "lbfgs" [PMPATH, BSMIN, RKMIN, LBFGSPATH].
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
    max_iterations: int = 5000
    max_step: float = 0.2
    history: int = 10
    diagonal: float = 0.1
    max_rise: float = 1e-10
    newton: bool | None = None
    newton_rms: float = 1e-3
    newton_size: int = 400
    hessian: bool | None = None
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

    def path_by(self, potential):
        """How the downhill paths of this potential are followed: steepest descent where the Hessian is affordable."""
        if self.path_method is not None:
            return self.path_method
        analytic = potential.has_hessian and potential.n_variables <= self.newton_size
        return "rosenbrock" if analytic or potential.n_variables <= DIFFERENCE_HESSIAN else "lbfgs"

    def uses_newton(self, potential):
        """Whether minimisations and saddle searches end with Newton steps."""
        if self.newton is not None:
            return self.newton
        return potential.n_variables <= self.newton_size


def _scales_of_networks(settings):
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


def default_settings(potential):
    """Settings that suit a potential where the user gives none.

    Networks have gradients and curvatures a thousand times smaller than atoms, hence longer steps, weaker springs and a
    tighter convergence of the band.
    """
    from potentials.symmetry import RigidCluster

    settings = OptimSettings()
    if not isinstance(potential.symmetry, RigidCluster):
        _scales_of_networks(settings)
    return settings


#: Keywords of networks, whose scales differ from those of atoms.
NETWORKS = ("MLP3", "MLPVB3", "MLPVB3NN")


def settings_from_keywords(keywords, potential=None):
    """Settings from an input file (``optim/keywords.yaml``); what it does not say has the classic default.

    Defaults that are lengths or forces of atoms are those of `default_settings` for networks.

    Parameters
    ----------
    keywords : common.keywords.Settings
        Problems found are collected in it.
    potential : Potential, optional
        Decides what kind of defaults apply; otherwise the keywords of the potential do.

    Returns
    -------
    OptimSettings
    """
    s = OptimSettings()
    if potential is not None:
        s = default_settings(potential)
    elif any(keywords.given(name) for name in NETWORKS):
        _scales_of_networks(s)
    _minimisation(s, keywords)
    _transition_states(s, keywords)
    _paths(s, keywords)
    _bands(s, keywords)
    s.energy_tolerance = keywords["EDIFFTOL"].energy
    s.distance_tolerance = keywords["GEOMDIFFTOL"].distance
    return s


def _minimisation(s, keywords):
    if keywords.given("BFGSMIN"):
        s.rms = keywords["BFGSMIN"].rms or s.rms
    if keywords.given("BFGSCONV"):
        s.rms = keywords["BFGSCONV"].rms or s.rms
    s.max_iterations = keywords["BFGSSTEPS"].n
    if keywords.given("MAXBFGS"):
        steps = keywords["MAXBFGS"]
        s.max_step = steps.step
        s.path_max_step = min(steps.step, s.path_max_step)
        s.ritz_max_step = steps.ritz
        s.band_max_step = steps.band
    if keywords.given("UPDATES"):
        updates = keywords["UPDATES"]
        s.history, s.ritz_history, s.band_history = updates.n, updates.ritz, updates.band
    if keywords.given("DGUESS"):
        guess = keywords["DGUESS"]
        s.diagonal = guess.diagonal or s.diagonal
        s.ritz_diagonal = guess.ritz
        s.band_diagonal = guess.band or s.band_diagonal
    s.max_rise = keywords["MAXERISE"].rise
    s.ritz_max_rise = keywords["MAXERISE"].ritz


def _transition_states(s, keywords):
    if keywords.given("NOHESS") and keywords.given("NOIT"):
        keywords.error("NOIT", "contradicts NOHESS; keep one of the two")
    if keywords.given("NOHESS"):
        s.hessian = False
    elif keywords.given("NOIT"):
        s.hessian = True
    s.ts_rms = s.rms
    if keywords.given("CONVERGE"):
        s.ts_rms = keywords["CONVERGE"].rms
        if keywords["CONVERGE"].noindex:
            keywords.error("CONVERGE", "the index is always checked; remove NOINDEX")
    if keywords.given("BFGSTS"):
        search = keywords["BFGSTS"]
        s.ritz_iterations, s.tangent_few, s.tangent_many, s.ritz_rms = search.nevs, search.n1, search.n2, search.ceig
    if keywords.given("STEPS"):
        s.ts_iterations = keywords["STEPS"].n
    for name, attribute in (("MAXSTEP", "ef_max_step"), ("MAXMAX", "ef_step_ceiling"), ("MINMAX", "ef_step_floor")):
        if keywords.given(name):
            setattr(s, attribute, keywords[name].step or getattr(s, attribute))
    if keywords.given("TRAD"):
        s.ef_trust = keywords["TRAD"].ratio
    if keywords.given("BFGSTSTOL"):
        s.overlap_tolerance = keywords["BFGSTSTOL"].tolerance
    if keywords["USEDIAG"].method not in (2, 3):
        keywords.error("USEDIAG", "the method is 2 (central) or 3 (forward differences)")
    s.central_differences = keywords.given("USEDIAG") and keywords["USEDIAG"].method == 2
    if keywords["MAXTSENERGY"].energy is not None:
        s.max_ts_energy = keywords["MAXTSENERGY"].energy
    if keywords["MAXBARRIER"].barrier is not None:
        s.max_barrier = keywords["MAXBARRIER"].barrier
    if keywords["MAXMAXBARRIER"].barrier is not None:
        s.max_larger_barrier = keywords["MAXMAXBARRIER"].barrier


def _paths(s, keywords):
    if keywords.given("PUSHOFF"):
        s.pushoff = keywords["PUSHOFF"].push
    if keywords.given("PUSHOPT"):
        push = keywords["PUSHOPT"]
        s.pushopt, s.pushoff = True, push.largest
        s.pushopt_tolerance, s.pushopt_iterations = push.tolerance, push.iterations
    s.path_retries = keywords["REDOTS"].n
    methods = [name for name in ("PMPATH", "BSMIN", "LBFGSPATH") if keywords.given(name)]
    if len(methods) > 1:
        keywords.error(methods[1], f"contradicts {methods[0]}; keep one of the two")
    if keywords.given("LBFGSPATH"):
        s.path_method = "lbfgs"
    if keywords.given("PMPATH"):
        s.path_method = "pagemciver"
    elif keywords.given("BSMIN"):
        s.path_method = "ode"
        s.ode_accuracy = keywords["BSMIN"].accuracy
        s.ode_rms = keywords["BSMIN"].rms
    if keywords.given("PATH"):
        s.frames = max(keywords["PATH"].frames, 0)


def _bands(s, keywords):
    if keywords.given("NEWCONNECT"):
        c = keywords["NEWCONNECT"]
        s.cycles, s.tries, s.image_density, s.iteration_density = c.cycles, c.tries, c.image_density, c.iteration_density
        s.image_max, s.image_increment = c.image_max, c.image_increment
        s.image_min = min(s.image_min, s.image_max)
        s.band_rms = c.rms or s.band_rms
    if keywords.given("NEWNEB"):
        first = keywords["NEWNEB"]
        s.first_images, s.first_iterations, s.first_rms = first.images, first.iterations, first.rms
    if keywords.given("NEBK"):
        s.spring = keywords["NEBK"].k
    if keywords.given("ADJUSTK"):
        adjust = keywords["ADJUSTK"]
        s.adjust_every, s.adjust_tolerance, s.adjust_factor = adjust.every, adjust.tolerance, adjust.factor
        s.spring_min, s.spring_max = adjust.smallest, adjust.largest
    if keywords.given("NEBRESEED"):
        again = keywords["NEBRESEED"]
        s.reseed_every = again.every
        s.reseed_energy = math.inf if again.energy is None else again.energy
        s.reseed_rise = math.inf if again.rise is None else again.rise
        if again.energy is None and again.rise is None:
            keywords.error("NEBRESEED", "needs the energy above which images are reseeded, or the rise above the higher end")
    s.doubly_nudged = not keywords.given("NONUDGE")
    s.band_settled = keywords["NEBSETTLE"].fraction
    s.align = not keywords.given("NONEBMIND")
    s.orientations = keywords["RANROT"].n
    if keywords.given("DIJKSTRA"):
        kind = keywords["DIJKSTRA"].kind
        if isinstance(kind, str):
            s.dijkstra, s.dijkstra_power = kind.lower(), keywords["DIJKSTRA"].power
        elif kind > 0:
            s.dijkstra, s.dijkstra_power = "distance", float(kind)
        elif kind is not None:
            keywords.error("DIJKSTRA", "the power of the distance must be at least 1")

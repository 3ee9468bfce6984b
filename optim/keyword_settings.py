"""How the keywords of an input set the numerical settings of every search."""

import math

from optim.settings import OptimSettings, default_settings, scale_to_networks

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
        scale_to_networks(s)
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

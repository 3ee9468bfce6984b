"""Parallel tempering: what BHPT, PTMC and BSPT ask for, and the exchange of basin-hopping walkers (BHPT)."""

from dataclasses import dataclass, field

import numpy as np

from common.fortran_numbers import read_real
from gmin.settings import QuenchSettings

#: File of the temperatures (PTREADTEMPS).
TEMPERATURES = "temperatures"
#: Blocks into which a run is cut for its error bars.
N_BLOCKS = 20
#: Energies kept of each replica, for MBAR and for looking at.
N_SAMPLES = 2000
#: Points of the curves where HISTTEMP is missing.
N_CURVE = 200
#: Memory for quenches between two visits of the main loop, in numbers.
QUENCH_MEMORY = 4_000_000
#: Numbers that the histograms may take.
HISTOGRAM_MEMORY = 200_000_000
#: First word of the seed sequence of the exchanges.
EXCHANGE_STREAM = 1


@dataclass(slots=True)
class MonteCarloSettings:
    """What the Monte Carlo loop needs to know.

    Attributes
    ----------
    n_equilibration, n_plain, n_quench : int
        Steps in which step sizes are adjusted and nothing is measured; that are measured; that are measured and quenched.
    energy_range : (float, float)
        Range of the histogram of energies.
    n_bins : int
    quench_range : (float, float)
        Range of the histogram of quench energies.
    n_quench_bins : int
    quench_every : int
        Steps between quenches.
    step : float
        First size of the largest displacement of a variable.
    n_atoms : int
    pairs : bool
        Whether a step is a sweep of single-atom moves with Lennard-Jones pair energies.
    radius : float or None
        Container.
    frozen : tuple of int
        Variables that do not move.
    """

    n_equilibration: int
    n_plain: int
    n_quench: int
    energy_range: tuple
    n_bins: int
    quench_range: tuple
    n_quench_bins: int
    quench_every: int = 1
    step: float = 0.3
    adjust: bool = True
    accept_ratio: float = 0.5
    change_accept: int = 50
    n_atoms: int = 0
    pairs: bool = False
    radius: float | None = None
    frozen: tuple = ()
    quench: QuenchSettings = field(default_factory=QuenchSettings)
    n_blocks: int = N_BLOCKS
    sample_every: int = 1
    quenches_at_once: int = 1

    @property
    def n_steps(self):
        """Steps of the whole run."""
        return self.n_equilibration + self.n_plain + self.n_quench


@dataclass(slots=True)
class TemperingSettings:
    """A ladder of temperatures and what happens on it.

    Attributes
    ----------
    kind : {"BHPT", "PTMC", "BSPT"}
    temperatures : tuple of float
        Ascending.
    rate : float
        Exchanges per step.
    at_random, scheme
        See `gmin._exchange.Exchange`.
    seed : int or None
        Of the exchanges alone.
    monte_carlo : MonteCarloSettings or None
        None with BHPT.
    dump_every : int
        Steps between two writings of the state and the histograms (BSPTDUMPFRQ).
    restart : bool
        BSPTRESTART.
    structures_every : int or None
        PTMCDUMPSTRUCT.
    dump_energies : bool
        PTMCDUMPENER.
    curve : (float, float, int)
        Lowest and highest temperature and number of points of the curves (HISTTEMP).
    curve_given : bool
        Equal steps, as HISTTEMP has them; otherwise equal ratios.
    mbar : bool
        MBAR.
    """

    kind: str
    temperatures: tuple
    rate: float
    at_random: bool
    scheme: int
    seed: int | None
    monte_carlo: MonteCarloSettings | None
    dump_every: int
    restart: bool
    structures_every: int | None
    dump_energies: bool
    curve: tuple
    curve_given: bool
    mbar: bool


KINDS = ("BHPT", "PTMC", "BSPT")
#: Keywords that say how BSPT and PTMC work, and mean nothing without them.
CONTROLS = ("BSPTDUMPFRQ", "BSPTRESTART", "PTMCDUMPSTRUCT", "PTMCDUMPENER", "HISTTEMP", "MBAR")


def geometric_ladder(lowest, highest, n):
    """n temperatures with a constant ratio between neighbours: T_k = T_min (T_max/T_min)^(k/(n - 1)).

    Where the heat capacity is constant, all exchanges are then equally likely (Predescu, Predescu and Ciobanu, J. Chem. Phys.
    120, 4119, 2004).
    """
    return tuple(float(t) for t in np.geomspace(lowest, highest, n)) if n > 1 else (float(lowest),)


def read_tempering(settings, directory, potential, n_atoms, walker, pairs):
    """The ladder that an input asks for, checked.

    Parameters
    ----------
    settings : common.keywords.Settings
    directory : Path
    potential : Potential
    n_atoms : int
    walker : gmin.settings.WalkerSettings
        Of the first walker.
    pairs : bool
        Whether atoms have Lennard-Jones pair energies.

    Returns
    -------
    TemperingSettings or None
        None where the input has none of BHPT, PTMC and BSPT. Problems are added to ``settings``.
    """
    given = [name for name in KINDS if settings.given(name)]
    if not given:
        for name in ("PTREADTEMPS", *CONTROLS):
            if settings.given(name):
                needs = "BHPT, PTMC or BSPT" if name == "PTREADTEMPS" else "PTMC or BSPT"
                settings.error(name, f"it belongs to {needs}, which the input does not have")
        return None
    kind = given[0]
    for name in (*given[1:], "MFET"):
        if settings.given(name):
            settings.error(name, f"{kind} and {name} exclude each other")
    if kind == "BHPT":
        for name in CONTROLS:
            if settings.given(name):
                settings.error(name, "it belongs to PTMC or BSPT, which the input does not have")
    v = settings[kind]
    temperatures = _temperatures(settings, directory, kind, v)
    if v.exch is None or not temperatures:
        return None
    word = (v.when or ("R" if v.exch < 1.0 else "I")).upper()[0]
    scheme = {"S": 0, "I": 2}[v.pairs.upper()[0]] if v.pairs.upper()[:3] != "SET" else 1
    tempering = TemperingSettings(
        kind=kind,
        temperatures=temperatures,
        rate=v.exch if v.exch <= 1.0 else 1.0 / v.exch,
        at_random=word == "R",
        scheme=scheme,
        seed=v.seed,
        monte_carlo=None if kind == "BHPT" else _monte_carlo(settings, kind, v, potential, n_atoms, walker, pairs),
        dump_every=settings["BSPTDUMPFRQ"].n,
        restart=settings.given("BSPTRESTART"),
        structures_every=settings["PTMCDUMPSTRUCT"].n if settings.given("PTMCDUMPSTRUCT") else None,
        dump_energies=settings.given("PTMCDUMPENER"),
        curve=_curve(settings, temperatures),
        curve_given=settings.given("HISTTEMP"),
        mbar=settings.given("MBAR"),
    )
    if tempering.mbar and not _has_pymbar():
        settings.error("MBAR", "needs the package pymbar: pip install 'energy-landscapes[mbar]'")
    if tempering.monte_carlo is not None:
        _check_memory(settings, kind, tempering, potential)
    return tempering


def is_sphere(potential):
    """Whether the points of a potential are those of a sphere."""
    from potentials.symmetry.sphere import Sphere

    return isinstance(potential.symmetry, Sphere)


def _has_pymbar():
    from importlib.util import find_spec

    return find_spec("pymbar") is not None


def _curve(settings, temperatures):
    if not settings.given("HISTTEMP"):
        return temperatures[0], temperatures[-1], N_CURVE if len(temperatures) > 1 else 1
    v = settings["HISTTEMP"]
    if v.tmin is not None and v.tmax is not None and not v.tmin < v.tmax:
        settings.error("HISTTEMP", f"tmin must be below tmax, found {v.tmin:g} and {v.tmax:g}")
    return v.tmin, v.tmax, v.n


def _temperatures(settings, directory, kind, v):
    """The ladder, or () after a problem."""
    n = settings["PARALLEL"].n if settings.given("PARALLEL") else None
    if settings.given("PTREADTEMPS"):
        return _read_temperatures(settings, directory / TEMPERATURES, n, kind)
    if n is None:
        settings.error(kind, "the number of replicas is missing: add PARALLEL n, or PTREADTEMPS with the file temperatures")
        return ()
    if v.tmin is None or v.tmax is None:
        return ()
    if v.tmin > v.tmax or (n > 1 and v.tmin == v.tmax):
        settings.error(kind, f"tmin must be below tmax, found {v.tmin:g} and {v.tmax:g}")
        return ()
    return geometric_ladder(v.tmin, v.tmax, n)


def _read_temperatures(settings, path, n, kind):
    if not path.exists():
        settings.error("PTREADTEMPS", f"no file {path.name} in {path.parent.resolve()}; it holds one temperature per line")
        return ()
    values = []
    for number, line in enumerate(path.read_text(encoding="ascii", errors="replace").splitlines(), start=1):
        words = line.split("!")[0].split()
        if not words:
            continue
        try:
            values.append(read_real(words[0]))
        except ValueError:
            settings.error("PTREADTEMPS", f"{path.name}:{number}: expected a temperature, found '{words[0]}'")
            return ()
        if not values[-1] > 0.0 or (len(values) > 1 and not values[-1] > values[-2]):
            settings.error("PTREADTEMPS", f"{path.name}:{number}: temperatures must be positive and ascend, found '{words[0]}'")
            return ()
    if not values:
        settings.error("PTREADTEMPS", f"{path.name} holds no temperature")
    elif n is not None and n != len(values):
        settings.error("PTREADTEMPS", f"{path.name} holds {len(values)} temperatures, PARALLEL says {n}")
        return ()
    elif n is None and kind == "BHPT":
        settings.error("BHPT", "the number of walkers is missing: add PARALLEL n")
    return tuple(values)


def _monte_carlo(settings, kind, v, potential, n_atoms, walker, pairs):
    basins = kind == "BSPT"
    for low, high in (("histmin", "histmax"), ("ptemin", "ptemax")):
        a, b = getattr(v, low), getattr(v, high)
        if a is not None and b is not None and not a < b and (basins or low == "ptemin"):
            settings.error(kind, f"{low} must be below {high}, found {a:g} and {b:g}")
    steps = {}
    for name in ("nequil", "ptsteps", "nquench") if basins else ("nequil", "ptsteps"):
        value = getattr(v, name) or 0.0
        if value != int(value):
            settings.error(kind, f"{name} must be a whole number of steps, found {value:g}")
        steps[name] = int(value)
    quench = steps.get("nquench", 0)
    production = steps["ptsteps"] + quench
    if production < N_BLOCKS:
        settings.error(kind, f"there must be at least {N_BLOCKS} steps after the equilibration, found {production}")
    if settings.given("FREEZE") and is_sphere(potential):
        settings.error("FREEZE", f"variables on a sphere move together with {kind}; remove one of the two")
    own_pairs = pairs and getattr(potential, "cutoff", None) is None and not _three_body(potential)
    every = (v.qfrq or 1) if basins else 1
    return MonteCarloSettings(
        n_equilibration=steps["nequil"],
        n_plain=steps["ptsteps"],
        n_quench=quench,
        energy_range=(v.ptemin, v.ptemax),
        n_bins=v.nenrper or 1,
        quench_range=(v.histmin, v.histmax),
        n_quench_bins=v.hbins or 1,
        quench_every=every,
        step=walker.step,
        adjust=walker.adjust_step,
        accept_ratio=walker.accept_ratio,
        change_accept=walker.change_accept,
        n_atoms=n_atoms,
        pairs=own_pairs,
        radius=walker.radius,
        frozen=tuple(walker.frozen) if walker.frozen_until < 0 else (),
        quench=walker.quench,
        sample_every=max(1, production // N_SAMPLES),
    )


def _three_body(potential):
    return any(kind.__name__ == "LennardJonesAxilrodTellerCore" for kind in type(potential).__mro__)


def _check_memory(settings, kind, tempering, potential):
    mc, r = tempering.monte_carlo, len(tempering.temperatures)
    if mc.n_blocks * mc.n_bins * r > HISTOGRAM_MEMORY:
        most = HISTOGRAM_MEMORY // (mc.n_blocks * r)
        settings.error(kind, f"the histograms do not fit into memory; nenrper must be at most {most}, found {mc.n_bins}")
    if mc.n_quench:
        mc.quenches_at_once = int(max(1, min(256, QUENCH_MEMORY // (r * potential.n_variables))))


def make_exchange(tempering, seed):
    """The exchanges of a ladder, with their own stream of random numbers.

    Parameters
    ----------
    tempering : TemperingSettings
    seed : int
        Of the run, where the exchanges have none of their own.
    """
    from gmin._exchange import Exchange

    entropy = seed if tempering.seed is None else tempering.seed
    generator = np.random.PCG64(np.random.SeedSequence([EXCHANGE_STREAM, abs(entropy)]))
    beta = 1.0 / np.array(tempering.temperatures)
    return Exchange(generator, beta, tempering.scheme, tempering.rate, tempering.at_random)


def exchange_lines(tempering, exchange):
    """Lines about the swaps of each pair of neighbours."""
    lines = []
    for k, (tried, accepted) in enumerate(zip(exchange.tried.tolist(), exchange.accepted.tolist())):
        low, high = tempering.temperatures[k : k + 2]
        ratio = accepted / tried if tried else 0.0
        lines.append(
            f"exchange> T={low:14.7g} and T={high:14.7g}: {accepted:12d} of {tried:12d} swaps accepted, ratio {ratio:7.4f}"
        )
    lines.append(f"exchange> {exchange.round_trips} round trips between the ends of the ladder")
    return lines


class WalkerExchange:
    """Exchange of minima between basin-hopping walkers at different temperatures (BHPT).

    Parameters
    ----------
    tempering : TemperingSettings
    seed : int
    """

    def __init__(self, tempering, seed):
        self.tempering = tempering
        self.exchange = make_exchange(tempering, seed)

    @property
    def next_step(self):
        """Step after which the next exchange comes."""
        return int(self.exchange.next_step)

    def perform(self, runs):
        """Try the swaps that are due; walkers whose configuration changes go on from the other's minimum.

        Parameters
        ----------
        runs : list of WalkerRun
            In the order of the ladder.
        """
        walkers = [r.walker for r in runs]
        before = self.exchange.state_of
        energies, points = np.empty(len(walkers)), [None] * len(walkers)
        for c, w in zip(before.tolist(), walkers):
            energies[c], points[c] = w.markov_energy, w.coordinates
        self.exchange.exchange(walkers[0].quench, energies)
        for was, now, w in zip(before.tolist(), self.exchange.state_of.tolist(), walkers):
            if now != was:
                w.set_state(points[now], float(energies[now]))

    def lines(self):
        """Lines about the swaps of each pair of neighbours."""
        return exchange_lines(self.tempering, self.exchange)

    def state(self):
        """Everything that changes, as plain values."""
        from gmin.dump import plain

        arrays = {name: a.tolist() for name, a in self.exchange.arrays().items()}
        return {"arrays": arrays, "random": plain(self.exchange.bit_generator.state)}

    def set_state(self, state):
        """Take up what `state` gave."""
        self.exchange.set_arrays({name: np.array(a, dtype=np.int64) for name, a in state["arrays"].items()})
        self.exchange.bit_generator.state = state["random"]

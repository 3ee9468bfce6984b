"""All settings of a run, with the defaults of GMIN."""

from dataclasses import dataclass, field

#: How far beyond the outermost atom an angular move puts an atom. With 1.0 the averages of published runs of the classic
#: program come out; with half of that LJ38 is found sooner (tests/benchmarks/test_gmin_speed.py).
SURFACE = 0.5


@dataclass(slots=True)
class QuenchSettings:
    """Numerical settings of one kind of quench (L-BFGS)."""

    rms: float = 1e-3
    max_iterations: int = 500
    history: int = 4
    max_step: float = 0.4
    max_rise: float = 1e-10
    diagonal: float = 0.1
    floor: float = -1e6


@dataclass(slots=True)
class WalkerSettings:
    """What one walker needs to know (see the keywords in brackets).

    Attributes
    ----------
    quench : QuenchSettings
        Quenches in the run (SLOPPYCONV, MAXIT, UPDATES, MAXBFGS, MAXERISE, DGUESS, COLDFUSION).
    step, astep : float
        Largest displacement of a variable; threshold of the angular moves (STEP).
    temperature : float
        Metropolis temperature in units of energy (TEMPERATURE).
    accept_ratio : float
        Wanted acceptance ratio (ACCEPTRATIO).
    change_accept : int
        Steps between adjustments (CHANGEACCEPT).
    adjust_step, adjust_temperature : bool
        What is adjusted (FIXSTEP, FIXTEMP, FIXBOTH).
    ediff : float
        Energies closer than this are the same minimum (EDIFF).
    centre : tuple of 3 floats or None
        Where the centroid is put after each quench (CENTRE, SETCENTRE).
    reset : bool
        The walker goes on from the quench (False: NORESET).
    radius : float or None
        Container radius (RADIUS).
    targets : tuple of float
        Energies any of which ends the run (TARGET).
    all_targets : tuple of float
        Energies all of which must be met to end the run (MLOWEST).
    restart : int or None
        Steps without acceptance after which the walker is reseeded (RESTART).
    relax : int or None
        Steps without improvement before NEWRESTART acts.
    frozen : sequence of int
        Variables that do not move (FREEZE, SEED).
    frozen_until : int
        Last quench at which they do not; -1: never released.
    surface : float
        How far beyond the outermost atom an angular move puts an atom (SURFACE).
    coop : (int, float) or None
        Atoms that move as one, and how far they may be from the first (COOPMOVE).
    shell : (int, float, float) or None
        Steps of a block in which only the shell moves, the probability that a block begins, and the fraction of the atoms
        that are the core (SHELLMOVE).
    compress : float or None
        Force constant of the compression before each quench (COMPRESS).
    new_every : int or None
        Steps between random points (NEWCONF).
    taboo : int or None
        Length of the list of minima that were left (TABOO).
    symmetric : CoreSettings, CSMSettings or None
        Moves between symmetric structures (SYMMETRISE, SYMMETRISECSM).
    network : NetworkSettings or None
        Moves over the nodes of a network (NETWORKMOVES).
    candidates : int
        Quenches collected before they are taken to the database.
    """

    quench: QuenchSettings = field(default_factory=QuenchSettings)
    step: float = 0.3
    astep: float = 0.3
    temperature: float = 0.3
    accept_ratio: float = 0.5
    change_accept: int = 50
    adjust_step: bool = True
    adjust_temperature: bool = False
    ediff: float = 0.02
    centre: tuple | None = None
    reset: bool = True
    radius: float | None = None
    targets: tuple = ()
    all_targets: tuple = ()
    restart: int | None = None
    relax: int | None = None
    frozen: tuple = ()
    frozen_until: int = -1
    surface: float = SURFACE
    coop: tuple | None = None
    shell: tuple | None = None
    compress: float | None = None
    new_every: int | None = None
    taboo: int | None = None
    symmetric: object = None
    network: object = None
    candidates: int = 512

"""What one input directory asks for, read and checked as a whole before anything is written."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common.errors import InputError
from gmin.network_moves import network_settings
from gmin.seed import database_with_frozen_atoms, read_seed, with_seed
from gmin.settings import QuenchSettings, WalkerSettings
from gmin.symmetrise import symmetric_settings
from gmin.tempering import read_tempering

DATA = "data"
COORDS = "coords"


@dataclass(slots=True)
class Job:
    """A checked input.

    Attributes
    ----------
    directory : Path
    potential : Potential
    n_atoms : int
        0 where the variables are no Cartesian coordinates of atoms.
    pair_energies : bool
        Whether atoms have Lennard-Jones pair energies.
    starts : list of ndarray of shape (n_variables,)
        Starting points, one per walker; fewer (or none) when coords has fewer: the others are random.
    walkers : list of WalkerSettings
    stretches : list of (int, float)
        Steps and temperature factor of each stretch (STEPS).
    tight : QuenchSettings
        Final quenches.
    echo : list of str
        The settings in input format.
    cuda : (int or None, int or None) or None
        Walkers on a device, and which device (CUDA).
    notes : list of str
        What the input gives that has no effect.
    tempering : gmin.tempering.TemperingSettings or None
        Of BHPT, PTMC or BSPT.
    """

    directory: Path
    settings: object
    potential: object
    n_atoms: int
    pair_energies: bool
    starts: list
    walkers: list
    stretches: list
    tight: QuenchSettings
    seed: int
    save: int
    sort: bool
    track: bool
    monitor: int | None
    print_every: int
    dump_interval: int
    restore: Path | None
    targets: tuple
    all_targets: tuple
    avoid: tuple | None
    relax: int | None
    restart: int | None
    taboo: int | None
    new_within: float | None
    notes: list
    permutations: bool
    use_database: bool
    debug: bool
    mfet: tuple | None
    cuda: tuple | None
    radius: float | None
    radius_given: bool
    tempering: object
    echo: list

    @property
    def n_steps(self):
        """Steps of all stretches together."""
        return sum(n for n, _ in self.stretches)

    def new_potential(self):
        """A potential of its own for another walker or process."""
        from potentials.selection import potential_from_keywords

        symbol = "LJ" if self.n_atoms else None
        return potential_from_keywords(self.settings, self.directory, n_variables=self.potential.n_variables, symbol=symbol)

    def database_potential(self):
        """The potential whose minima go to the database: with FREEZE a function of the other atoms."""
        potential = self.new_potential()
        if not self.settings.given("FREEZE"):
            return potential
        from gmin._functions import FrozenPotential

        atoms = sorted({k // 3 for k in self.walkers[0].frozen})
        return FrozenPotential(potential, atoms, self.starts[0].reshape(-1, 3)[atoms])


#: 4 pi sqrt(2) to the ten digits of the classic program: with more of them the last decimal of the radius it prints differs.
PACKING = 17.77153175


def container_radius(n_atoms):
    """Default radius of the container, 2^(1/6) (2 + (3 N / (4 pi sqrt 2))^(1/3)), in units of sigma (FORMATS 1.2)."""
    return 2.0 ** (1.0 / 6.0) * (2.0 + (3.0 * n_atoms / PACKING) ** (1.0 / 3.0))


def read_job(directory, data=DATA):
    """Read and check the input of a directory.

    Parameters
    ----------
    directory : str or Path
    data : str
        Name of the keyword file.

    Returns
    -------
    Job

    Raises
    ------
    InputError
        With every problem found.
    """
    from common.formats import coordinates
    from common.keywords import load_table, parse_file

    directory = Path(directory)
    settings = parse_file(directory / data, load_table(*table_paths()))
    if not any(settings.given(name) for name in ("STEPS", "PTMC", "BSPT")) and not any("STEPS" in p for p in settings.problems):
        settings.problems.append(f"{settings.name}: STEPS is missing: number of basin-hopping steps (STEPS n [factor])")
    path = directory / COORDS
    n_walkers = settings["PARALLEL"].n if settings.given("PARALLEL") else 1
    sized = knows_its_size(settings)
    if path.exists():
        numbers = coordinates.read(path).coordinates
    elif sized or settings.given("NATOMS"):
        numbers = None
    else:
        settings.problems.append(
            f"{path}: no such file in {directory.resolve()}; it holds the starting point, one line x y z per atom; "
            "or give NATOMS for a random one"
        )
        settings.finish()
    settings.finish()
    potential = make_potential(settings, directory, sized, numbers, n_walkers)
    n_atoms = int(getattr(potential, "n_atoms", 0) or 0)
    if settings.given("NATOMS") and n_atoms and n_atoms != settings["NATOMS"].n:
        settings.error("NATOMS", f"the starting point or the potential has {n_atoms} atoms; remove the line or correct it")
        settings.finish()
    starts = split_starts(settings, potential, numbers, n_walkers, path)
    radius = settings["RADIUS"].radius if settings.given("RADIUS") else default_radius(potential, n_atoms)
    if starts and settings.given("RESIZE"):
        starts = [x * settings["RESIZE"].factor for x in starts]
    job = _build(settings, directory, potential, n_atoms, n_walkers, starts, radius)
    settings.finish()
    _check_distances(job)
    return job


def _check_distances(job):
    """No two atoms of a starting point at one place, where there is neither an energy nor a direction in which they part."""
    for k, x in enumerate(job.starts if job.n_atoms > 1 else ()):
        atoms = np.asarray(x, dtype=float).reshape(-1, 3)
        order = np.lexsort(atoms.T)
        same = np.flatnonzero((atoms[order[1:]] == atoms[order[:-1]]).all(axis=1))
        if same.size:
            i, j = sorted((order[same[0]] + 1, order[same[0] + 1] + 1))
            which = f"of starting point {k + 1} " if len(job.starts) > 1 else ""
            raise InputError(f"{job.directory / COORDS}: atoms {i} and {j} {which}are at one place; move one of them")


def table_paths():
    """Keyword tables of the program: its own and that of the potentials."""
    from potentials.selection import potential_table_path

    return [Path(__file__).with_name("keywords.yaml"), potential_table_path()]


def default_radius(potential, n_atoms):
    """Radius of the container where the input gives none: for clusters, in the unit of length of their potential."""
    if not n_atoms or getattr(potential, "box", None) is not None:
        return None
    return container_radius(n_atoms) * getattr(potential, "length_unit", 1.0)


def knows_its_size(settings):
    """Whether the input selects a potential that has its own number of variables, so that coords may be missing."""
    from potentials.selection import sized_keyword

    return sized_keyword(settings) is not None


def make_potential(settings, directory, sized, numbers, n_walkers):
    """The potential that the input selects, its size checked against coords."""
    from potentials.selection import potential_from_keywords

    if sized:
        return potential_from_keywords(settings, directory)
    count = 3 * settings["NATOMS"].n if numbers is None else len(numbers)
    if count % 3:
        raise InputError(f"{directory / COORDS}: holds {count} coordinates, expected three per atom")
    # with PARALLEL, coords holds one starting point, or one for each walker
    n = count // n_walkers if n_walkers > 1 and count % (3 * n_walkers) == 0 and settings.given("PARALLEL") else count
    return potential_from_keywords(settings, directory, n_variables=n, symbol="LJ")


def split_starts(settings, potential, numbers, n_walkers, path):
    """Starting points out of the numbers of coords; the message of a problem says what was expected."""
    if numbers is None:
        return []
    n = potential.n_variables
    count = len(numbers)
    if count == 0 or count % n or count // n > n_walkers:
        each = f" for each of {n_walkers} walkers" if n_walkers > 1 else ""
        raise InputError(f"{path}: holds {count} numbers, expected {n}{each}: one per variable of the potential")
    return list(np.array(numbers, dtype=float).reshape(-1, n))


def _build(settings, directory, potential, n_atoms, n_walkers, starts, radius):
    frozen = _frozen(settings, potential, n_atoms)
    tight = QuenchSettings(
        rms=settings["TIGHTCONV"].rms,
        max_iterations=settings["MAXIT"].tight,
        history=settings["UPDATES"].n,
        max_step=settings["MAXBFGS"].length,
        max_rise=settings["MAXERISE"].rise,
        diagonal=settings["DGUESS"].diagonal,
        floor=settings["COLDFUSION"].energy,
    )
    _refuse_unsupported_arguments(settings)
    seed_atoms = read_seed(settings, directory, n_atoms) if settings.given("SEED") else None
    if frozen:
        for name in ("CENTRE", "SETCENTRE"):
            if settings.given(name):
                settings.error(name, "would move the atoms of FREEZE; remove one of the two")
        if seed_atoms is not None:
            settings.error("FREEZE", "SEED has a core of its own to freeze; remove one of the two")
        elif not settings.given("NODATABASE"):
            problem = database_with_frozen_atoms(potential, frozen, starts, n_walkers)
            if problem:
                settings.error("FREEZE", f"{problem}; add NODATABASE")
    if seed_atoms is not None:
        starts = [with_seed(x, seed_atoms, getattr(potential, "length_unit", 1.0)) for x in starts]
    for name in ("SURFACE", "COOPMOVE", "SHELLMOVE", "COMPRESS"):
        if settings.given(name) and not n_atoms:
            settings.error(name, "the potential has no atoms")
    if settings.given("NEWCONF") and settings["NEWCONF"].wall and not n_atoms:
        settings.error("NEWCONF", "the potential has no atoms to put in a sphere; leave out the second number")
    if settings.given("TABOO"):
        if not (settings.given("RESTART") or settings.given("NEWRESTART")):
            settings.error("TABOO", "the list is filled by RESTART or NEWRESTART, which are missing")
        if settings.given("AVOID"):
            settings.error("TABOO", "AVOID and TABOO exclude each other")
    symmetric = symmetric_settings(settings, potential, n_atoms)
    network = network_settings(settings, potential)
    targets = tuple(settings["TARGET"].energies or ()) if settings.given("TARGET") else ()
    all_targets = tuple(settings["MLOWEST"].energies or ()) if settings.given("MLOWEST") else ()
    if targets and all_targets:
        settings.error("MLOWEST", "TARGET and MLOWEST exclude each other")
    if settings.given("CUDA"):
        _refuse_with_device(settings)
    mfet = None
    if settings.given("MFET"):
        v = settings["MFET"]
        if v.target is None and not targets:
            settings.error("MFET", "expected a target energy as third argument or by TARGET")
        elif v.target is not None:
            targets = (v.target,)
        mfet = (v.n, v.percent)
    avoid = None
    if settings.given("AVOID"):
        v = settings["AVOID"]
        avoid = (v.distance, v.n, v.reseed)
        if not settings.given("NEWRESTART"):
            settings.error("AVOID", "the list is filled by NEWRESTART, which is missing")
    restore = None
    if settings.given("RESTORE"):
        restore = directory / settings["RESTORE"].file
        if not restore.exists():
            settings.error("RESTORE", f"no file {settings['RESTORE'].file} in {directory.resolve()}")
    pairs = has_pair_energies(potential)
    walkers = [
        _walker(settings, k, tight, frozen, radius, targets, all_targets, potential, seed_atoms, symmetric, network)
        for k in range(n_walkers)
    ]
    tempering = read_tempering(settings, directory, potential, n_atoms, walkers[0], pairs)
    if tempering is not None and tempering.kind == "BHPT":
        for walker, temperature in zip(walkers, tempering.temperatures):
            walker.temperature = temperature
    steps = settings["STEPS"]
    stretches = [(steps.n or 0, steps.factor)]
    if steps.n2 is not None:
        stretches.append((steps.n2, steps.factor2))
        if steps.n3 is not None:
            stretches.append((steps.n3, steps.factor3))
    return Job(
        directory=directory,
        settings=settings,
        potential=potential,
        n_atoms=n_atoms,
        pair_energies=pairs,
        starts=starts,
        walkers=walkers,
        stretches=stretches,
        tight=tight,
        seed=settings["RANSEED"].seed,
        save=settings["SAVE"].n,
        sort=settings.given("SORT"),
        track=settings.given("TRACKDATA"),
        monitor=settings["MONITOR"].n if settings.given("MONITOR") and n_atoms else None,
        print_every=settings["PRTFRQ"].n,
        dump_interval=settings["DUMPINT"].n,
        restore=restore,
        targets=targets,
        all_targets=all_targets,
        avoid=avoid,
        relax=settings["NEWRESTART"].n if settings.given("NEWRESTART") else None,
        restart=2 * settings["RESTART"].n if settings.given("RESTART") else None,
        taboo=settings["TABOO"].n if settings.given("TABOO") else None,
        new_within=settings["NEWCONF"].wall if settings.given("NEWCONF") else None,
        notes=_notes(settings, avoid),
        permutations=settings.given("PERMDIST") or settings.given("SYMMETRISECSM"),
        use_database=not settings.given("NODATABASE"),
        debug=settings.given("DEBUG"),
        mfet=mfet,
        cuda=(settings["CUDA"].walkers, settings["CUDA"].device) if settings.given("CUDA") else None,
        radius=radius,
        radius_given=settings.given("RADIUS"),
        tempering=tempering,
        echo=settings.echo(),
    )


def _refuse_unsupported_arguments(settings):
    """Arguments of supported keywords that stand for what the suite does not have."""
    for name in ("NEWRESTART", "RESTART"):
        if settings.given(name) and settings[name].nhs:
            settings.error(name, "hard-sphere moves are not supported; nhs must be 0")
    for index, v in enumerate(settings.all("STEP")):
        if v.block:
            settings.error("STEP", "block moves are not supported; block must be 0", index=index)


def _refuse_with_device(settings):
    """Keywords of the program that walkers on a device do not obey; those of the potential are its own matter."""
    from common.keywords import load_table
    from gmin.on_device import refuse_with_device

    refuse_with_device(settings, [keyword.name for keyword in load_table(table_paths()[0])])


def _notes(settings, avoid):
    """One line for each argument or keyword that has no effect in this run."""
    notes = []
    if any(v.ostep for v in settings.all("STEP")):
        notes.append("STEP: ostep has no effect, since there are no rigid bodies")
    if settings.given("PERMDIST"):
        if avoid is None:
            notes.append("PERMDIST has no effect without AVOID")
        elif settings["PERMDIST"].tolerance is not None:
            notes.append("PERMDIST: the tolerance has no effect, since the alignment needs none")
    return notes


def _frozen(settings, potential, n_atoms):
    numbers = [k for v in settings.all("FREEZE") for k in v.atoms]
    most = n_atoms or potential.n_variables
    for k in numbers:
        if k > most:
            settings.error("FREEZE", f"there are only {most} {'atoms' if n_atoms else 'variables'}")
    if not n_atoms:
        return tuple(sorted({k - 1 for k in numbers}))
    return tuple(sorted({3 * (k - 1) + c for k in numbers for c in range(3)}))


def has_pair_energies(potential):
    """Whether the atoms of a potential have Lennard-Jones pair energies, between themselves and not between images."""
    if getattr(potential, "box", None) is not None:
        return False
    return any(kind.__name__ in ("LennardJonesCore", "LennardJonesAxilrodTellerCore") for kind in type(potential).__mro__)


def _walker(settings, k, tight, frozen, radius, targets, all_targets, potential, seed_atoms, symmetric, network):
    def own(values):
        return values[k] if k < len(values) else values[0]

    steps = settings.all("STEP") or [settings["STEP"]]
    step = own(steps)
    every = settings.given("FIXBOTH") and not settings["FIXBOTH"].runs
    both = every or (settings.given("FIXBOTH") and k + 1 in settings["FIXBOTH"].runs)
    fix_step = both or any(v.run == k + 1 for v in settings.all("FIXSTEP"))
    fix_temperature = both or any(v.run == k + 1 for v in settings.all("FIXTEMP"))
    centre = None
    if settings.given("CENTRE"):
        centre = (0.0, 0.0, 0.0)
    elif settings.given("SETCENTRE"):
        v = settings["SETCENTRE"]
        centre = (v.x, v.y, v.z)
    return WalkerSettings(
        quench=QuenchSettings(
            rms=settings["SLOPPYCONV"].rms,
            max_iterations=settings["MAXIT"].sloppy,
            history=tight.history,
            max_step=tight.max_step,
            max_rise=tight.max_rise,
            diagonal=tight.diagonal,
            floor=tight.floor,
        ),
        step=potential.step_scale if step.step is None else step.step,
        astep=step.astep,
        temperature=own(settings["TEMPERATURE"].values),
        accept_ratio=own(settings["ACCEPTRATIO"].values),
        change_accept=settings["CHANGEACCEPT"].n,
        adjust_step=not fix_step,
        # the originals adjust one of the two: the step, or the temperature where the step is fixed
        adjust_temperature=fix_step and not fix_temperature,
        ediff=settings["EDIFF"].difference,
        centre=centre,
        reset=not settings.given("NORESET"),
        radius=radius,
        relax=settings["NEWRESTART"].n if settings.given("NEWRESTART") else None,
        frozen=tuple(range(seed_atoms.size)) if seed_atoms is not None and settings["SEED"].n else frozen,
        frozen_until=settings["SEED"].n if seed_atoms is not None else -1,
        surface=_in_units(settings, "SURFACE", settings["SURFACE"].distance, potential),
        coop=(settings["COOPMOVE"].n, settings["COOPMOVE"].cutoff) if settings.given("COOPMOVE") else None,
        shell=_shell(settings),
        compress=settings["COMPRESS"].k if settings.given("COMPRESS") else None,
        new_every=settings["NEWCONF"].n if settings.given("NEWCONF") else None,
        taboo=settings["TABOO"].n if settings.given("TABOO") else None,
        symmetric=symmetric,
        network=network,
        targets=targets,
        all_targets=all_targets,
        restart=2 * settings["RESTART"].n if settings.given("RESTART") else None,
    )


def _in_units(settings, name, value, potential):
    """A length as given, or a default in the unit of length of the potential."""
    return value if settings.given(name) else value * getattr(potential, "length_unit", 1.0)


def _shell(settings):
    v = settings["SHELLMOVE"]
    return (v.steps, v.probability, v.core) if settings.given("SHELLMOVE") else None

"""Moves between symmetric structures (SYMMETRISE, SYMMETRISECSM): what the input asks for, checked, and made for a walker."""

from dataclasses import dataclass

import numpy as np

from gmin.point_group import generators, operations


@dataclass(slots=True, frozen=True)
class CSMSettings:
    """Arguments of SYMMETRISECSM.

    Attributes
    ----------
    interval : int
        Least number of the walker's own steps between two chains of symmetric structures.
    group : str
        Schoenflies symbol.
    tolerance : float
        Change of the symmetry measure that ends its minimisation, and the measure below which a cluster is symmetric.
    trials : int
        Random orientations from which the measure is minimised.
    length : int
        Factor on the length of a chain.
    cycles : int
        Most cycles of a minimisation; 0: as many as it takes.
    """

    interval: int
    group: str
    tolerance: float = 1e-6
    trials: int = 1
    length: int = 1
    cycles: int = 0

    def moves(self, walker, n_atoms, bit_generator):
        """The moves for a walker of these settings (`WalkerSettings`)."""
        from gmin._symmetrise import CSMMoves

        return CSMMoves(
            operations(self.group),
            np.array(generators(self.group)),
            self.trials,
            self.cycles,
            self.tolerance,
            n_atoms,
            self.interval,
            self.length,
            walker.step,
            walker.ediff,
            bit_generator,
        )


@dataclass(slots=True, frozen=True)
class CoreSettings:
    """Arguments of SYMMETRISE.

    Attributes
    ----------
    interval : int
        Least number of the walker's own steps between two chains of symmetric structures.
    tolerances : tuple of float
        How far an atom of the core may be from the image of another, in units of the distance between neighbours.
    most : int
        Most quenches of a chain.
    same : float
        Operations whose matrices differ by less in each element are one.
    diameter : float
        Of the sphere, in units of the distance between neighbours, in which the centre of the core is looked for.
    """

    interval: int = 10
    tolerances: tuple = (0.1,)
    most: int = 20
    same: float = 0.1
    diameter: float = 0.0

    def moves(self, walker, n_atoms, bit_generator):
        """The moves for a walker of these settings (`WalkerSettings`)."""
        from gmin._symmetrise import CoreMoves

        return CoreMoves(
            self.tolerances,
            self.same,
            0.5 * self.diameter,
            self.most,
            n_atoms,
            self.interval,
            1.0,
            walker.step,
            walker.ediff,
            bit_generator,
        )


def symmetric_settings(settings, potential, n_atoms):
    """Settings of SYMMETRISE or SYMMETRISECSM, or None where neither is given; what is wrong becomes a problem of the input.

    Parameters
    ----------
    settings : common.keywords.Settings
    potential : Potential
    n_atoms : int

    Returns
    -------
    CoreSettings, CSMSettings or None
    """
    core, csm = (settings.given(name) for name in ("SYMMETRISE", "SYMMETRISECSM"))
    if core and csm:
        settings.error("SYMMETRISECSM", "SYMMETRISE and SYMMETRISECSM exclude each other")
        return None
    name = "SYMMETRISE" if core else "SYMMETRISECSM"
    if not (core or csm) or not can_symmetrise(name, settings, potential, n_atoms):
        return None
    v = settings[name]
    if core:
        return CoreSettings(v.interval, (v.t1, v.t2, v.t3, v.t4, v.t5), v.qmax, v.matdiff, v.distfac)
    try:
        generators(v.group)
    except ValueError as problem:
        settings.error(name, str(problem))
        return None
    return CSMSettings(v.interval, v.group, v.eps, v.steps, v.quenches, v.maxit)


def can_symmetrise(name, settings, potential, n_atoms):
    """Whether a run can have symmetric moves; if not, the keyword is a problem of the input."""
    from potentials.symmetry import RigidCluster

    if n_atoms < 2:
        settings.error(name, "the potential has no cluster of atoms to symmetrise")
    elif not isinstance(potential.symmetry, RigidCluster) or len(potential.symmetry.groups) > 1:
        settings.error(name, "only clusters of like atoms can be symmetrised")
    elif settings.given("FREEZE"):
        settings.error(name, "would move the atoms of FREEZE; remove one of the two")
    elif settings.given("NORESET"):
        settings.error(name, "a symmetric structure is a quench; remove NORESET")
    else:
        return True
    return False

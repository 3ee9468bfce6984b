"""Thermodynamics of a database by the superposition of harmonic minima: ``heat_capacity``."""

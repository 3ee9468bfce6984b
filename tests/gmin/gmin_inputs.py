"""Inputs that the tests of gmin share."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "../shared/wales/examples"

LJ13 = """\
STEPS 200 1.0
TEMPERATURE 0.8
STEP 0.40 0.40
SLOPPYCONV 1.0D-3
TIGHTCONV 1.0D-9
MAXIT 1000 1000
EDIFF 0.001
SAVE 5
CENTRE
SORT
RANSEED 7
"""

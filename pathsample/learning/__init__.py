"""Measures of the networks that the minima of a loss function are.

Read from the top: ``measure`` (what pathdata asks for, and the printed lines) -> ``data`` (the items), ``classification``
(AUC, accuracy, which items are wrong), ``auc`` (area and curve), ``misclassification`` over ``_hamming`` (distances by answers
and by weights), ``pictures``; ``auc_steps`` (networks for every step of a quench). Superposition of minima: ``mlsup`` (the
model and its figures) over ``selection`` (which minima), ``training`` (the second network) and ``prediction`` (new data).
``reproduce`` runs the published tables and figures.
"""

from pathsample.learning.auc import area_under_curve, roc_curve
from pathsample.learning.classification import classify, misclassification_rate

__all__ = ["area_under_curve", "classify", "misclassification_rate", "roc_curve"]

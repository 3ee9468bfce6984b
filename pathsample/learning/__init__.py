"""Measures of the networks that the minima of a loss function are: area under the ROC curve, misclassification."""

from pathsample.learning.auc import area_under_curve, classify, misclassification_rate

__all__ = ["area_under_curve", "classify", "misclassification_rate"]

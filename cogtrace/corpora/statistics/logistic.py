"""Logistic regression that survives small and lopsided tables.

Firth's penalty keeps coefficients finite where one group always shows an element; for a
table of two by two it is the same as adding half a trace to each cell. Standard errors
allow for traces of one cluster being alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from cogtrace.corpora.statistics.arrays import Array

_ROUNDS: Final = 100
_CLOSE: Final = 1e-9
_LONGEST: Final = 2.0  # of a step, per coefficient
_HALVINGS: Final = 30


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted regression."""

    coefficients: Array
    covariance: Array

    def error(self, place: int) -> float:
        """Return the standard error of a coefficient."""
        return float(np.sqrt(self.covariance[place, place]))


def fit(x: Array, y: Array, cluster: Array, of_interest: int) -> Fit | None:
    """Return the regression of ``y`` (0 or 1) on the columns of ``x``; None if there is none.

    ``cluster`` numbers the rows' clusters. Errors are the larger, at the coefficient
    ``of_interest``, of those the model implies and those the clusters show: clusters
    alone would make a group that never varies look certain.
    """
    beta = np.zeros(x.shape[1])
    for _ in range(_ROUNDS):
        found = _information(x, beta)
        if found is None:
            return None
        inverse, mean, weight = found
        leverage = weight * ((x @ inverse) * x).sum(axis=1)
        rest = y - mean + leverage * (0.5 - mean)
        step = np.clip(inverse @ (x.T @ rest), -_LONGEST, _LONGEST)
        if np.abs(step).max() < _CLOSE:
            return Fit(beta, _covariance(x, rest, cluster, inverse, of_interest))
        beta = beta + _shortened(x, y, beta, step)
    return None


def _shortened(x: Array, y: Array, beta: Array, step: Array) -> Array:
    """Return a step halved for as long as that leads higher.

    On tables of a few rows whole steps may go to and fro over the top for ever.
    """
    reached = _likelihood(x, y, beta + step)
    for _ in range(_HALVINGS):
        likelihood = _likelihood(x, y, beta + step / 2)
        if likelihood <= reached:
            break
        step, reached = step / 2, likelihood
    return step


def _likelihood(x: Array, y: Array, beta: Array) -> float:
    """Return the logarithm of the penalised likelihood."""
    score = x @ beta
    mean = expit(score)
    information = (x * (mean * (1 - mean))[:, None]).T @ x
    sign, penalty = np.linalg.slogdet(information)
    if sign <= 0:
        return -np.inf
    return float((y * score - np.logaddexp(0, score)).sum() + penalty / 2)


def _information(x: Array, beta: Array) -> tuple[Array, Array, Array] | None:
    """Return the inverse of the information, the means, and the weights."""
    mean = expit(x @ beta)
    weight = mean * (1 - mean)
    information = (x * weight[:, None]).T @ x
    if np.linalg.cond(information) > 1e12:
        return None
    return np.linalg.inv(information), mean, weight


def _covariance(x: Array, rest: Array, cluster: Array, inverse: Array, of_interest: int) -> Array:
    numbers, owner = np.unique(cluster, return_inverse=True)
    clusters = len(numbers)
    if clusters <= x.shape[1]:
        return inverse
    scores = np.stack(
        [np.bincount(owner, weights=x[:, k] * rest, minlength=clusters) for k in range(x.shape[1])]
    )
    robust: Array = inverse @ (scores @ scores.T) @ inverse * clusters / (clusters - 1)
    larger = robust[of_interest, of_interest] > inverse[of_interest, of_interest]
    return robust if larger else inverse


def expit(value: Array) -> Array:
    """Return the probability with these log odds."""
    share: Array = 1 / (1 + np.exp(-np.clip(value, -700, 700)))
    return share

"""Quiet towns drawn at random: what the scan's best score is compared with."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tongchou.science.detection.counts import POISSON_BELOW
from tongchou.science.detection.model import Floats

CELLS_AT_ONCE = 2_000_000  # memory of one batch of replicates


@dataclass(frozen=True, slots=True, eq=False)
class Quiet:
    """A town without a cluster. mu, phi (places, days), newest day first; older (places,): expectation of days before those; doubt (places,): its relative sd."""

    total: int
    mu: Floats
    older: Floats
    phi: Floats
    doubt: Floats

    def population(self, rng: np.random.Generator, n: int) -> Floats:
        """The total shared out in proportion to the expectation; what falls on older days is not returned."""
        factor = self._factors(rng, n)
        shares = np.concatenate([(self.mu * factor).reshape(n, -1), (self.older[:, None] * factor).sum(axis=1)], axis=1)
        shares /= np.maximum(shares.sum(axis=1, keepdims=True), 1e-300)
        draws = rng.multinomial(self.total, shares if self.doubt.any() else shares[0], size=n)
        return draws[:, :-1].reshape(n, *self.mu.shape).astype(np.float64)

    def poisson(self, rng: np.random.Generator, n: int) -> Floats:
        return rng.poisson(self.mu * self._factors(rng, n)).astype(np.float64)

    def negative_binomial(self, rng: np.random.Generator, n: int) -> Floats:
        """Counts / phi, as the score adds them up."""
        wide = (self.phi > POISSON_BELOW) & (self.mu > 0)
        scale = np.where(wide, self.phi - 1, 1.0)
        mean = np.where(wide, rng.gamma(np.where(wide, self.mu / scale, 1.0), scale, (n, *self.mu.shape)), self.mu)
        return rng.poisson(mean * self._factors(rng, n)) / self.phi

    def batches(self, draw: Callable[[np.random.Generator, int], Floats], seed: int, replicates: int) -> Iterator[Floats]:
        """All replicates (n, places, days), as many at once as fit into memory."""
        rng, batch = np.random.default_rng(seed), max(1, CELLS_AT_ONCE // self.mu.size)
        for start in range(0, replicates, batch):
            yield draw(rng, min(batch, replicates - start))

    def _factors(self, rng: np.random.Generator, n: int) -> Floats:
        """How far the true expectation of a place may lie from the one given: gamma, mean 1, one for all its days."""
        if not self.doubt.any():
            return np.ones((n, 1, 1))
        unsure = np.maximum(self.doubt, 1e-6) ** 2
        return rng.gamma(1 / unsure, unsure, (n, len(unsure)))[:, :, None]

"""What can be chosen about the computation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Mode = Literal["reference", "corrected"]

MIN_SUPPORT: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How edges are found, and how far walks go. Lengths are in code points."""

    mode: Mode = "corrected"
    max_nodes: int = 7  # of a walk
    overlap: float = 0.8  # share from which a span counts as covered by another
    parallel: float = 20  # sum of the shifts of both ends up to which spans are parallel
    min_support: int = MIN_SUPPORT  # traces that a walk needs at each step; 0 in reference mode

    @property
    def support(self) -> int:
        """Traces that a step of a walk needs, in this mode."""
        return 0 if self.mode == "reference" else self.min_support

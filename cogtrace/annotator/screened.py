"""What a screen saved in a hybrid job, and what it may have missed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cogtrace.annotator.intervals import Missed, missed


class Savings(msgspec.Struct, frozen=True, kw_only=True):
    """The screen's figures over some pairs of trace and element."""

    ruled_out: int
    audited: int  # of these, asked all the same
    shown: int  # of these, scored above 0
    missed: Missed

    def sentence(self, pairs: int) -> str:
        """Return the figures for people; ``pairs`` is the number of all pairs."""
        share = self.ruled_out / pairs if pairs else 0.0
        text = f"cues ruled out {self.ruled_out:,} of {pairs:,} pairs ({share:.0%})"
        if not self.audited:
            return f"{text}; none of them audited, so what was missed is unknown"
        return (
            f"{text}; of {self.audited:,} audited {self.shown:,} were shown: "
            f"{self.missed.low:.1%} to {self.missed.high:.1%} of the ruled-out pairs missed "
            f"(95 %), {self.missed.pairs_low:,} to {self.missed.pairs_high:,} pairs"
        )


def savings(tally: Mapping[str, int], element: str | None = None) -> Savings | None:
    """Return the figures in a tally, of one element or of all; None if nothing was screened."""
    ruled_out, audited, shown = (
        sum(
            count
            for key, count in tally.items()
            if key.startswith(f"{name}/") and element in (None, key.partition("/")[2])
        )
        for name in ("ruled-out", "audited", "missed")
    )
    if not ruled_out:
        return None
    return Savings(
        ruled_out=ruled_out,
        audited=audited,
        shown=shown,
        missed=missed(audited, shown, ruled_out),
    )

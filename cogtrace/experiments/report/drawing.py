"""The chart of sections: values with intervals, a row each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cogtrace.corpora.report.charts import Scale, intervals


def interval_chart(
    rows: Sequence[tuple[str, str, float | None, float | None, float | None]],
    kinds: tuple[str, ...],
    title: str,
) -> dict[str, Any]:
    """Return a chart of rows of name, kind, value and interval, all in shares."""
    data = [
        {
            "y": name,
            "kind": kind,
            "x": 100 * value,
            "low": None if low is None else 100 * low,
            "high": None if high is None else 100 * high,
        }
        for name, kind, value, low, high in rows
        if value is not None
    ]
    reach = max([10.0, *(abs(end) for row in data for end in _ends(row))])
    scale = Scale(title=title, domain=(-reach, reach), format="+d", reference=0.0)
    return intervals([("", list(dict.fromkeys(row[0] for row in rows)), data)], scale, kinds)


def _ends(row: dict[str, Any]) -> Iterator[float]:
    yield from (value for value in (row["x"], row["low"], row["high"]) if value is not None)

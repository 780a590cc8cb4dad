"""Figures of a running proxy, in the text format of Prometheus."""

from __future__ import annotations

import bisect
import os
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import msgspec

CONTENT_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"
# Seconds. The proxy's own work takes about a millisecond.
BUCKETS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_HELP: Final = {
    "cogtrace_requests_total": ("counter", "Requests by route and status."),
    "cogtrace_in_flight": ("gauge", "Requests that are being answered."),
    "cogtrace_overhead_seconds": (
        "histogram",
        "Time of a request that was not spent waiting for the upstream.",
    ),
    "cogtrace_calls_total": ("counter", "Calls to the upstream for guided requests, by plugin."),
    "cogtrace_tokens_total": ("counter", "Tokens of guided requests by plugin and kind."),
    "cogtrace_upstream_failures_total": ("counter", "Failures of the upstream by kind."),
    "cogtrace_record_failures_total": ("counter", "Records that could not be written."),
}
Labels = tuple[tuple[str, str], ...]


class Metrics:
    """Counts what happens. Used from one event loop."""

    def __init__(self, shared: Path | None = None) -> None:
        self._values: dict[tuple[str, Labels], float] = defaultdict(float)
        self._buckets: dict[Labels, list[float]] = {}
        self._shared = shared

    def add(self, name: str, labels: Labels = (), amount: float = 1.0) -> None:
        """Add to a counter or gauge."""
        self._values[name, labels] += amount

    def value(self, name: str, labels: Labels = ()) -> float:
        """Return what a counter or gauge stands at."""
        return self._values.get((name, labels), 0.0)

    def observe(self, seconds: float, labels: Labels) -> None:
        """Add to the histogram of the overhead."""
        found = self._buckets.get(labels)
        if found is None:  # a count for each bucket, those above all of them, and the sum
            found = self._buckets[labels] = [0.0] * (len(BUCKETS) + 2)
        found[bisect.bisect_left(BUCKETS, seconds)] += 1
        found[-1] += seconds

    def text(self) -> bytes:
        """Return all figures, those of the other workers added."""
        total = Metrics()
        total._merge(self._state())
        for state in self._of_others():
            total._merge(state)
        return total._text().encode()

    def share(self) -> None:
        """Leave the figures where the other workers find them."""
        if self._shared is None:
            return
        own = self._own(self._shared)
        partial = own.with_suffix(".partial")
        partial.write_bytes(msgspec.json.encode(self._state()))
        partial.replace(own)

    def _own(self, folder: Path) -> Path:
        return folder / f"{os.getpid()}.json"

    def _of_others(self) -> list[Any]:
        if self._shared is None:
            return []
        own = self._own(self._shared)
        others = sorted(path for path in self._shared.glob("*.json") if path != own)
        return [msgspec.json.decode(path.read_bytes()) for path in others]

    def _state(self) -> Any:
        values = [[name, labels, value] for (name, labels), value in self._values.items()]
        return {"values": values, "buckets": list(self._buckets.items())}

    def _merge(self, state: Any) -> None:
        for name, labels, value in state["values"]:
            self._values[name, _labels(labels)] += value
        for labels, counts in state["buckets"]:
            kept = self._buckets.setdefault(_labels(labels), [0.0] * (len(BUCKETS) + 2))
            for place, count in enumerate(counts):
                kept[place] += count

    def _text(self) -> str:
        lines: list[str] = []
        for name, (kind, words) in _HELP.items():
            lines += [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]
            if kind == "histogram":
                lines += self._histogram(name)
                continue
            found = [(labels, v) for (known, labels), v in self._values.items() if known == name]
            if not found and kind == "gauge":
                found = [((), 0.0)]
            lines += [f"{name}{_shown(labels)} {_number(v)}" for labels, v in sorted(found)]
        return "\n".join(lines) + "\n"

    def _histogram(self, name: str) -> list[str]:
        lines = []
        for labels, counts in sorted(self._buckets.items()):
            below = 0.0
            for edge, count in zip([*map(str, BUCKETS), "+Inf"], counts[:-1], strict=True):
                below += count
                lines.append(f"{name}_bucket{_shown((*labels, ('le', edge)))} {_number(below)}")
            lines.append(f"{name}_sum{_shown(labels)} {counts[-1]:.6f}")
            lines.append(f"{name}_count{_shown(labels)} {_number(below)}")
        return lines


def _labels(labels: Any) -> Labels:
    return tuple((str(name), str(value)) for name, value in labels)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _shown(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")

"""The table "how far to trust it": kappa per element, of each annotator of an evaluation.

cogtrace evaluate cue model --gold labels.csv --json trust.json
python benchmarks/trust_table.py trust.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

METRIC = "kappa_quadratic"


def cell(estimate: dict[str, Any] | None) -> str:
    """Return an estimate with its interval."""
    if estimate is None or estimate["value"] is None:
        return "–"
    value, low, high = (estimate[name] for name in ("value", "low", "high"))
    interval = "" if low is None or high is None else f" [{number(low)}, {number(high)}]"
    return number(value) + interval


def number(value: float) -> str:
    """Return a number with two digits, without the zero before its point."""
    text = f"{value:.2f}".replace("-0.00", "0.00")
    return text.replace("0.", ".", 1).replace("-", "−") if abs(value) < 1 else text


def rows(evaluation: dict[str, Any]) -> list[list[str]]:
    """Return the header, a row per element, and the means."""
    comparisons = evaluation["comparisons"]
    names = [Path(comparison["predicted"]).name for comparison in comparisons]
    table = [["element", "readers with each other", "length alone", *names, "a language model"]]
    agreement = {entry["element"]: entry["metrics"] for entry in evaluation["agreement"]}
    for entries in zip(*(comparison["elements"] for comparison in comparisons), strict=True):
        element = entries[0]["element"]
        table.append(
            [
                element,
                cell(agreement.get(element, {}).get(METRIC)),
                cell(entries[0]["length_only"].get(METRIC)),
                *(cell(entry["metrics"].get(METRIC)) for entry in entries),
                "–",
            ]
        )
    mean = f"{METRIC}_mean"
    table.append(
        [
            "**mean**",
            cell(evaluation["agreement_overall"].get(mean)),
            cell(comparisons[0]["overall_length_only"].get(mean)),
            *(cell(comparison["overall"].get(mean)) for comparison in comparisons),
            "–",
        ]
    )
    return table


def main() -> None:
    """Print the table as Markdown."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    header, *body = rows(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    for row in (header, ["---"] * len(header), *body):
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()

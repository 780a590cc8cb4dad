"""`cogtrace formats`: what can be read and written."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from cogtrace.cli.console import err, out, out_json
from cogtrace.cli.options import AsJson
from cogtrace.printable import printable

if TYPE_CHECKING:
    from cogtrace.plugins import Extensions

_TITLES: Final = {
    "traces": "Read by `cogtrace annotate INPUT --format NAME` (a known file name needs none)",
    "annotations": "Read by `cogtrace import --from NAME`",
    "export": "Written by `cogtrace export --to NAME`",
}


def formats(as_json: AsJson = False) -> None:
    """List the formats that can be read and written, and where each comes from.

    Packages add more; one that is broken is named, and the others are listed all the same.
    """
    from cogtrace.plugins import extensions

    found = extensions()
    rows = _rows(found)
    problems = [str(problem) for problem in found.problems]
    if as_json:
        out_json({"formats": rows, "problems": problems})
        return
    width = max(len(row["name"]) for row in rows)
    for use, group in itertools.groupby(rows, key=lambda row: row["use"]):
        out(f"{_TITLES[use]}:")
        for row in group:
            names = f" ({row['suffixes']})" if row["suffixes"] else ""
            line = f"  {row['name']:{width}}  {row['summary']}{names}; from {row['package']}"
            out(printable(line))
        out("")
    for problem in problems:
        err(f"warning: {problem}")


def _rows(found: Extensions) -> list[dict[str, str]]:
    rows = [
        {
            "name": kind.name,
            "use": kind.gives,
            "summary": kind.summary,
            "suffixes": " ".join(kind.suffixes),
            "package": found.package(kind),
        }
        for kind in found.readers()
    ]
    rows.sort(key=lambda row: row["use"] != "traces")  # the order within stays
    return rows + [
        {
            "name": kind.name,
            "use": "export",
            "summary": kind.summary,
            "suffixes": "",
            "package": found.package(kind),
        }
        for kind in found.writers()
    ]

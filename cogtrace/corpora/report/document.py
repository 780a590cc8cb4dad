"""A report as JSON (schema "report"): every section's words and tables, and all figures."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec

from cogtrace import __version__
from cogtrace.corpora.report.building import Part, Report
from cogtrace.sections import Block, Chart, Facts, Notice, Picture, Points, Prose, Table


def to_json(report: Report) -> str:
    """Return a report as a JSON document."""
    source = report.source
    content = {
        "format": 1,
        "cogtrace": __version__,
        "title": report.title,
        "problems": [*report.missing, *report.problems],
        "sections": [_section(part) for part in report.parts],
        "statistics": source.statistics,
        "structure": source.structure,
        "evaluation": None if source.judged is None else source.judged.evaluation,
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=1).decode() + "\n"


def _section(part: Part) -> dict[str, Any]:
    blocks = [_block(block) for block in part.section.blocks]
    return {"name": part.name, "title": part.title, "package": part.package, "blocks": blocks}


def _block(block: Block) -> dict[str, Any]:
    match block:
        case Prose(text):
            return {"kind": "prose", "text": text}
        case Notice(text, kind):
            return {"kind": "notice", "text": text, "warning": kind == "warning"}
        case Points(title, items):
            points = [{"about": lead, "text": point} for lead, point in items]
            return {"kind": "points", "title": title, "items": points}
        case Facts(items):
            facts = [{"name": name, "value": value} for name, value in items]
            return {"kind": "facts", "items": facts}
        case Table():
            return {"kind": "table"} | _table(block)
        case Chart():
            return {"kind": "chart", "text": block.words, "table": _table(block.table)}
        case Picture():
            table = None if block.table is None else _table(block.table)
            return {"kind": "picture", "text": block.words, "table": table}


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "title": table.title,
        "columns": [asdict(column) for column in table.columns],
        "rows": [list(row) for row in table.rows],
        "note": table.note,
    }

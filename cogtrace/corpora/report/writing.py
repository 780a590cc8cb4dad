"""A report as a file: a page, Markdown, or JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final, Literal, get_args

from cogtrace.corpora.report.building import Report
from cogtrace.errors import InputError
from cogtrace.printable import json_printable

Format = Literal["html", "md", "json"]
FORMATS: Final[tuple[Format, ...]] = get_args(Format)
_SUFFIXES: Final[dict[str, Format]] = {".md": "md", ".markdown": "md", ".json": "json"}


def format_of(path: Path) -> Format:
    """Return the form that a file's name tells; a page by default."""
    return _SUFFIXES.get(path.suffix.lower(), "html")


def write_report(report: Report, path: Path, form: Format) -> tuple[str, ...]:
    """Write a report, to standard output if the path is "-"; return what could not be shown.

    Raises:
        InputError: the file cannot be written.
        OptionError: what draws charts is not installed.
    """
    content, problems = _content(report, form)
    if str(path) == "-":
        sys.stdout.write(json_printable(content) if form == "json" else content)
        return problems
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Under another name first, so that no report is ever half there.
        unfinished = path.with_name(f".tmp-{path.name}")
        try:
            unfinished.write_text(content, encoding="utf-8", newline="\n")
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error
    return problems


def _content(report: Report, form: Format) -> tuple[str, tuple[str, ...]]:
    if form == "html":
        from cogtrace.corpora.report.html import to_html

        page = to_html(report)
        return page.content, page.problems
    if form == "md":
        from cogtrace.corpora.report.markdown import to_markdown

        return to_markdown(report), report.problems
    from cogtrace.corpora.report.document import to_json

    return to_json(report), report.problems

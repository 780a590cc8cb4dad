"""Reports for tests: jobs with hostile names, and what a browser would make of a page."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from statistics_jobs import Made, make_job, random_rows

from cogtrace.corpora.report import ReportInput, read_input
from cogtrace.corpora.statistics import Settings

# Everything that might take over a page, a terminal, a spreadsheet or Markdown.
HOSTILE = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(2)></script><!--"
    "\u202etxt\x1b[31m\x00 =1+1 [a](javascript:alert(3)) `b` | **c** {0} %s &amp; \ud800"
)

_EMPTY = {"meta", "img", "input", "br", "hr", "link", "col"}


@dataclass(slots=True)
class Node:
    """An element of a page as a browser sees it."""

    tag: str
    attributes: dict[str, str]
    path: tuple[str, ...]  # the tags around it
    text: str = ""


@dataclass(slots=True)
class Seen:
    """A page as a browser sees it."""

    nodes: list[Node] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  # elements that are not closed as opened

    def of(self, tag: str, **attributes: str) -> list[Node]:
        """Return the elements with a tag and attributes."""
        return [
            node
            for node in self.nodes
            if node.tag == tag
            and all(node.attributes.get(key) == value for key, value in attributes.items())
        ]


def seen(page: str) -> Seen:
    """Parse a page as HTML, as lenient as browsers are, noting what is not balanced."""
    found = Seen()
    open_: list[Node] = []

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            attributes = {key: value or "" for key, value in attrs}
            if len(attributes) != len(attrs):
                found.faults.append(f"<{tag}> has an attribute twice")
            node = Node(tag, attributes, tuple(parent.tag for parent in open_))
            found.nodes.append(node)
            if tag not in _EMPTY:
                open_.append(node)

        def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            self.handle_starttag(tag, attrs)
            if tag not in _EMPTY:
                open_.pop()

        def handle_endtag(self, tag: str) -> None:
            if not open_ or open_[-1].tag != tag:
                found.faults.append(f"</{tag}> in {[node.tag for node in open_[-3:]]}")
            else:
                open_.pop()

        def handle_data(self, data: str) -> None:
            for node in open_:
                node.text += data

        def handle_comment(self, data: str) -> None:
            found.faults.append(f"a comment: {data[:40]!r}")

    parser = Parser(convert_charrefs=True)
    parser.feed(page)
    parser.close()
    found.faults += [f"<{node.tag}> is not closed" for node in open_]
    return found


def policy_hashes(page: str, directive: str) -> set[str]:
    """Return the hashes that a page's security policy allows for scripts or styles."""
    (policy,) = (
        node.attributes["content"]
        for node in seen(page).of("meta")
        if node.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    (allowed,) = (part for part in policy.split(";") if part.split()[0] == directive)
    return set(re.findall(r"'(sha256-[^']+)'", allowed))


def digest(content: str) -> str:
    """Return the hash of a script or style as policies name it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}"


def read_made(
    path: Path,
    rows: Sequence[Made] | None = None,
    taxonomy: dict[str, Any] | None = None,
    draws: int = 20,
    **options: Any,
) -> ReportInput:
    """Make a job of made-up traces, and read it for a report."""
    rows = random_rows(1, 60) if rows is None else rows
    elements = sorted({element for row in rows for element in row.scores})
    folder = make_job(path, rows, elements=elements)
    if taxonomy is not None:
        (folder / "taxonomy.json").write_text(json.dumps(taxonomy), encoding="utf-8")
    settings = Settings(bootstrap=draws, **options.pop("settings", {}))
    return read_input([folder], settings=settings, **options)


def taxonomy_of(elements: Sequence[str], name: str, definition: str) -> dict[str, Any]:
    """Return a valid taxonomy whose texts for people are given."""

    def element(id_: str) -> dict[str, Any]:
        return {
            "id": id_,
            "name": name[:60],
            "dimension": "all",
            "definition": definition,
            "indicators": [definition],
            "rubric": {"0": definition, "1": definition, "2": definition},
            "cues": [{"text": f"a cue of {id_.replace('-', ' ')}", "strength": "strong"}],
            "examples": [
                {
                    "text": "Well, it is a cue of some length.",
                    "score": 1,
                    "quotes": ["a cue"],
                    "why": definition,
                },
            ],
        }

    return {
        "id": "mine",
        "version": "1.0.0",
        "name": name,
        "dimensions": [{"id": "all", "name": name, "definition": definition}],
        "elements": [element(id_) for id_ in elements],
    }

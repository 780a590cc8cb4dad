"""Checking a taxonomy beyond its schema: names, quotes, scores, and cues.

A published set of worked examples had a fault in every fourth of its hand-made spans;
none of these would pass here.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec

from cogtrace import schemas
from cogtrace.taxonomy.loader import read_taxonomy
from cogtrace.taxonomy.misfits import misfits
from cogtrace.taxonomy.model import Cue, Element, Example, Taxonomy

_LENGTH_RATIO: Final = 1.5  # of mean example lengths between scores


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something wrong with a taxonomy (error) or questionable in it (warning)."""

    level: Literal["error", "warning"]
    place: str
    message: str


def lint_taxonomy(source: Path | str | None = None) -> list[Finding]:
    """Return all findings about a taxonomy file or folder, errors first.

    Raises:
        TaxonomyError: it cannot be read as JSON at all.
    """
    data = read_taxonomy(source)
    broken = [_error(path, reason) for path, reason in schemas.problems("taxonomy", data)]
    if broken:
        return broken
    try:
        taxonomy = msgspec.convert(data, Taxonomy)
    except msgspec.ValidationError as error:
        return [_error("$", str(error))]
    findings = [_error(place, reason) for place, reason in misfits(taxonomy)]
    for element in taxonomy.elements:
        findings += _examples(element)
        findings += _cues(element)
        findings += _scoring(element)
    return sorted(findings, key=lambda finding: finding.level != "error")


def _examples(element: Element) -> Iterator[Finding]:
    lengths: dict[int, list[int]] = defaultdict(list)
    for number, example in enumerate(element.examples, start=1):
        place = f"{element.id}, example {number}"
        yield from _quotes(example, place)
        if example.hard_negative and example.score:
            yield _error(place, f"a hard negative scores 0, not {example.score}")
        if not example.hard_negative:
            lengths[example.score].append(len(example.text))
    for score in (0, 1, 2):
        if len(lengths[score]) < 2:
            yield _warning(element.id, f"fewer than two worked examples of score {score}")
    means = [statistics.mean(found) for found in lengths.values() if found]
    if means and max(means) > _LENGTH_RATIO * min(means):
        yield _warning(
            element.id,
            "examples of one score are much longer than those of another, which teaches "
            f"length: {', '.join(f'{mean:.0f}' for mean in means)} characters on average",
        )


def _quotes(example: Example, place: str) -> Iterator[Finding]:
    if bool(example.score) != bool(example.quotes):
        yield _error(place, f"score {example.score} with {len(example.quotes)} quotes")
    for quote in example.quotes:
        count = example.text.count(quote)
        if count != 1:
            where = "is not in the text" if not count else f"stands {count} times in the text"
            yield _error(place, f"the quote {quote!r} {where}")


def _cues(element: Element) -> Iterator[Finding]:
    texts = Counter(cue.text for cue in element.cues)
    yield from (
        _error(element.id, f"the cue {text!r} is there {n} times")
        for text, n in texts.items()
        if n > 1
    )
    for cue in element.cues:
        if cue.text != " ".join(cue.text.lower().split()):
            yield _error(element.id, f"the cue {cue.text!r} is not in lower case, single spaces")
        if all(char in ",;:.!?'\"- " for char in cue.text):
            yield _error(element.id, f"the cue {cue.text!r} is nothing but punctuation")
    for number, example in enumerate(element.examples, start=1):
        if example.score == 0:
            for cue in element.cues:
                # A weak cue counts only in company; it may stand in a negative.
                if cue.strength != "weak" and _matches(cue, example.text):
                    yield _cue_finding(element.id, number, cue, example)


def _cue_finding(element: str, number: int, cue: Cue, example: Example) -> Finding:
    kind = "hard negative" if example.hard_negative else "example of score 0"
    message = f"the {cue.strength} cue {cue.text!r} matches this {kind}"
    place = f"{element}, example {number}"
    return _error(place, message) if cue.strength == "strong" else _warning(place, message)


def _matches(cue: Cue, text: str) -> bool:
    """Say whether a cue stands in a text, whatever speaks against it there."""
    gap = r"\W+(?:[\w'-]+\W+){0,12}?"
    words = gap.join(re.escape(part).replace(",", ",?") for part in cue.text.split(" ... "))
    before = r"(?:^|[.!?]\s+)" if cue.at == "start" else r"(?<!\w)"
    folded = " ".join(text.lower().replace("’", "'").split())
    return re.search(f"{before}{words}(?!\\w)", folded) is not None


def _scoring(element: Element) -> Iterator[Finding]:
    if element.scoring.present < element.scoring.partial:
        yield _error(element.id, "scoring: 'present' is below 'partial'")
    if element.scoring.screen > element.scoring.partial:
        yield _error(element.id, "scoring: 'screen' is above 'partial'")


def _error(place: str, message: str) -> Finding:
    return Finding(level="error", place=place, message=message)


def _warning(place: str, message: str) -> Finding:
    return Finding(level="warning", place=place, message=message)

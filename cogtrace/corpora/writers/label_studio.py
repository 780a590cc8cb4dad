"""Tasks for Label Studio, with the annotations as predictions that people correct.

A span is a region of the control ``element``; its ``strength`` (partial or present) is a
choice of that region, and the score of an element is the highest strength of its regions.
What has a score and no span is in ``whole``, for the whole text. Offsets are UTF-16 units,
as in a browser. All else that is known of a trace is in the task's data, which Label
Studio hands back; so `cogtrace import --from label-studio` finds it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final
from xml.sax.saxutils import quoteattr

import msgspec

from cogtrace.corpora.utf16 import Utf16
from cogtrace.records import Annotation, ElementAnnotation, Trace
from cogtrace.taxonomy import Taxonomy

Pairs = Iterable[tuple[Trace, Annotation]]

ELEMENT: Final = "element"
STRENGTH: Final = "strength"
WHOLE: Final = "whole"
TEXT: Final = "text"
STRENGTHS: Final = {1: "partial", 2: "present"}
DATA: Final = "cogtrace"  # key of a task's data: which elements were asked about


def to_label_studio(pairs: Pairs, taxonomy: Taxonomy) -> Iterator[str]:
    """Yield a JSON array of tasks."""
    yield "["
    comma = "\n"
    for trace, annotation in pairs:
        yield comma + msgspec.json.encode(task(trace, annotation)).decode()
        comma = ",\n"
    yield "\n]\n"


def to_label_config(pairs: Pairs, taxonomy: Taxonomy) -> Iterator[str]:
    """Yield the labelling interface for these tasks: paste it into the project's settings."""
    yield "<View>\n"
    yield '  <Header value="$question"/>\n'
    yield f'  <Labels name="{ELEMENT}" toName="{TEXT}">\n'
    for element in taxonomy.elements:
        hint = quoteattr(" ".join(element.definition.split()))
        yield f"    <Label value={quoteattr(element.id)} hint={hint}/>\n"
    yield "  </Labels>\n"
    yield f'  <Choices name="{STRENGTH}" toName="{TEXT}" perRegion="true" choice="single">\n'
    for strength in STRENGTHS.values():
        yield f'    <Choice value="{strength}"/>\n'
    yield "  </Choices>\n"
    yield f'  <Text name="{TEXT}" value="$text" granularity="word"/>\n'
    yield f'  <Taxonomy name="{WHOLE}" toName="{TEXT}" leafsOnly="true">\n'
    for element in taxonomy.elements:
        yield f"    <Choice value={quoteattr(element.id)}>\n"
        for strength in STRENGTHS.values():
            yield f'      <Choice value="{strength}"/>\n'
        yield "    </Choice>\n"
    yield "  </Taxonomy>\n</View>\n"


def task(trace: Trace, annotation: Annotation) -> dict[str, Any]:
    """Return the task of one trace."""
    return {
        "data": _data(trace, annotation),
        "predictions": [
            {
                "model_version": f"{annotation.annotator.name} {annotation.annotator.version}",
                "result": list(_regions(trace, annotation)),
            }
        ],
    }


def _data(trace: Trace, annotation: Annotation) -> dict[str, Any]:
    # Every field, for the interface shows the question, and nothing is guessed on the way back.
    fields = {name: getattr(trace, name) for name in Trace.__struct_fields__}
    asked = [entry.element for entry in annotation.elements]
    return fields | {DATA: {"asked": asked, "taxonomy": msgspec.to_builtins(annotation.taxonomy)}}


def _regions(trace: Trace, annotation: Annotation) -> Iterator[dict[str, Any]]:
    offsets = Utf16(trace.text)
    number = 0
    whole = []
    for entry in annotation.elements:
        if entry.score and not entry.spans:
            whole.append([entry.element, _strength(entry)])
        for span in entry.spans:
            number += 1
            value = {
                "start": offsets.units(span.start),
                "end": offsets.units(span.end),
                "text": span.quote,
            }
            region = {"id": f"r{number}", "to_name": TEXT}
            label = region | {
                "from_name": ELEMENT,
                "type": "labels",
                "value": value | {"labels": [entry.element]},
            }
            yield label if span.confidence is None else label | {"score": span.confidence}
            yield region | {
                "from_name": STRENGTH,
                "type": "choices",
                "value": value | {"choices": [_strength(entry)]},
            }
    if whole:
        yield {
            "id": WHOLE,
            "from_name": WHOLE,
            "to_name": TEXT,
            "type": "taxonomy",
            "value": {"taxonomy": whole},
        }


def _strength(entry: ElementAnnotation) -> str:
    return STRENGTHS[min(entry.score, max(STRENGTHS))]

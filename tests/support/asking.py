"""An LLM annotator over a function that plays the model, for tests."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cogtrace.annotator.llm.annotator import LlmAnnotator
from cogtrace.engines import EngineSettings, Request, Result
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.extensions import AnnotatorSetup, EngineKind, Watch
from cogtrace.taxonomy import Taxonomy

Model = Callable[[Request], "str | Result | None"]


def setup_for(
    model: Model,
    taxonomy: Taxonomy,
    *,
    folder: Path | None = None,
    options: dict[str, Any] | None = None,
    watch: Watch | None = None,
    arguments: dict[str, Any] | None = None,
    concurrency: int | None = None,
    **settings: Any,
) -> AnnotatorSetup:
    """Return the setup of an annotator that asks ``model``; ``options`` are LlmOptions."""
    return AnnotatorSetup(
        taxonomy=taxonomy,
        folder=folder,
        engine=EngineKind(
            name="played",
            summary="a function that plays the model",
            build=lambda given: ScriptedEngine.from_function(
                model, concurrency=given.concurrency, **(arguments or {})
            ),
        ),
        engine_settings=EngineSettings(concurrency=concurrency),
        options={"options": options or {}, "fence": "0123abcd"} | settings,
        watch=watch,
    )


def llm(model: Model, taxonomy: Taxonomy, **more: Any) -> LlmAnnotator:
    """Return an annotator that asks ``model``; see `setup_for`."""
    return LlmAnnotator.from_setup(setup_for(model, taxonomy, **more))


def asked_of(request: Request) -> list[str]:
    """Return the ids of the elements that a request asks about; none for a canary."""
    return [] if request.key == "canary" else list((request.schema or {})["properties"])


def limits_of(request: Request) -> tuple[int, int]:
    """Return the numbers of the first and last sentence that may be named as evidence."""
    found = re.search(r'"minimum": (\d+), "maximum": (\d+)', json.dumps(request.schema))
    assert found is not None
    return int(found[1]), int(found[2])


def answer(request: Request, **verdicts: tuple[int, list[list[int]]]) -> str | None:
    """Return an answer: score and ranges per element (``_`` for ``-``), absent otherwise."""
    names = asked_of(request)
    if not names:
        return None
    given = {name.replace("_", "-"): verdict for name, verdict in verdicts.items()}
    return json.dumps(
        {
            name: {
                "evidence": given.get(name, (0, []))[1],
                "reason": "because",
                "score": given.get(name, (0, []))[0],
            }
            for name in names
        }
    )

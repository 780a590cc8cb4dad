"""Annotation inside Inspect Scout itself."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from loopback import LoopbackServer, answer

pytest.importorskip("inspect_scout", reason="scripts/test-integrations has Inspect Scout")
pytestmark = pytest.mark.filterwarnings("default")  # of others' making

from inspect_ai import Task, eval  # noqa: E402
from inspect_ai.dataset import Sample  # noqa: E402
from inspect_ai.model import (  # noqa: E402
    ChatMessageAssistant,
    ChatMessageUser,
    ContentReasoning,
    ContentText,
)
from inspect_scout import Transcript, scan, scan_results_df, transcripts_from  # noqa: E402

from cogtrace.errors import UnknownElement  # noqa: E402
from cogtrace.integrations.scout_scanner import cogtrace_elements  # noqa: E402

CHECK = "Let me double-check: 17 + 24 = 41, and 41 - 24 = 17. It checks out."
SAID: list[Any] = [
    ChatMessageUser(id="q", content="Let me double-check: what is 17 + 24?"),
    ChatMessageAssistant(id="a", content="The sum is forty-one."),
    ChatMessageAssistant(
        id="b", content=[ContentReasoning(reasoning=CHECK), ContentText(text="So 41.")]
    ),
]


def scanned(transcript: Transcript, **options: Any) -> Any:
    async def run() -> Any:
        return await cogtrace_elements(**options)(transcript)

    return asyncio.run(run())


def test_elements_are_scored_quoted_and_lead_to_their_message() -> None:
    found = scanned(Transcript(transcript_id="t", messages=SAID))

    assert found.value["verification"] in (1, 2)
    assert found.value["backtracking"] == 0
    assert "double-check" in found.explanation
    assert {reference.id for reference in found.references} <= {"a", "b"}
    cited = next(r.cite for r in found.references if r.id == "b")
    assert cited.startswith(CHECK)


def test_only_the_elements_asked_for_are_looked_at() -> None:
    found = scanned(Transcript(transcript_id="t", messages=SAID), elements=("verification",))

    assert set(found.value) == {"verification"}


def test_a_transcript_in_which_the_assistant_says_nothing_has_no_value() -> None:
    assert scanned(Transcript(transcript_id="t", messages=SAID[:1])).value is None


def test_an_unknown_element_is_refused_with_what_is_near() -> None:
    with pytest.raises(UnknownElement, match="verification"):
        cogtrace_elements(elements=("verificaton",))


def test_a_scan_over_logs_of_inspect_has_a_row_for_each_transcript(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logs = tmp_path / "logs"
    with LoopbackServer(always=answer(CHECK)) as server:
        monkeypatch.setenv("LOOPED_BASE_URL", server.base_url)
        monkeypatch.setenv("LOOPED_API_KEY", "none")
        samples = [Sample(input="17 + 24?"), Sample(input="24 + 17?")]
        model = "openai-api/looped/tiny"
        eval(Task(dataset=samples), model=model, log_dir=str(logs), display="none")
    status = scan(
        [cogtrace_elements(annotator="cue")],
        transcripts=transcripts_from(str(logs)),
        scans=str(tmp_path / "scans"),
        display="none",
    )

    assert status.complete
    rows = scan_results_df(status.location).scanners["cogtrace_elements"]
    assert [json.loads(value)["verification"] for value in rows["value"]] == [2, 2]

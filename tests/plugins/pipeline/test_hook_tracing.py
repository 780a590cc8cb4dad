"""COGTRACE_TRACE_HOOKS: each call of a hook as one harmless line."""

from __future__ import annotations

from typing import Any

import pytest

from cogtrace.extensions import hookimpl
from cogtrace.plugins.guidance import Candidate, GuidanceKind, TaskRun, Verdict
from cogtrace.plugins.pipeline import guide_sync
from cogtrace.plugins.pipeline.hooks import hooks_of


class Loud:
    """Shows all that may be returned or raised."""

    @hookimpl
    async def cogtrace_scaffolds(self, run: TaskRun) -> str:
        return "\x1b[2J" + "long " * 100

    @hookimpl
    def cogtrace_judge(self, candidates: tuple[Candidate, ...]) -> list[Verdict]:
        raise ValueError("line one\nline two")


def build(options: dict[str, Any]) -> Loud:
    return Loud()


KIND = GuidanceKind(name="loud", summary="shows", build=build, api_version=1)


def test_each_call_is_a_line_without_control_characters(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COGTRACE_TRACE_HOOKS", "1")

    run = guide_sync("Why?", [KIND])

    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("loud cogtrace_scaffolds(task='task-1') -> '\\x1b[2Jlong long")
    assert len(first) < 260
    assert second.startswith("loud cogtrace_judge(candidates=(Candidate(id='c1'")
    assert "raised ValueError('line one\\nline two')" in second
    assert run.errors[0].message == "ValueError: line one\nline two"  # as without


@pytest.mark.parametrize("value", [None, "", "0"])
def test_nothing_is_wrapped_unless_asked(
    monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is not None:
        monkeypatch.setenv("COGTRACE_TRACE_HOOKS", value)
    plugin = Loud()

    assert hooks_of(plugin, "loud")["cogtrace_judge"].function == plugin.cogtrace_judge


def test_a_value_that_cannot_be_shown_harms_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Secretive:
        def __repr__(self) -> str:
            raise OSError

    class Plugin:
        @hookimpl
        def cogtrace_scaffolds(self, run: TaskRun) -> Any:
            return Secretive()

    monkeypatch.setenv("COGTRACE_TRACE_HOOKS", "1")
    kind = GuidanceKind(
        name="secretive", summary="hides", build=lambda options: Plugin(), api_version=1
    )

    assert guide_sync("Why?", [kind]).outcome == "failed"
    assert "(Secretive whose repr raises OSError)" in capsys.readouterr().err

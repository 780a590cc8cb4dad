from __future__ import annotations

import json
from pathlib import Path

import pytest
from guided import asked, guided

from cogtrace.errors import OptionError
from cogtrace.plugins.builtin.abduce import plugin
from cogtrace.plugins.builtin.abduce.plugin import KIND
from cogtrace.plugins.guidance import Candidate, Sampling, Verdict
from cogtrace.plugins.pipeline import GuidanceRun

REPLIES = ["#### 29", "#### 30", "\\boxed{29}", "#### -4", "The answer is 29.0"]


def _filtered(*options: tuple[str, object], replies: list[str] | None = None) -> GuidanceRun:
    given = replies or REPLIES
    return guided(
        [(KIND, dict(options))], {"pipeline": given}, sampling=Sampling(samples=len(given))
    )


def _kept(run: GuidanceRun) -> list[bool]:
    return [verdict.verdict == "keep" for verdict in run.verdicts]


@pytest.mark.parametrize("solver", ["heuristic", "exact"])
def test_the_largest_group_that_agrees_is_kept(solver: str) -> None:
    if solver == "exact":
        pytest.importorskip("scipy")
    run = _filtered(("solver", solver))

    assert _kept(run) == [True, False, True, False, True]
    assert run.answer == "29"
    assert "3 of 5 kept, inconsistency 0" in run.verdicts[0].reason
    assert set(run.usage_by_plugin) == {"pipeline"}


def test_a_rule_drops_what_cannot_be(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(
        json.dumps({"rules": [{"id": "count", "when": {"number_above": 29}, "effect": "drop"}]})
    )

    run = _filtered(("rules", str(path)), ("disagreement", False))

    assert _kept(run) == [True, False, True, True, True]
    assert run.verdicts[1].reason == "rule count"


def test_violations_are_allowed_up_to_delta(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps({"rules": [{"id": "low", "when": {"number_below": 30}}]}))
    options: list[tuple[str, object]] = [("rules", [str(path)]), ("disagreement", False)]

    assert _kept(_filtered(*options)) == [False, True, False, False, False]
    assert sum(_kept(_filtered(*options, ("delta", 0.5)))) == 2
    assert all(_kept(_filtered(*options, ("delta", 1))))


def test_a_confident_pair_is_kept_before_another_pair() -> None:
    candidates = tuple(
        Candidate(id=str(n), text="", answer=a, confidence=c)
        for n, (a, c) in enumerate([("1", 0.2), ("1", 0.3), ("2", 0.9), ("2", 0.8)])
    )
    judge = plugin.build({n: p.get("default") for n, p in KIND.options["properties"].items()})

    verdicts = judge.cogtrace_judge(candidates) or []

    assert [v.verdict for v in verdicts] == ["drop", "drop", "keep", "keep"]


def test_candidates_without_an_answer_are_not_judged() -> None:
    judge = plugin.build({n: p.get("default") for n, p in KIND.options["properties"].items()})

    assert judge.cogtrace_judge((Candidate(id="a", text=""),)) is None
    (verdict,) = (
        judge.cogtrace_judge((Candidate(id="a", text=""), Candidate(id="b", text="", answer="1")))
        or []
    )
    assert isinstance(verdict, Verdict)
    assert verdict.candidate == "b"


def test_many_candidates_are_judged_in_no_time() -> None:
    judge = plugin.build({n: p.get("default") for n, p in KIND.options["properties"].items()})
    many = tuple(Candidate(id=str(n), text="", answer=str(n % 7)) for n in range(300))

    verdicts = judge.cogtrace_judge(many) or []

    assert sum(v.verdict == "keep" for v in verdicts) == 43


def test_without_scipy_the_exact_solver_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(OptionError, match=r"cogtrace\[math\]"):
        plugin.build({"solver": "exact", "rules": None, "kind": "auto"})


def test_the_model_sees_nothing_of_it() -> None:
    assert asked(_filtered()) == asked(guided(()))
    assert isinstance(KIND.calls, int)
    assert KIND.calls == 0

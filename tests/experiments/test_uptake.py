"""Whether guidance changed the reasoning: annotated, paired, at equal length, told in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from experiments import PLAIN, run_experiment
from guidance_kinds import answering, kind, user_text

from cogtrace.annotator.registry import AnnotatorSpec
from cogtrace.engines import Request
from cogtrace.experiments.arms import ArmSpec
from cogtrace.experiments.outcomes import Arm, read_arm
from cogtrace.experiments.records import Claim, UptakeFigure
from cogtrace.experiments.uptake import annotate_arm, claims_of, uptake, verdicts
from cogtrace.plugins.pipeline import make_plan
from cogtrace.taxonomy import load_taxonomy

TASKS = 40
BACK = "Wait, that is wrong. Let me go back and start over."
FILLER = "The number stands here. "


def _arm(name: str) -> ArmSpec:
    return ArmSpec(name, name, make_plan([kind(name, scaffolds=lambda run: f"Mark {name}.")]))


def _said(request: Request) -> str:
    """Go back under "loops", write at length under "long", do nothing else."""
    text = user_text(request)
    number = int(text.rsplit("What is ", 1)[-1].split(" ", 1)[0])
    if "Mark loops." in text and number % 4:
        return f"{BACK} {FILLER}\nAnswer: {number + 1}"
    if "Mark long." in text:
        return f"{FILLER * 40}{BACK}\nAnswer: {number + 1}"
    return f"{FILLER * (40 if number % 4 == 0 else 3)}\nAnswer: {number + 1}"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[UptakeFigure], list[Claim]]:
    """Return the uptake of four arms, each of which says it raises backtracking."""
    out = tmp_path_factory.mktemp("uptake")
    specs = [PLAIN, _arm("loops"), _arm("long"), _arm("idle")]
    run_experiment(out, TASKS, engine=answering(_said), arms=specs, control="none")
    arms: list[Arm] = []
    folders: list[Path] = []
    for spec in specs:
        arms.append(read_arm(spec.name, out / "arms" / spec.folder))
        folders.append(out / "annotated" / spec.folder)
        annotate_arm(arms[-1].path, folders[-1], AnnotatorSpec.cue(load_taxonomy()))
    raises = dict.fromkeys(("loops", "long", "idle"), ("backtracking", "no-such-element"))
    claimed = [claims_of(arm, raises) for arm in arms]
    figures = uptake(arms, folders, claimed, bootstrap=400, seed=0)
    return figures, verdicts(arms, claimed, figures)


Found = tuple[list[UptakeFigure], list[Claim]]


def _figure(found: Found, arm: str, method: str) -> UptakeFigure:
    return next(
        row
        for row in found[0]
        if (row.arm, row.element, row.method) == (arm, "backtracking", method)
    )


def test_a_planted_element_is_found_with_its_interval(found: Found) -> None:
    raw = _figure(found, "loops", "raw")

    assert (raw.n, raw.share, raw.share_other) == (TASKS, 0.75, 0.0)
    assert raw.change == pytest.approx(0.75)
    assert raw.low is not None
    assert 0.5 < raw.low < 0.75
    assert raw.claimed == ["loops"]


def test_a_claim_that_holds_at_equal_length_is_called_raised(found: Found) -> None:
    words = {(c.arm, c.element): c for c in found[1]}

    assert words["loops", "backtracking"].verdict == "raised"
    assert (
        "loops says it raises backtracking, which is raised" in words["loops", "backtracking"].words
    )


def test_a_claim_that_came_to_nothing_is_told_so_in_words(found: Found) -> None:
    words = {(c.arm, c.element): c for c in found[1]}

    assert words["idle", "backtracking"].verdict == "not shown"
    assert "not shown to be raised" in words["idle", "backtracking"].words
    assert words["idle", "no-such-element"].verdict == "not asked about"


def test_all_elements_of_all_arms_are_there_raw_and_at_equal_length(found: Found) -> None:
    kinds = {(row.arm, row.element, row.method) for row in found[0]}

    assert len(kinds) == len(found[0]) == 3 * 28 * 2


def test_where_an_element_is_first_shown_is_compared_too(tmp_path: Path) -> None:
    """Two arms go back, one at the beginning of its texts and one at their end."""

    def said(request: Request) -> str:
        last = "Mark late." in user_text(request)
        text = f"{FILLER * 10}{BACK}" if last else f"{BACK} {FILLER * 10}"
        return f"{text}\nAnswer: 1"

    specs = [_arm("early"), _arm("late")]
    run_experiment(tmp_path, 20, engine=answering(said), arms=specs, control="none")
    arms = [read_arm(spec.name, tmp_path / "arms" / spec.folder) for spec in specs]
    folders = [tmp_path / "annotated" / spec.folder for spec in specs]
    for arm, folder in zip(arms, folders, strict=True):
        annotate_arm(arm.path, folder, AnnotatorSpec.cue(load_taxonomy()))

    figures = uptake(arms, folders, [{}, {}], bootstrap=200, seed=0)

    for method in ("raw", "matched"):
        row = next(f for f in figures if (f.element, f.method) == ("backtracking", method))
        assert row.n_first == 20
        assert row.first_change is not None
        assert row.first_change > 0.5
        assert row.change == 0.0

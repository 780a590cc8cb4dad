"""The conformance kit: a good plugin passes, and each property finds the plugins that break it."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import bad_plugins as bad
import pytest

from cogtrace.plugins.guidance import GuidanceKind
from cogtrace.plugins.testing import PROPERTIES, Property, Subject, check_plugin, statement


def _broken(kind: GuidanceKind, name: str) -> str:
    """Return why a property does not hold."""
    holds = next(p for p in PROPERTIES if p.__name__ == name)
    (finding,) = check_plugin(kind, properties=[holds])
    assert not finding.passed, f"{kind.build} passes"
    return finding.reason


@pytest.mark.parametrize("holds", PROPERTIES, ids=statement)
def test_a_good_plugin_keeps_each_property(holds: Property) -> None:
    holds(Subject(bad.kind()))


def test_a_plugin_may_end_a_task_on_purpose_and_say_why() -> None:
    here = [holds for holds in PROPERTIES if "process" not in holds.__name__]
    findings = check_plugin(bad.kind(bad.SaysWhyNot), properties=here)

    assert [finding for finding in findings if not finding.passed] == []


BROKEN: list[tuple[str, GuidanceKind, str]] = [
    ("what_it_says_of_itself_is_sound", bad.kind(api_version=99), "api_version is 99"),
    ("what_it_says_of_itself_is_sound", bad.kind(summary="two\nlines"), "summary is"),
    ("what_it_says_of_itself_is_sound", bad.kind(name="pipeline"), "pipeline's own"),
    (
        "its_options_are_a_schema_and_the_defaults_pass_it",
        bad.kind(options={"type": "object", "properties": {"a": {"type": "whole"}}}),
        "no valid JSON Schema",
    ),
    (
        "its_options_are_a_schema_and_the_defaults_pass_it",
        bad.kind(options={"properties": {}}),
        'of the "type" "object"',
    ),
    (
        "its_options_are_a_schema_and_the_defaults_pass_it",
        bad.with_option(default=0, minimum=1),
        "default of option 'count' is not valid",
    ),
    (
        "its_options_are_a_schema_and_the_defaults_pass_it",
        bad.with_option(description=""),
        "'count' has no description",
    ),
    (
        "its_options_are_a_schema_and_the_defaults_pass_it",
        bad.kind(
            options={"type": "object", "properties": {"api_key": {"description": "Of a server."}}}
        ),
        "'api_key' looks like a secret",
    ),
    ("the_elements_it_means_to_raise_are_known", bad.kind(raises=("verifying",)), "'verifying'"),
    ("it_loads_in_a_new_process_and_again", bad.kind(lambda o: bad.Good()), "by name"),
    ("it_is_built_twice_without_harm", bad.kind(bad.build_changing), "build changes the options"),
    ("it_is_built_twice_without_harm", bad.kind(bad.RemembersTasks), "with the next"),
    ("every_task_ends_with_a_sound_record", bad.kind(bad.WithoutCharacters), "UnicodeEncodeError"),
    ("every_task_ends_with_a_sound_record", bad.kind(bad.NoBlock), "'orders'.* returned int 3"),
    (
        "every_task_ends_with_a_sound_record",
        bad.kind(bad.StumblesWatching),
        "_observe: raised: Key",
    ),
    ("it_changes_nothing_that_it_is_given", bad.kind(bad.MarksTheTask), "'run' in"),
    ("it_changes_nothing_that_it_is_given", bad.kind(bad.ForcesTheQuestion), "'run' in"),
    ("it_changes_nothing_that_it_is_given", bad.kind(bad.ForcesCandidates), "'candidates' in"),
    ("the_question_stays_verbatim", bad.kind(bad.Slots), "'slots'.* changes this one"),
    ("the_question_stays_verbatim", bad.kind(bad.Strips), "changes this one"),
    ("the_question_stays_verbatim", bad.kind(bad.SolvesSomethingElse), "without showing"),
    ("it_prints_nothing", bad.kind(bad.Prints), "prints 'hint"),
    ("no_reply_of_the_model_crashes_it", bad.kind(bad.TrustsTheModel), "empty reply.*IndexError"),
    ("no_reply_of_the_model_crashes_it", bad.kind(bad.build_json_asker), "JSONDecodeError"),
    ("it_keeps_to_the_calls_that_it_declares", bad.kind(bad.AsksAgain), "more than 1 calls"),
    ("it_bears_lower_bounds", bad.kind(bad.CountsOnReplies), "max_calls=0, .*IndexError"),
    ("it_stops_when_it_is_cancelled", bad.kind(bad.HearsNoCancellation), "asks the model again"),
    ("it_stops_when_it_is_cancelled", bad.kind(bad.LingersWhenCancelled), "after 2 seconds"),
    ("it_stops_when_it_is_cancelled", bad.kind(bad.LeavesTasksBehind), "leaves 1 asyncio tasks"),
    (
        "many_tasks_at_once_give_what_one_at_a_time_gives",
        bad.kind(bad.SharesItsNotes),
        "has other scaffolds than alone",
    ),
    ("the_same_seed_gives_the_same_run", bad.kind(bad.Counts), "has other scaffolds than the"),
    ("another_process_gives_the_same_run", bad.kind(bad.OrdersBySet), "another result"),
    ("global_random_numbers_are_left_alone", bad.kind(bad.DrawsAnywhere), "use run.random"),
]


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        pytest.param(*row, id=f"{row[0]}-{getattr(row[1].build, '__name__', '')}-{row[2][:12]}")
        for row in BROKEN
    ],
)
def test_a_plugin_that_breaks_a_property_is_found(
    name: str, kind: GuidanceKind, reason: str
) -> None:
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(_broken(kind, name))


def test_each_property_is_broken_by_some_plugin() -> None:
    assert {row[0] for row in BROKEN} == {holds.__name__ for holds in PROPERTIES}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import numpy", "loads numpy; import that where it is used"),
        ("print('hello')", "importing it prints 'hello"),
        ("import sys\nif getattr(sys, 'twice', 0) == 1: raise OSError\nsys.twice = 1", "OSError"),
        ("import sys\nif 'pytest' not in sys.modules: sys.exit(3)", "exit code 3"),
    ],
)
def test_a_module_that_cannot_be_loaded_in_any_process_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, reason: str
) -> None:
    text = f"{source}\nfrom bad_plugins import Good\ndef build(options): return Good()\n"
    (tmp_path / "loaded_badly.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "loaded_badly", raising=False)
    monkeypatch.setattr(sys, "twice", 0, raising=False)
    build = importlib.import_module("loaded_badly").build

    assert reason in _broken(bad.kind(build), "it_loads_in_a_new_process_and_again")

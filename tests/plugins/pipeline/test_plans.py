"""What a run is asked to do: --with, plan files, options, and plans that cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from guidance_kinds import kind, plugin
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.errors import CogtraceError, InputError, OptionError, PluginError
from cogtrace.extensions import hookimpl
from cogtrace.plugins.guidance import Choice, Clarification, GuidanceKind
from cogtrace.plugins.pipeline import make_plan
from cogtrace.plugins.pipeline.parsing import parse_with
from cogtrace.plugins.pipeline.plan_file import read_plan_file

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "k": {"type": "integer", "minimum": 1, "default": 2},
        "shared": {"type": "boolean", "default": False},
        "hints": {"type": "array", "items": {"type": "string"}, "default": ["a"]},
    },
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("restate", [("restate", {})]),
        (
            "restate,analogy:k=2,shared=true",
            [("restate", {}), ("analogy", {"k": 2, "shared": True})],
        ),
        (" a : x = 1 , b ", [("a", {"x": 1}), ("b", {})]),
        ("a:x=1.5,b:y=null,c", [("a", {"x": 1.5}), ("b", {"y": None}), ("c", {})]),
        ('a:hint="x, y=1",z=2', [("a", {"hint": "x, y=1", "z": 2})]),
        (r'a:hint="\"q\", \u00e9"', [("a", {"hint": '"q", é'})]),
        (
            'a:list=["x, y", "z"],m={"p": [1, 2]},b',
            [("a", {"list": ["x, y", "z"], "m": {"p": [1, 2]}}), ("b", {})],
        ),
        ("a:text=plain words = here", [("a", {"text": "plain words = here"})]),
        ("a:url=http://x/y:z", [("a", {"url": "http://x/y:z"})]),
        ("a:x=", [("a", {"x": ""})]),
        ("acme.step-back:x=01", [("acme.step-back", {"x": "01"})]),
    ],
)
def test_with_reads_names_and_options(text: str, found: list[tuple[str, dict[str, Any]]]) -> None:
    assert parse_with(text) == found


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "'nothing' is no name"),
        ("a,,b", "'nothing' is no name"),
        ("k=2", "'k=2' is no name"),
        ("a b", "'a b' is no name"),
        ("a:", "after the colon comes OPTION=VALUE"),
        ("a:k", "after the colon comes OPTION=VALUE"),
        ("a:k=1,k=2", "a is given k twice"),
        ('a:k="open', "not closed"),
        ("a:k=[1", "not closed"),
        ("a:k=[1,]", "no valid JSON"),
    ],
)
def test_what_with_cannot_read_is_told_with_an_example(text: str, problem: str) -> None:
    with pytest.raises(OptionError) as caught:
        parse_with(text)

    assert problem in str(caught.value)
    assert "restate,analogy:k=2,shared=true" in str(caught.value)


NAMES = st.from_regex(r"[a-z][a-z0-9_.-]{0,8}", fullmatch=True)
KEYS = st.from_regex(r"[a-z][a-z0-9_-]{0,6}", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=50)
@given(
    st.lists(st.tuples(NAMES, st.dictionaries(KEYS, VALUES, max_size=3)), min_size=1, max_size=4)
)
def test_whatever_is_written_as_json_is_read_back(wanted: list[tuple[str, dict[str, Any]]]) -> None:
    written = ",".join(
        name
        + (":" if options else "")
        + ",".join(f"{k}={json.dumps(v)}" for k, v in options.items())
        for name, options in wanted
    )

    assert parse_with(written) == wanted


@given(st.text())
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    try:
        found = parse_with(text)
    except OptionError:
        return
    assert all(name for name, _ in found)


def _built(given: dict[str, Any], schema: dict[str, Any] = SCHEMA) -> dict[str, Any]:
    seen: list[dict[str, Any]] = []

    def build(options: dict[str, Any]) -> object:
        seen.append(options)
        return plugin(scaffolds=lambda: None)

    kind = GuidanceKind(name="p", summary="", build=build, api_version=1, options=schema)
    (step,) = make_plan([(kind, given)]).steps
    assert step.options == seen[0]
    return seen[0]


def test_options_are_checked_and_defaults_filled_in_and_the_reserved_ones_kept_back() -> None:
    given = {"k": 5, "max_calls": 7, "max_tokens": 900, "timeout": 1.5}

    assert _built(given) == {"k": 5, "shared": False, "hints": ["a"]}
    assert SCHEMA["properties"]["hints"]["default"] == ["a"]
    (step,) = make_plan([(kind("p", options=SCHEMA, scaffolds=lambda: None), given)]).steps
    assert (step.bounds.max_calls, step.bounds.max_tokens, step.bounds.timeout) == (7, 900, 1.5)
    assert step.shown()["options"] == {"shared": False, "hints": ["a"], **given}


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"k": "two"}, "option k: 'two' is not of type 'integer'"),
        ({"k": 0}, "option k: 0 is less than the minimum of 1"),
        ({"hints": [1]}, "option hints.0: 1 is not of type 'string'"),
        (
            {"kk": 1},
            "'kk'; it has k, shared, hints, max_calls, max_tokens, timeout; did you mean k?",
        ),
        ({"max_calls": -1}, "max_calls -1: give a whole number"),
        ({"max_calls": True}, "max_calls true"),
        ({"max_tokens": 0}, "max_tokens 0"),
        ({"timeout": 0}, "timeout 0: give seconds"),
        ({"timeout": "soon"}, 'timeout "soon"'),
        ({"timeout": float("inf")}, "timeout Infinity"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused_by_name(
    given: dict[str, Any], problem: str
) -> None:
    with pytest.raises(OptionError) as caught:
        _built(given)
    assert str(caught.value).startswith("--with p: ")
    assert problem in str(caught.value)


def test_a_plugin_may_leave_its_options_open() -> None:
    assert _built({"any": 1}, {"type": "object", "additionalProperties": True}) == {"any": 1}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"api_version": 0}, "write api_version=1 in its GuidanceKind"),
        ({"api_version": 2}, "written for version 2 of the guidance hooks, this is version 1"),
        ({"options": {"type": "objekt"}}, "no valid JSON Schema"),
        ({"calls": lambda options: 1 / 0}, "calls raised ZeroDivisionError"),
        ({"calls": "many"}, "calls is 'many'"),
        ({"build": lambda options: 1 / 0}, "cannot be built: ZeroDivisionError"),
        ({"build": lambda options: object()}, "has no guidance hook"),
    ],
)
def test_a_plugin_that_is_broken_is_named(changes: dict[str, Any], problem: str) -> None:
    fields: dict[str, Any] = {
        "name": "broken",
        "summary": "",
        "build": lambda options: plugin(scaffolds=lambda: None),
        "api_version": 1,
        "options": {"type": "object"},
    }
    with pytest.raises(PluginError, match=f"guidance plugin 'broken'.*{problem}"):
        make_plan([GuidanceKind(**fields | changes)])


def test_a_plugin_refuses_options_in_words_of_its_own() -> None:
    def build(options: dict[str, Any]) -> object:
        raise OptionError("k goes with shared only")

    with pytest.raises(OptionError, match="--with p: k goes with shared only"):
        make_plan([GuidanceKind(name="p", summary="", build=build, api_version=1)])


def test_a_hook_with_arguments_that_do_not_exist_is_refused() -> None:
    class Wrong:
        @hookimpl
        def cogtrace_scaffolds(self, task: object) -> None: ...

    with pytest.raises(PluginError, match=r"'wrong'.*task"):
        make_plan([GuidanceKind(name="wrong", summary="", build=lambda _: Wrong(), api_version=1)])


def test_plugins_that_exclude_each_other_are_refused_before_the_run_and_both_named() -> None:
    asks: Any = {"clarify": lambda: Clarification(question="?")}
    picks = {"choose": lambda: Choice(answer="1")}
    solves: dict[str, Any] = {"solve": lambda: None}
    for hooks in (asks, picks, solves):
        (hook,) = hooks
        with pytest.raises(OptionError, match=f"one and two both implement cogtrace_{hook}"):
            make_plan([kind("one", **hooks), kind("two", **hooks)])
    with pytest.raises(OptionError, match="one is named twice"):
        make_plan([kind("one", scaffolds=lambda: "a"), kind("one", judge=lambda: None)])
    with pytest.raises(OptionError, match="pipeline's own"):
        make_plan([kind("pipeline", scaffolds=lambda: "a")])
    both = make_plan(
        [kind("one", scaffolds=lambda: "a"), kind("two", scaffolds=lambda: "b", **asks)]
    )
    assert str(both) == "one,two"


def test_an_unknown_plugin_is_told_with_those_there_are() -> None:
    with pytest.raises(CogtraceError, match="--with restat: unknown"):
        make_plan("restat:k=1")
    assert make_plan().steps == make_plan("  ").steps == ()


@pytest.mark.parametrize("name", ["plan.yaml", "plan.json"])
def test_a_plan_file_names_plugins_in_order_and_how_answers_are_made(
    tmp_path: Path, name: str
) -> None:
    data = {
        "plugins": ["restate", "check:k=1,deep=true", {"plugin": "analogy", "options": {"k": 2}}],
        "sampling": {"samples": 5, "temperature": 0.7},
    }
    text = """
# a comment
plugins:
  - restate
  - check:k=1,deep=true
  - plugin: analogy
    options: {k: 2}
sampling:
  samples: 5
  temperature: 0.7
"""
    path = tmp_path / name
    path.write_text(json.dumps(data) if name.endswith("json") else text, encoding="utf-8")

    found = read_plan_file(path)

    assert found.plugins == (
        ("restate", {}),
        ("check", {"k": 1, "deep": True}),
        ("analogy", {"k": 2}),
    )
    assert found.sampling == {"samples": 5, "temperature": 0.7}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("plugins: [a", "not valid YAML"),
        ("plugins: 3", "at $.plugins: 3 is not of type 'array'"),
        ("with: [a]", "at $: "),
        ("plugins: [{plugin: a, option: {}}]", "at $.plugins[0]"),
        ("plugins: []\nsampling: {samples: 0}", "at $.sampling.samples"),
        ("plugins: ['a:']", "after the colon"),
        ("!!python/object/apply:os.system ['true']", "not valid YAML"),
        ("", "at $: None is not of type 'object'"),
    ],
)
def test_a_plan_file_that_is_none_is_told_with_the_place(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(OptionError) as caught:
        read_plan_file(path)
    assert problem in str(caught.value)


def test_a_plan_file_that_cannot_be_read_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_plan_file(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"plugins: [\xe9]")
    with pytest.raises(OptionError, match="not UTF-8"):
        read_plan_file(tmp_path / "latin.yaml")

"""Rules that hold for every option of the verbs that use a language model."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any, Literal, get_args, get_origin

import pytest
import typer

from cogtrace.cli.flags import BudgetFlags, EngineFlags, QuestionFlags
from cogtrace.cli.verbs import loaded

Run = Callable[..., subprocess.CompletedProcess[str]]

COMMANDS: dict[str, Any] = {verb.name: command for verb, command in loaded()}
VERBS = ("annotate", "plan")
# Modules that take long to load; a help text needs none of them.
HEAVY = (
    *("polars", "spacy", "numpy", "openai", "aiohttp", "httpx", "vllm", "jsonschema"),
    *("rapidfuzz", "ahocorasick_rs", "sqlite3", "asyncio"),
)
GROUPS: dict[str, Any] = {
    "Language model": EngineFlags,
    "Questions": QuestionFlags,
    "Budget": BudgetFlags,
}


def _options(verb: str) -> Iterator[Any]:
    for parameter in COMMANDS[verb].params:
        if parameter.param_type_name == "option" and parameter.name != "help":
            yield parameter


def _cases() -> list[Any]:
    return [
        pytest.param(verb, option, id=f"{verb}{option.opts[0]}")
        for verb in VERBS
        for option in _options(verb)
    ]


def _other_than_default(option: Any) -> tuple[str, Any]:
    """Return a value for an option as text, and as the verb is to see it."""
    kind = option.type_descriptor.annotation
    if option.is_flag:
        return "1", True
    if option.multiple:
        return "a=1 b=2", ["a=1", "b=2"]
    if get_origin(kind) is Literal:
        last = get_args(kind)[-1]
        return last, last
    if kind is int:
        value = (option.min or 0) + 9
        return str(value), value
    if kind is float:
        amount = 0.375 if option.max else (option.min or 0) + 2.5
        return str(amount), amount
    return "some-name", "some-name"


@pytest.mark.parametrize(("verb", "option"), _cases())
def test_every_option_can_be_set_by_the_environment_variable_of_its_name(
    verb: str, option: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = "COGTRACE_" + option.opts[0].lstrip("-").upper().replace("-", "_")
    text, value = _other_than_default(option)
    given = ["in.jsonl"] + (["--out", "o"] if verb == "annotate" and option.name != "out" else [])
    monkeypatch.setenv(variable, text)

    context = COMMANDS[verb].make_context(verb, given)

    found = context.params[option.name]
    assert option.envvar == variable
    assert (str(found) if isinstance(found, os.PathLike) else found) == value
    assert found != option.get_default(context)


@pytest.mark.parametrize("verb", sorted(COMMANDS))
def test_no_two_options_of_a_verb_share_a_variable_or_a_name(verb: str) -> None:
    verbs = getattr(COMMANDS[verb], "commands", None) or {verb: COMMANDS[verb]}
    for command in verbs.values():
        named = [p for p in command.params if p.param_type_name == "option"]
        variables = Counter(p.envvar for p in named if p.envvar is not None)
        names = Counter(name for p in named for name in (*p.opts, *p.secondary_opts))
        assert [v for v, count in (variables + names).items() if count > 1] == []
        assert [v for v in variables if re.fullmatch("COGTRACE_[A-Z0-9_]+", v) is None] == []


def test_a_plan_takes_every_option_that_decides_what_a_job_takes() -> None:
    mine, theirs = ({option.name for option in _options(verb)} for verb in ("plan", "annotate"))

    # How the work is done, where it goes, and what becomes of an earlier job.
    assert theirs - mine == {
        *("out", "workers", "order", "part_traces", "resume", "update", "retry"),
        "allow_quarantine",
    }
    assert mine - theirs == {"sample", "probe", "context", "prompts_to", "price_hour"}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("panel", GROUPS)
def test_the_options_of_a_group_stand_together_in_the_help(verb: str, panel: str) -> None:
    found = {option.name for option in _options(verb) if option.rich_help_panel == panel}

    assert found == {field.name for field in fields(GROUPS[panel])}


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_says_what_it_is_for(verb: str) -> None:
    for option in _options(verb):
        assert option.help, option.name
        assert option.help[-1] in ".]", option.name


AMOUNTS = [
    option.opts[0] for option in _options("plan") if option.type_descriptor.annotation is float
]


@pytest.mark.parametrize("value", ["nan", "inf", "-1", "much"])
@pytest.mark.parametrize("flag", AMOUNTS)
def test_an_amount_is_a_finite_number(flag: str, value: str) -> None:
    with pytest.raises(typer.BadParameter) as caught:
        COMMANDS["plan"].make_context("plan", ["in.jsonl", flag, value])

    assert flag in caught.value.format_message()


LOADED = """
import sys
from cogtrace.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("LOADED", *sorted(sys.modules))
"""


@pytest.mark.parametrize("verb", ["", *sorted(COMMANDS)])
def test_no_help_loads_anything_heavy(verb: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *([verb] if verb else []), "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    shown, _, loaded = done.stdout.partition("LOADED ")
    assert "Usage" in shown
    assert sorted(set(loaded.split()) & set(HEAVY)) == []

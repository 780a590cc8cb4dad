"""Extensions found in the package itself and in entry points of all sorts."""

from __future__ import annotations

import pickle
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from cogtrace.engines.base import Engine, EngineSettings
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.errors import OptionError, PluginError
from cogtrace.extensions import AnnotatorSetup
from cogtrace.plugins import Extensions, extensions
from cogtrace.plugins.manager import load
from cogtrace.plugins.origins import BUILTINS
from cogtrace.taxonomy import load_taxonomy

ROOT = Path(__file__).parents[2]

GOOD = """
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.extensions import AnnotatorKind, EngineKind, hookimpl

def build_annotator(setup):
    raise AssertionError("not built in these tests")

@hookimpl
def cogtrace_engines():
    return [EngineKind(name="acme", summary="one more", build=ScriptedEngine)]

@hookimpl
def cogtrace_annotators():
    return [AnnotatorKind(name="acme-read", summary="reads", build=build_annotator)]
"""
HEAD = "from cogtrace.extensions import AnnotatorKind, EngineKind, hookimpl\n"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., EntryPoint]]:
    """Return a maker of plugin modules; it gives the entry point of each."""
    monkeypatch.syspath_prepend(tmp_path)
    made = []

    def make(source: str, name: str = "acme") -> EntryPoint:
        made.append(f"plugin_{name}")
        (tmp_path / f"plugin_{name}.py").write_text(source, encoding="utf-8")
        return EntryPoint(name, f"plugin_{name}", "cogtrace")

    yield make
    for name in made:
        sys.modules.pop(name, None)


def _names(found: Extensions) -> tuple[set[str], set[str]]:
    return {kind.name for kind in found.engines()}, {kind.name for kind in found.annotators()}


BUILTIN = ({"vllm", "openai", "scripted"}, {"cue", "merged", "model", "llm", "hybrid"})


def test_the_built_ins_are_there_without_any_package() -> None:
    found = load([])

    assert _names(found) == BUILTIN
    assert found.problems == ()
    assert {kind.name for kind in found.annotators() if kind.needs_engine} == {"llm", "hybrid"}


def test_the_metadata_names_the_built_ins_as_the_manager_does() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

    declared = data["project"]["entry-points"]["cogtrace"]
    assert declared == {point.name: point.value for point in BUILTINS}


def test_metadata_that_names_the_built_ins_too_makes_no_second_ones() -> None:
    assert load(BUILTINS).problems == ()


def test_extensions_are_loaded_once() -> None:
    assert extensions() is extensions()


@pytest.mark.parametrize("kind", [*load([]).engines(), *load([]).annotators()])
def test_a_built_in_survives_the_way_to_a_worker_process(kind: object) -> None:
    assert pickle.loads(pickle.dumps(kind)) == kind


def test_the_scripted_engine_and_the_cue_annotator_are_built() -> None:
    found = load([])

    engine: Engine = found.engine("scripted").build(EngineSettings())
    annotator = found.annotator("cue").build(AnnotatorSetup(taxonomy=load_taxonomy()))
    assert isinstance(engine, ScriptedEngine)
    assert annotator.ref.name == "cue"


def test_the_cue_annotator_refuses_options() -> None:
    setup = AnnotatorSetup(taxonomy=load_taxonomy(), options={"votes": 3})

    with pytest.raises(OptionError, match="cue has no such option: votes"):
        load([]).annotator("cue").build(setup)


def test_a_package_adds_engines_and_annotators(module: Callable[..., EntryPoint]) -> None:
    found = load([module(GOOD)])

    assert found.problems == ()
    assert _names(found) == (BUILTIN[0] | {"acme"}, BUILTIN[1] | {"acme-read"})
    assert isinstance(found.engine("acme").build(EngineSettings()), ScriptedEngine)


@pytest.mark.parametrize(
    ("kind", "asked", "message"),
    [
        ("engine", "scriptd", r"--engine scriptd: unknown; there is vllm, openai, scripted; did "),
        ("engine", "zzz", r"--engine zzz: unknown; there is vllm, openai, scripted$"),
        (
            "annotator",
            "Cue",
            r"--annotator Cue: unknown; there is cue, merged, model, llm, hybrid; did you mean",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_those_there_are(
    kind: str, asked: str, message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        getattr(load([]), kind)(asked)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        pytest.param("import no_such_module_anywhere", "ModuleNotFoundError: No", id="import"),
        pytest.param("def (", "SyntaxError", id="syntax"),
        pytest.param("raise SystemExit(3)", "SystemExit: 3", id="exit"),
        pytest.param("x = 1", "implements no hook; are its functions marked", id="no hook"),
        pytest.param(
            HEAD + "@hookimpl\ndef cogtrace_engine(): return []",
            "unknown hook 'cogtrace_engine' .*; cogtrace_engine looks like cogtrace_engines",
            id="unknown hook",
        ),
        pytest.param(
            HEAD + "@hookimpl\ndef cogtrace_engines(settings): return []",
            "Argument.s. {'settings'} are declared in the hookimpl but can not",
            id="unknown argument",
        ),
        pytest.param(
            HEAD + "@hookimpl\ndef cogtrace_engines(): raise ZeroDivisionError('oops')",
            "ZeroDivisionError: oops",
            id="hook raises",
        ),
        pytest.param(
            HEAD + "@hookimpl\ndef cogtrace_engines(): return {'a': 1}",
            "cogtrace_engines returned dict {'a': 1}, not a list of EngineKind",
            id="no list",
        ),
        pytest.param(
            HEAD + "@hookimpl\ndef cogtrace_annotators(): return [dict]",
            "cogtrace_annotators returned a list with the class dict, not AnnotatorKind",
            id="no kind",
        ),
        pytest.param(
            HEAD + "@hookimpl\ndef cogtrace_engines():"
            "\n    return [EngineKind(name='a', summary='', build=lambda s: None)]",
            "build of 'a' must be a function or class that can be imported by name",
            id="lambda",
        ),
        pytest.param(
            HEAD + "@hookimpl\ndef cogtrace_engines():"
            "\n    return [EngineKind(name='', summary='', build=dict)]",
            "returned the name ''; a name is a word",
            id="no name",
        ),
        pytest.param(
            HEAD + "@hookimpl\ndef cogtrace_engines():"
            "\n    return [EngineKind(name='openai', summary='', build=dict)]",
            "the engine 'openai' is there already, from cogtrace",
            id="name of a built-in",
        ),
    ],
)
def test_a_broken_plugin_is_named_and_stops_no_other(
    module: Callable[..., EntryPoint], source: str, error: str
) -> None:
    found = load([module(source, "broken"), module(GOOD)])

    (problem,) = found.problems
    assert problem.plugin == "broken"
    assert "\n" not in str(problem)
    assert found.engine("acme").name == "acme"
    assert found.engine("openai").summary == "any OpenAI-compatible server"
    with pytest.raises(PluginError, match=f"(?s)--engine mine: unknown.*plugin 'broken'.*{error}"):
        found.engine("mine")


def test_of_two_packages_with_one_name_neither_is_used_unasked(
    module: Callable[..., EntryPoint],
) -> None:
    found = load([module(GOOD, "one"), module(GOOD, "two")])

    assert _names(found) == BUILTIN
    assert {problem.plugin for problem in found.problems} == {"two"}
    with pytest.raises(PluginError, match="the engine 'acme' is there already"):
        found.engine("acme")
    assert load([module(GOOD, "one"), module(GOOD, "two")], "two").engine("acme").name == "acme"


def test_a_plugin_object_that_has_no_hash_hurts_only_itself(
    module: Callable[..., EntryPoint],
) -> None:
    module("plugin = []", "list")

    found = load([EntryPoint("list", "plugin_list:plugin", "cogtrace"), module(GOOD, "zzz")])

    assert [problem.error for problem in found.problems] == ["TypeError: unhashable type: 'list'"]
    assert found.engine("acme").name == "acme"


def test_what_a_plugin_says_cannot_take_over_the_terminal(
    module: Callable[..., EntryPoint],
) -> None:
    (problem,) = load([module(r"raise ValueError('\x1b[2J\nline two')")]).problems

    assert problem.error == "ValueError: ␛[2J line two"


@pytest.mark.parametrize(
    ("chosen", "names"),
    [(None, {"one", "two"}), ("", set()), ("two", {"two"}), (" one , two ,", {"one", "two"})],
)
def test_a_variable_chooses_among_installed_packages(
    module: Callable[..., EntryPoint], chosen: str | None, names: set[str]
) -> None:
    points = [module(GOOD.replace("acme", name), name) for name in ("one", "two")]

    found = load(points, chosen)

    assert _names(found)[0] - BUILTIN[0] == names
    assert found.problems == ()


def test_a_chosen_package_that_is_not_installed_is_a_problem(
    module: Callable[..., EntryPoint],
) -> None:
    found = load([module(GOOD)], "acme,other")

    assert [str(problem) for problem in found.problems] == [
        "plugin 'other' of (named in COGTRACE_PLUGINS): is not installed; there is acme"
    ]
    assert found.engine("acme").name == "acme"

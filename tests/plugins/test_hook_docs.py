"""Rules over all hooks: each is documented, implemented by somebody, and shown by an example."""

from __future__ import annotations

import importlib
import inspect
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pluggy
import pytest

from cogtrace.extensions import GROUP
from cogtrace.plugins import hookspecs
from cogtrace.plugins.guidance import GuidanceKind
from cogtrace.plugins.manager import load
from cogtrace.plugins.offers import HOOKS
from cogtrace.plugins.pipeline.hooks import STAGES, hooks_of
from cogtrace.plugins.pipeline.options import checked_options
from cogtrace.plugins.testing import PROPERTIES, Subject

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs" / "plugins"
EXAMPLES = ROOT / "examples" / "hooks"
SPECIFIED = sorted(name for name in vars(hookspecs) if name.startswith("cogtrace_"))
GUIDANCE = ("cogtrace_guidance", *STAGES)


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the examples be imported by name, as worker processes do."""
    monkeypatch.syspath_prepend(EXAMPLES)
    yield
    for name in GUIDANCE:
        sys.modules.pop(name, None)


def _kinds(example: str) -> list[GuidanceKind]:
    module: Any = importlib.import_module(example)
    kinds: list[GuidanceKind] = module.cogtrace_guidance()
    return kinds


def _hooks(kind: GuidanceKind) -> set[str]:
    return set(hooks_of(kind.build(checked_options(kind, {})[0]), kind.name))


def test_the_page_of_hooks_is_what_the_specifications_say_now() -> None:
    made = runpy.run_path(str(DOCS / "make.py"))["page"]()

    assert (DOCS / "hooks.md").read_text(encoding="utf-8") == made, (
        "run: python docs/plugins/make.py docs/plugins/hooks.md"
    )


@pytest.mark.parametrize("name", SPECIFIED)
def test_each_hook_is_documented_with_its_signature(name: str) -> None:
    text = (DOCS / "hooks.md").read_text(encoding="utf-8")
    _, _, section = text.partition(f"\n### {name}\n")
    section = section.partition("\n### ")[0]
    specified = inspect.signature(getattr(hookspecs, name), eval_str=False)

    code = section.partition("```python\n")[2].partition("\n```")[0]
    shown: dict[str, Any] = {}
    exec(compile(f"from __future__ import annotations\n{code}\n    ...", name, "exec"), shown)
    assert inspect.signature(shown[name]) == specified
    told = inspect.getdoc(getattr(hookspecs, name)) or ""
    assert told.replace("``", "`") in section


def test_the_hooks_are_all_either_offers_or_stages_of_guidance() -> None:
    assert set(SPECIFIED) == set(HOOKS) | set(STAGES)


def test_the_file_of_specifications_is_what_pluggy_sees() -> None:
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)

    assert sorted(vars(manager.hook)) == SPECIFIED


def test_each_hook_is_implemented_by_a_built_in_or_an_example() -> None:
    found = load([])
    implemented = {hook for plugin in found.plugins for hook in plugin.hooks}
    for kind in found.guidance_plugins():
        implemented |= _hooks(kind)
    for name in GUIDANCE:
        for kind in _kinds(name):
            implemented |= _hooks(kind)

    assert implemented == set(SPECIFIED)


@pytest.mark.parametrize("name", GUIDANCE)
def test_each_guidance_hook_has_an_example_that_keeps_all_properties(name: str) -> None:
    (kind,) = _kinds(name)

    assert name == "cogtrace_guidance" or _hooks(kind) == {name}
    for holds in PROPERTIES:
        if "process" not in holds.__name__:  # which takes long, and depends on no hook
            holds(Subject(kind))

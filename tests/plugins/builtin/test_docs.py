"""Every built-in plugin has its page, in the same form, with its options as they are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from cogtrace.plugins.builtin import cogtrace_guidance
from cogtrace.plugins.guidance import GuidanceKind

DOCS = Path(__file__).parents[3] / "docs" / "plugins"
PARTS = ["What it does", "Source", "What", "Cost", "Elements it means to raise", "Options"]
PARTS += ["Pitfalls"]

pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="only a checkout has the pages")


def _page(kind: GuidanceKind) -> str:
    return (DOCS / f"{kind.name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", cogtrace_guidance(), ids=lambda kind: kind.name)
def test_its_page_has_the_parts_of_all_pages(kind: GuidanceKind) -> None:
    page = _page(kind)

    assert page.startswith(f"# {kind.name}\n")
    parts = re.findall(r"^## (.*)$", page, re.MULTILINE)
    assert len(parts) == len(PARTS)
    for part, expected in zip(parts, PARTS, strict=True):
        assert part.startswith(expected)


@pytest.mark.parametrize("kind", cogtrace_guidance(), ids=lambda kind: kind.name)
def test_its_page_lists_each_option_with_meaning_and_default(kind: GuidanceKind) -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| `(.*)` \|$", _page(kind), re.MULTILINE)

    assert rows == [
        (name, option["description"], json.dumps(option["default"]))
        for name, option in kind.options["properties"].items()
    ]


@pytest.mark.parametrize("kind", cogtrace_guidance(), ids=lambda kind: kind.name)
def test_its_page_names_the_elements_and_the_overview_links_to_it(kind: GuidanceKind) -> None:
    raised = _page(kind).partition("## Elements it means to raise")[2].partition("\n## ")[0]

    assert set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", raised)) - {"backward-chaining"} == {
        name for name in kind.raises if "-" in name
    }
    assert all(f"`{name}`" in raised for name in kind.raises)
    assert f"[{kind.name}]({kind.name}.md)" in (DOCS / "README.md").read_text(encoding="utf-8")


def test_links_between_the_pages_lead_somewhere() -> None:
    for page in DOCS.glob("*.md"):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"

"""The record of a structure, and the pictures of its walks."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

import pytest
from naive_structure import Spanned, Told
from reference_folders import write_reference

from cogtrace.corpora.structure import (
    Mode,
    Settings,
    Structure,
    analyse,
    load_reference,
    write_pictures,
)
from cogtrace.schemas import check

SVG = "{http://www.w3.org/2000/svg}"


def _found(
    folder: Path,
    mode: Mode = "corrected",
    names: Sequence[str] = ("A", "B", "C"),
    kind: str | None = "x",
) -> Structure:
    a, b, c = names
    spans: list[Spanned] = [(a, 0, 500), (b, 100, 200), (c, 600, 700), (c, 605, 702)]
    told = [Told(spans, kind)] * 3 + [Told([(a, 0, 50)], kind, False), Told([], "none", False)]
    corpus = load_reference(write_reference(folder, told, names), mode)
    return analyse(corpus, Settings(mode=mode, min_support=1))


@pytest.mark.parametrize("mode", ["reference", "corrected"])
def test_the_json_fits_its_schema_and_holds_every_row(tmp_path: Path, mode: Mode) -> None:
    found = _found(tmp_path, mode)

    data = json.loads(found.json())

    check("structure", data)
    assert (data["mode"], len(data["nodes"])) == (mode, len(found.nodes))
    assert data["parameters"]["overlap"] == 0.8
    assert b"Infinity" not in found.json()
    assert b"NaN" not in found.json()


def test_what_never_goes_with_success_has_no_pmi_and_npmi_of_minus_one(tmp_path: Path) -> None:
    told = [Told([("A", 0, 50)]), Told([("B", 0, 50)], correct=False)]
    corpus = load_reference(write_reference(tmp_path, told, "AB"), "reference")

    data = json.loads(analyse(corpus, Settings(mode="reference")).json())

    assert [(n["element"], n["pmi"], n["npmi"]) for n in data["nodes"]] == [
        ("A", 1.0, 1.0),
        ("B", None, -1.0),
    ]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    assert _found(tmp_path).json() == _found(tmp_path).json()


def test_each_walk_becomes_a_picture_that_names_its_steps(tmp_path: Path) -> None:
    found = _found(tmp_path)

    paths = write_pictures(found, tmp_path / "walks")

    assert [path.name for path in paths] == [
        "all-success.svg",
        "all-all.svg",
        "x-success.svg",
        "x-all.svg",
    ]
    walks = [walk for walk in found.walks if walk.nodes]
    assert len(walks) == len(found.walks) - 2  # nothing is to be seen in the type "none"
    for walk, path in zip(walks, paths, strict=True):
        root = ElementTree.parse(path).getroot()
        texts = [text.text or "" for text in root.iter(f"{SVG}text")]
        for element in walk.nodes:
            assert element in texts
        for step in walk.edges:
            assert any(text.startswith(step.relation) for text in texts)
        assert len(list(root.iter(f"{SVG}rect"))) == 1 + len(walk.nodes)
        height = float(root.attrib["viewBox"].split()[3])
        assert all(float(text.attrib["y"]) < height for text in root.iter(f"{SVG}text"))


def test_a_picture_loads_nothing_runs_nothing_and_keeps_markup_as_text(tmp_path: Path) -> None:
    hostile = "</text><script>alert(1)</script>\u202e\x1b[31m & " + "x" * 500
    names = ["<", "&", "\u202e"]
    found = _found(tmp_path, names=names, kind=hostile)

    paths = write_pictures(found, tmp_path / "walks")

    assert all(path.parent == tmp_path / "walks" for path in paths)
    for path in paths:
        content = path.read_text()
        root = ElementTree.fromstring(content)
        assert {e.tag for e in root.iter()} <= {
            SVG + tag for tag in ("svg", "title", "desc", "style", "rect", "text", "path")
        }
        assert "\u202e" not in content
        assert "\x1b" not in content
        assert not re.search(r"href|url\(|@import", content)


def test_problem_types_that_look_alike_do_not_overwrite_each_other(tmp_path: Path) -> None:
    told = [Told([("A", 0, 50)], kind) for kind in ("../x", "x", "X!", "☃")]
    corpus = load_reference(write_reference(tmp_path, told), "reference")

    paths = write_pictures(analyse(corpus, Settings(mode="reference")), tmp_path / "walks")

    assert len(set(paths)) == 8
    assert sorted(path.name for path in (tmp_path / "walks").iterdir()) == [
        "type-all.svg",
        "type-success.svg",
        "x-all-2.svg",
        "x-all-3.svg",
        "x-all.svg",
        "x-success-2.svg",
        "x-success-3.svg",
        "x-success.svg",
    ]


def _luminance(colour: str) -> float:
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_lines_and_words_stand_out_from_the_page_in_light_and_dark(tmp_path: Path) -> None:
    content = write_pictures(_found(tmp_path), tmp_path / "walks")[0].read_text()

    rule = re.compile(r"^\.(\w+) \{ (?:fill|stroke): (#\w{6});", re.MULTILINE)
    themes = [dict(rule.findall(block)) for block in content.split("@media")]

    assert len(themes) == 2
    for theme in themes:
        paper = _luminance(theme["paper"])
        for name, least in {
            "ink": 7,
            "faint": 4.5,
            "next": 3,
            "contains": 3,
            "parallel": 3,
        }.items():
            other = _luminance(theme[name])
            contrast = (max(paper, other) + 0.05) / (min(paper, other) + 0.05)
            assert contrast >= least, (theme, name)

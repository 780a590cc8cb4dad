"""The bundled taxonomy, reading anybody's, and asking for elements."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cogtrace.annotator.cues import CueAnnotator
from cogtrace.errors import TaxonomyError, UnknownElement
from cogtrace.schemas import problems
from cogtrace.taxonomy import build_taxonomy, load_taxonomy, read_taxonomy

Data = dict[str, Any]
WriteFile = Callable[[object], Path]
WriteFolder = Callable[[Data], Path]

BUNDLED = load_taxonomy()
SMALL = Path(__file__).with_name("small.json")


@pytest.fixture
def write_folder(tmp_path: Path) -> WriteFolder:
    """Return a writer of a taxonomy as a folder."""

    def write(data: Data) -> Path:
        folder = tmp_path / "folder"
        (folder / "elements").mkdir(parents=True)
        names = [element["id"] for element in data["elements"]]
        files = {f"elements/{element['id']}.json": element for element in data["elements"]}
        for name, content in {**files, "taxonomy.json": {**data, "elements": names}}.items():
            (folder / name).write_text(json.dumps(content, indent=2), encoding="utf-8")
        return folder

    return write


def test_the_bundled_taxonomy_has_28_elements_in_4_dimensions_and_13_problem_types() -> None:
    sizes = {d.id: len(BUNDLED.in_dimension(d.id)) for d in BUNDLED.dimensions}

    assert sizes == {
        "invariants": 4,
        "metacognition": 5,
        "representations": 7,
        "operations": 12,
    }
    assert len(BUNDLED.elements) == len(set(BUNDLED.element_ids)) == 28
    assert len({kind.id for kind in BUNDLED.problem_types}) == 13
    assert len(BUNDLED.problem_types) == 13


def test_the_bundled_taxonomy_fits_its_schema() -> None:
    assert problems("taxonomy", read_taxonomy()) == []
    assert load_taxonomy("cognitive") == load_taxonomy() == build_taxonomy(read_taxonomy(), "x")


@pytest.mark.parametrize("name", BUNDLED.element_ids)
def test_every_bundled_element_is_worked_out(name: str) -> None:
    element = BUNDLED.element(name)
    worked = Counter(e.score for e in element.examples if not e.hard_negative)
    negative = [example for example in element.examples if example.hard_negative]

    assert len({cue.text for cue in element.cues}) >= 25
    assert worked.total() >= 6
    assert min(worked[score] for score in (0, 1, 2)) >= 2
    assert len(negative) >= 2
    assert all(example.why for example in negative)
    assert 3 <= len(element.indicators) <= 5
    assert element.sources
    assert sorted(element.rubric) == ["0", "1", "2"]


def test_no_two_bundled_examples_are_the_same() -> None:
    texts = Counter(example.text for element in BUNDLED.elements for example in element.examples)
    assert [text for text, count in texts.items() if count > 1] == []


def test_a_file_and_a_folder_load_the_same(
    small: Data, write_file: WriteFile, write_folder: WriteFolder
) -> None:
    file, folder = load_taxonomy(write_file(small)), load_taxonomy(str(write_folder(small)))

    assert file == folder == build_taxonomy(small, "memory")
    assert file.ref == folder.ref
    assert file.element_ids == ("checking", "planning")
    assert CueAnnotator(file).ref == CueAnnotator(folder).ref


def test_elements_come_in_the_order_of_the_list(small: Data, write_folder: WriteFolder) -> None:
    folder = write_folder(small)
    path = folder / "taxonomy.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(data | {"elements": ["planning"]}), encoding="utf-8")

    assert load_taxonomy(folder).element_ids == ("planning",)
    path.write_text(json.dumps(data | {"elements": ["planning", "checking"]}), encoding="utf-8")
    assert load_taxonomy(folder).element_ids == ("planning", "checking")


def test_the_hash_tells_contents_apart_and_nothing_else(small: Data) -> None:
    first = build_taxonomy(small, "first")
    element = small["elements"][0]
    element["rubric"] = dict(reversed(element["rubric"].items()))
    small["elements"][0] = dict(reversed(element.items()))
    same = build_taxonomy(dict(reversed(small.items())), "same")
    small["elements"][0]["cues"][0]["strength"] = "weak"
    other = build_taxonomy(small, "other")

    assert first.sha256 == same.sha256
    assert first.sha256 != other.sha256
    assert (first.ref.id, first.ref.version, first.ref.sha256) == ("small", "1.2.0", first.sha256)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('{\n  "id": "x",\n  "name" 5}', "line 3, column 10", id="no colon"),
        pytest.param('{\n "id": "x",', "line 2, column 12", id="cut off"),
        pytest.param("", "line 1, column 1", id="empty"),
        pytest.param("[1, 2]", "JSON object", id="a list"),
        pytest.param("{}", "'elements' is a required property", id="nothing in it"),
        pytest.param("[" * 100_000, "JSON", id="nested without end"),
    ],
)
def test_a_file_that_is_no_taxonomy_is_named_with_the_place(
    text: str, message: str, write_file: WriteFile
) -> None:
    path = write_file(text)

    with pytest.raises(TaxonomyError) as caught:
        load_taxonomy(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)


def test_a_broken_element_file_is_named_with_the_place(
    small: Data, write_folder: WriteFolder
) -> None:
    path = write_folder(small) / "elements" / "planning.json"
    path.write_text('{\n  "id": planning\n}', encoding="utf-8")

    with pytest.raises(TaxonomyError, match=r"planning\.json, line 2, column 9"):
        load_taxonomy(path.parents[1])


def test_what_cannot_be_read_is_an_error_that_says_so(
    small: Data, write_folder: WriteFolder, tmp_path: Path
) -> None:
    folder = write_folder(small)
    (folder / "elements" / "planning.json").write_bytes(b'{"id": "caf\xe9"}')
    (tmp_path / "empty").mkdir()

    for path, message in [
        (folder, r"planning\.json: not UTF-8 \(byte 11\)"),
        (tmp_path / "none.json", r"none\.json: no such taxonomy"),
        (tmp_path / "empty", r"taxonomy\.json: no such taxonomy"),
    ]:
        with pytest.raises(TaxonomyError, match=message):
            load_taxonomy(path)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        pytest.param({"colour": "red"}, "$", id="unknown field"),
        pytest.param({"version": "1.2"}, "$.version", id="version"),
        pytest.param({"elements": []}, "$.elements", id="no elements"),
        pytest.param({"elements": ["checking"]}, "$.elements[0]", id="names in a single file"),
        pytest.param(
            {"dimensions": [{"id": "x", "name": "", "definition": ""}]},
            "checking",
            id="dimension of an element missing",
        ),
    ],
)
def test_the_place_where_a_taxonomy_breaks_its_schema_is_named(
    change: Data, place: str, small: Data, write_file: WriteFile
) -> None:
    with pytest.raises(TaxonomyError) as caught:
        load_taxonomy(write_file(small | change))
    assert f"\n  {place}: " in str(caught.value)


def test_of_many_faults_ten_are_named_and_the_others_counted(
    small: Data, write_file: WriteFile
) -> None:
    small["elements"][0]["cues"] = [{"text": "x", "strength": "huge"}] * 13

    with pytest.raises(TaxonomyError) as caught:
        load_taxonomy(write_file(small))
    assert str(caught.value).count("$.elements[0].cues[") == 10
    assert "and 3 more" in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("scoring", {"after": 1.0}, id="whole number with a point"),
        pytest.param("cues", [{"text": ",", "strength": "weak"}], id="cue of a comma"),
        pytest.param("cues", [{"text": "x ... ", "strength": "weak"}], id="gap at the edge"),
        pytest.param("cues", [{"text": "x ... ,", "strength": "weak"}], id="comma after a gap"),
        pytest.param("cues", [{"text": "\ud800", "strength": "weak"}], id="half a character"),
    ],
)
def test_what_loads_can_be_used_and_what_cannot_is_refused_on_loading(
    field: str, value: object, small: Data, write_file: WriteFile
) -> None:
    small["elements"][0][field] = value

    try:
        taxonomy = load_taxonomy(write_file(small))
    except TaxonomyError:
        return
    assert CueAnnotator(taxonomy).annotate_text("It is so, and so on.").elements


@pytest.mark.parametrize("name", ["../secret", "../../secret", "sub/inner", "{absolute}", "."])
def test_a_path_in_the_list_of_elements_is_never_opened(
    name: str, small: Data, write_folder: WriteFolder, tmp_path: Path
) -> None:
    folder = write_folder(small)
    (folder / "elements" / "sub").mkdir()
    for place in (tmp_path, folder, folder / "elements" / "sub"):
        for file in ("secret.json", "inner.json"):
            (place / file).write_text("} not JSON: opening it would say so {", encoding="utf-8")
    name = name.format(absolute=tmp_path / "secret")
    data = json.loads((folder / "taxonomy.json").read_text(encoding="utf-8"))
    (folder / "taxonomy.json").write_text(json.dumps(data | {"elements": [name]}), encoding="utf-8")

    with pytest.raises(TaxonomyError, match="is missing"):
        load_taxonomy(folder)


@pytest.mark.parametrize(
    "name", ["checking", "old-checking", "Checking", " CHECKING ", "Old Checking"]
)
def test_an_element_is_found_by_id_and_alias_in_any_case(name: str, small: Data) -> None:
    assert build_taxonomy(small, "small").element(name).id == "checking"


@pytest.mark.parametrize(
    ("name", "near"),
    [
        pytest.param("cheking", ["checking", "old-checking"], id="letter missing"),
        pytest.param("PLANING", ["planning", "old-planning"], id="capitals"),
        pytest.param("xyz", [], id="nothing like it"),
    ],
)
def test_an_unknown_element_is_an_error_that_suggests_names_like_it(
    name: str, near: list[str], small: Data
) -> None:
    taxonomy = build_taxonomy(small, "small")
    for ask in (taxonomy.element, lambda name: taxonomy.only(["planning", name])):
        with pytest.raises(UnknownElement) as caught:
            ask(name)
        assert caught.value.near == near
        message = str(caught.value)
        assert repr(name) in message
        assert "small" in message
        assert ("did you mean" in message) == bool(near)
        assert all(suggestion in message for suggestion in near)


def test_only_keeps_some_elements_in_the_order_of_the_taxonomy(small: Data) -> None:
    taxonomy = build_taxonomy(small, "small")

    assert taxonomy.only(["planning", "old-checking", "planning"]) == taxonomy
    part = taxonomy.only(["old-planning"])
    assert part.elements == (taxonomy.element("planning"),)
    assert part.dimensions == taxonomy.dimensions
    assert part.sha256 != taxonomy.sha256
    with pytest.raises(UnknownElement):
        part.element("checking")


def test_a_dimension_has_its_elements_in_order_and_an_unknown_one_none(small: Data) -> None:
    taxonomy = build_taxonomy(small, "small")

    assert taxonomy.in_dimension("acts") == taxonomy.elements
    assert taxonomy.in_dimension("dreams") == ()

"""Rules that hold for every schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest

from cogtrace.errors import RecordInvalid
from cogtrace.schemas import check, load_schema, problems, schema_names


def _objects(schema: Any, path: str = "$") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every sub-schema with properties, and where it stands."""
    if isinstance(schema, dict):
        if "properties" in schema and schema.get("type") == "object":
            yield path, schema
        for key, value in schema.items():
            if key != "examples":
                yield from _objects(value, f"{path}.{key}")
    elif isinstance(schema, list):
        for index, value in enumerate(schema):
            yield from _objects(value, f"{path}[{index}]")


@pytest.mark.parametrize("name", schema_names())
def test_schema_is_valid_and_accepts_its_own_examples(name: str) -> None:
    schema = load_schema(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["examples"], "a schema shows at least one example"
    for example in schema["examples"]:
        assert problems(name, example) == []


@pytest.mark.parametrize("name", schema_names())
def test_schema_names_itself_and_says_what_it_is(name: str) -> None:
    schema = load_schema(name)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"].endswith(f"/{name}.schema.json")
    assert schema["title"]
    assert schema["description"]


@pytest.mark.parametrize("name", schema_names())
def test_every_object_is_closed_and_every_field_described(name: str) -> None:
    for path, schema in _objects(load_schema(name)):
        assert schema.get("additionalProperties") is False, path
        for field, definition in schema["properties"].items():
            described = "description" in definition or "$ref" in definition
            assert described, f"{path}.{field}"


@pytest.mark.parametrize("name", schema_names())
def test_an_unknown_field_is_refused_and_the_place_is_named(name: str) -> None:
    example = load_schema(name)["examples"][0] | {"no_such_field": 1}
    with pytest.raises(RecordInvalid) as caught:
        check(name, example)
    assert caught.value.path == "$"
    assert "no_such_field" in caught.value.reason

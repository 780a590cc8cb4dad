"""Which column becomes which field, and that a column that becomes none is kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogtrace.corpora.readers import FIELDS, open_inputs, parse_mapping, preview, read_traces
from cogtrace.corpora.readers.columns import dig, guess_columns
from cogtrace.errors import InputError, OptionError
from cogtrace.records import Quarantined, Trace


def _guess(*columns: str, **overrides: str) -> dict[str, str]:
    return guess_columns([dict.fromkeys(columns)], overrides, "f.jsonl")


def _value(folder: Path, row: dict[str, Any], **overrides: str) -> Trace | Quarantined:
    """Return what becomes of a row that is alone in a file called f.jsonl."""
    path = folder / "f.jsonl"
    path.write_text(json.dumps(row) + "\n")
    (found,) = read_traces(open_inputs([str(path)]), overrides)
    return found.value


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["text"], {"text": "text"}),
        (["reasoning"], {"text": "reasoning"}),
        (["thinking", "output"], {"text": "thinking"}),
        (["output", "text"], {"text": "text"}),
        (["chain_of_thought"], {"text": "chain_of_thought"}),
        (["response", "prompt"], {"text": "response", "question": "prompt"}),
        (["id", "text"], {"trace_id": "id", "text": "text"}),
        (["id", "trace_id", "text"], {"trace_id": "trace_id", "text": "text"}),
        (["text", "problem", "input"], {"text": "text", "question": "problem"}),
        (["text", "model_name"], {"text": "text", "model": "model_name"}),
        (["text", "dataset"], {"text": "text", "task": "dataset"}),
        (["text", "problem_type"], {"text": "text", "problem_type": "problem_type"}),
        (["text", "is_correct"], {"text": "text", "correct": "is_correct"}),
        (["text", "answer"], {"text": "text", "reference_answer": "answer"}),
        (
            ["text", "answer", "gold"],
            {"text": "text", "reference_answer": "gold", "answer": "answer"},
        ),
        (
            ["text", "answer", "prediction"],
            {"text": "text", "reference_answer": "answer", "answer": "prediction"},
        ),
        (["TEXT", "Question"], {"text": "TEXT", "question": "Question"}),
        (["Text", "text"], {"text": "Text"}),
        (["text", "context", "textual"], {"text": "text"}),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, list) else "",
)
def test_the_usual_names_are_guessed(columns: list[str], expected: dict[str, str]) -> None:
    assert _guess(*columns) == expected


@pytest.mark.parametrize(
    ("columns", "overrides", "expected"),
    [
        (["text", "response"], {"text": "response"}, {"text": "response"}),
        (["story"], {"text": "story"}, {"text": "story"}),
        (["text", "nr"], {"trace_id": "nr"}, {"trace_id": "nr", "text": "text"}),
        (["problem"], {"text": "problem"}, {"text": "problem"}),
        (
            ["problem", "prompt"],
            {"text": "problem"},
            {"text": "problem", "question": "prompt"},
        ),
        (["text", "messages"], {"text": "messages.1.content"}, {"text": "messages.1.content"}),
    ],
    ids=["another-usual-name", "unusual-name", "another-field", "taken", "next-name", "dotted"],
)
def test_what_is_said_goes_before_what_is_guessed(
    columns: list[str], overrides: dict[str, str], expected: dict[str, str]
) -> None:
    assert _guess(*columns, **overrides) == expected


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            "text response answer gold id key problem prompt target output model task".split()
        ).flatmap(lambda name: st.sampled_from([name, name.upper(), name.title()])),
        unique=True,
    )
)
def test_no_column_becomes_two_fields(columns: list[str]) -> None:
    try:
        found = _guess(*columns)
    except InputError:
        return
    assert len(set(found.values())) == len(found)
    assert set(found.values()) <= set(columns)
    assert list(found) == [field for field in FIELDS if field in found]


def test_columns_that_only_later_rows_have_are_found() -> None:
    rows: list[dict[str, Any]] = [{"id": 1}, {"id": 2, "response": "x"}, {"id": 3, "model": "m"}]

    found = guess_columns(rows, {}, "f")

    assert found == {"trace_id": "id", "text": "response", "model": "model"}


def test_an_input_without_a_text_is_refused_with_the_columns_it_has(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text("id,first_half,second_half\n1,a,b\n")

    with pytest.raises(InputError) as caught:
        list(read_traces(open_inputs([str(path)]), {}))
    for part in (str(path), "id, first_half, second_half", "--map text="):
        assert part in str(caught.value)


def test_the_columns_can_be_known_before_the_input_is_read(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    path.write_text('{"response": "a", "ID": 4}\n')
    (source,) = open_inputs([str(path)])
    (stream,) = open_inputs(["-"])

    assert preview(source, {"model": "engine"}) == {
        "trace_id": "ID",
        "text": "response",
        "model": "engine",
    }
    assert source.rows == 0
    assert preview(stream, {}) == {}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {}),
        (["text=response"], {"text": "response"}),
        (["text=a=b", "model=the model"], {"text": "a=b", "model": "the model"}),
        (["text=a", "text=b"], {"text": "b"}),
    ],
    ids=["none", "one", "equals-and-space-in-a-name", "last-one-counts"],
)
def test_mappings_are_field_equals_column(options: list[str], expected: dict[str, str]) -> None:
    assert parse_mapping(options) == expected


@pytest.mark.parametrize("option", ["text", "text=", "=response", "txt=response", ""])
def test_a_mapping_that_means_nothing_is_refused_by_name(option: str) -> None:
    with pytest.raises(OptionError, match="--map") as caught:
        parse_mapping(["model=m", option])
    assert f"--map {option}:" in str(caught.value)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("plain", "p"),
        ("messages.1.content", "second"),
        ("messages.-1.content", "second"),
        ("messages.-2.content", "first"),
        ("messages.2.content", None),
        ("messages.-3.content", None),
        ("messages.one.content", None),
        ("messages.0.content.0", None),
        ("a.b", "a column with a dot"),
        ("deep.er.still", 0),
        ("deep.er", {"still": 0}),
        ("deep.no", None),
        ("absent", None),
        ("absent.too", None),
    ],
)
def test_dots_lead_into_nested_values(column: str, expected: Any) -> None:
    row = {
        "plain": "p",
        "messages": [{"content": "first"}, {"content": "second"}],
        "a.b": "a column with a dot",
        "a": {"b": "not this one"},
        "deep": {"er": {"still": 0}},
    }

    assert dig(row, column) == expected


def test_a_nested_text_is_read_and_what_it_lay_in_is_kept(tmp_path: Path) -> None:
    row = {"id": "x", "messages": [{"content": "ask"}, {"content": "Think."}]}

    value = _value(tmp_path, row, text="messages.-1.content", question="messages.0.content")

    assert value == Trace(
        trace_id="x", text="Think.", question="ask", meta={"messages": row["messages"]}
    )


@pytest.mark.parametrize(
    ("row", "meta"),
    [
        pytest.param({"seed": 3, "tags": ["a", None]}, {"seed": 3, "tags": ["a", None]}, id="any"),
        pytest.param({"meta": {"seed": 3}}, {"seed": 3}, id="meta-alone-is-taken-over"),
        pytest.param(
            {"meta": {"seed": 3}, "seed": 4}, {"meta": {"seed": 3}, "seed": 4}, id="meta-and-more"
        ),
        pytest.param({"meta": "a note"}, {"meta": "a note"}, id="meta-that-is-no-object"),
        pytest.param({"response": "another text"}, {"response": "another text"}, id="second-text"),
        pytest.param({"model": {"name": "m"}}, {"model": {"name": "m"}}, id="field-of-no-scalar"),
        pytest.param({"trace_id": ["x", 1]}, {"trace_id": ["x", 1]}, id="id-of-no-scalar"),
        pytest.param({"correct": "perhaps"}, {"correct": "perhaps"}, id="correct-unclear"),
        pytest.param({"correct": 0.5}, {"correct": 0.5}, id="correct-a-share"),
        pytest.param({"correct": None}, {}, id="correct-unknown"),
        pytest.param({"": 7}, {"": 7}, id="column-without-a-name"),
    ],
)
def test_what_becomes_no_field_is_kept_in_meta(
    tmp_path: Path, row: dict[str, Any], meta: dict[str, Any]
) -> None:
    value = _value(tmp_path, {"text": "t", **row})

    assert value == Trace(trace_id="f:1", text="t", meta=meta)


def test_a_table_with_the_unnamed_index_column_of_pandas_is_read(tmp_path: Path) -> None:
    path = tmp_path / "f.csv"
    path.write_text(",id,text\n0,a,one\n1,b,two\n")

    values = [row.value for row in read_traces(open_inputs([str(path)]), {})]

    assert values == [
        Trace(trace_id="a", text="one", meta={"": "0"}),
        Trace(trace_id="b", text="two", meta={"": "1"}),
    ]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((value, True) for value in (True, 1, 1.0, "1", "true", "True", " YES ", "correct")),
        *((value, False) for value in (False, 0, 0.0, "0", "false", "FALSE", "no", "incorrect")),
        *((value, None) for value in (None, "", "maybe", 2, -1, 0.5, [True], {"is": True})),
    ],
    ids=repr,
)
def test_right_and_wrong_are_understood_in_their_usual_spellings(
    tmp_path: Path, value: Any, expected: bool | None
) -> None:
    found = _value(tmp_path, {"text": "t", "is_correct": value})

    assert isinstance(found, Trace)
    assert found.correct is expected
    kept = {} if expected is not None or value is None else {"is_correct": value}
    assert found.meta == kept


@pytest.mark.parametrize(
    ("trace_id", "expected"),
    [("a b", "a b"), (7, "7"), (0, "0"), (2.5, "2.5"), (True, "true"), ("", "f:1"), (None, "f:1")],
)
def test_ids_are_strings_and_made_from_file_and_line_where_there_are_none(
    tmp_path: Path, trace_id: Any, expected: str
) -> None:
    assert _value(tmp_path, {"id": trace_id, "text": "t"}) == Trace(trace_id=expected, text="t")


def test_a_made_id_takes_the_name_up_to_its_first_dot(tmp_path: Path) -> None:
    path = tmp_path / "run-3.part.jsonl"
    path.write_text('\n{"text": "t"}\n')

    (row,) = read_traces(open_inputs([str(path)]), {})

    assert row.value == Trace(trace_id="run-3:2", text="t")


def test_numbers_in_fields_of_text_become_text(tmp_path: Path) -> None:
    row = {"text": "t", "task": 5, "answer": 42, "model_answer": 4.5, "question": "?"}

    assert _value(tmp_path, row) == Trace(
        trace_id="f:1", text="t", task="5", reference_answer="42", answer="4.5", question="?"
    )

"""Which column of an input is which field of a trace.

Names differ from file to file; the usual ones are guessed, and what was guessed is
always shown. A column goes to one field only, and what goes to none is kept in
``meta``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from cogtrace.errors import InputError, OptionError

# In the order in which fields choose; a field takes the first of its names that is
# there and not taken. "answer" is mostly the right answer in published sets, unless
# another column is called so more plainly.
USUAL_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "trace_id": ("trace_id", "id", "sample_id", "example_id", "uid", "uuid", "custom_id", "key"),
    "text": (
        "text",
        "trace",
        "reasoning_trace",
        "reasoning",
        "reasoning_content",
        "thinking",
        "think",
        "thought",
        "cot",
        "chain_of_thought",
        "response",
        "model_response",
        "generation",
        "generated_text",
        "completion",
        "output",
        "model_output",
        "transcript",
        "rationale",
    ),
    "question": ("question", "problem", "prompt", "query", "instruction", "input"),
    "model": ("model", "model_name", "model_id", "generator", "author"),
    "task": ("task", "dataset", "domain", "subject", "source", "category"),
    "problem_type": ("problem_type",),
    "correct": ("correct", "correctness", "is_correct", "correct_guess", "passed"),
    "reference_answer": (
        "reference_answer",
        "correct_answer",
        "gold_answer",
        "gold",
        "ground_truth",
        "expected_answer",
        "target",
        "answer",
    ),
    "answer": (
        "model_answer",
        "predicted_answer",
        "final_answer",
        "final_answer_guess",
        "extracted_answer",
        "prediction",
        "answer",
    ),
}

FIELDS: Final = tuple(USUAL_NAMES)


def parse_mapping(
    options: Iterable[str],
    fields: Iterable[str] = FIELDS,
    *,
    of: str = "trace",
    example: str = "text=response",
) -> dict[str, str]:
    """Return {field: column} from options such as ``example``.

    ``fields`` are those there are, ``of`` says of what, for messages.

    Raises:
        OptionError: an option is not of that form, or names none of the fields.
    """
    known = tuple(fields)
    mapping = {}
    for option in options:
        field, equals, column = option.partition("=")
        if not equals or not column:
            raise OptionError(f"--map {option}: write FIELD=COLUMN, e.g. {example}")
        if field not in known:
            raise OptionError(
                f"--map {option}: {field!r} is no field of a {of}; there is {', '.join(known)}"
            )
        mapping[field] = column
    return mapping


def guess_columns(
    rows: Iterable[Mapping[str, Any]], overrides: Mapping[str, str], name: str
) -> dict[str, str]:
    """Return {field: column} for an input that begins with ``rows``.

    ``overrides`` go before the guesses. ``name`` is the input's, for messages.

    Raises:
        InputError: no column can be the text; names the columns there are.
    """
    columns: dict[str, None] = {}
    for row in rows:
        columns.update(dict.fromkeys(row))
    by_lower = {column.lower(): column for column in reversed(columns)}
    mapping = dict(overrides)
    taken = set(mapping.values())
    for field, names in USUAL_NAMES.items():
        if field in mapping:
            continue
        for usual in names:
            column = by_lower.get(usual)
            if column is not None and column not in taken:
                mapping[field] = column
                taken.add(column)
                break
    if columns and "text" not in mapping:
        raise InputError(
            f"{name}: no column looks like the text of a trace; there is "
            f"{', '.join(columns)}. Name it with --map text=COLUMN"
        )
    return {field: mapping[field] for field in FIELDS if field in mapping}


def dig(row: Mapping[str, Any], column: str) -> Any:
    """Return a column of a row; dots lead into nested values ("messages.1.content")."""
    if column in row or "." not in column:
        return row.get(column)
    value: Any = row
    for step in column.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, list) and step.lstrip("-").isdigit():
            index = int(step)
            value = value[index] if -len(value) <= index < len(value) else None
        else:
            return None
    return value

"""Whether two short answers are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cogtrace.grading.choices import is_bare, letter
from cogtrace.grading.kinds import AnswerKind
from cogtrace.grading.maths import same_maths
from cogtrace.grading.normalising import normalise
from cogtrace.grading.numbers import number, same_number
from cogtrace.grading.structured import fits, is_none, read, same_data


def same_answer(
    one: str,
    other: str,
    kind: AnswerKind | None = None,
    *,
    schema: Mapping[str, Any] | None = None,
) -> bool:
    r"""Say whether two short answers are the same, as answers of their kind.

    Without a kind: the same text, number or letter. A letter with its text ("B) 12") is the
    letter alone; two that both have texts must agree in all. ``schema`` is for "json"; an
    answer that does not fit it is the same as its own text only.

    >>> same_answer("50%", "1/2"), same_answer("1,000 km", "1000"), same_answer("(B)", "b")
    (True, True, True)
    >>> same_answer("12 km", "12 miles"), same_answer("Paris", "London")
    (False, False)
    """
    if one == other or normalise(one) == normalise(other):
        return True
    if kind == "exact":
        return False
    if kind == "json":
        return _same_json(one, other, schema)
    if kind == "choice":
        return _same_letter(one, other)
    if _same_number(one, other):
        return True
    if kind == "maths":
        return same_maths(one, other)
    if kind == "numeric":
        return False
    return (is_bare(one) or is_bare(other)) and _same_letter(one, other)


def is_correct(
    answer: str | None, reference: str | None, kind: AnswerKind | None = None
) -> bool | None:
    """Return whether an answer is the right one; None where there is none to compare with."""
    if reference is None:
        return None
    return answer is not None and same_answer(answer, reference, kind)


def alike(answers: Sequence[str], kind: AnswerKind | None = None) -> list[list[int]]:
    """Return the places of answers that are the same, in groups, in order of appearance.

    An answer joins the first group whose first answer it is the same as.
    """
    groups: list[list[int]] = []
    places: dict[str, list[int]] = {}  # of texts seen already
    for place, answer in enumerate(answers):
        group = places.get(answer)
        if group is None:
            same = (g for g in groups if same_answer(answers[g[0]], answer, kind))
            group = next(same, None)
        if group is None:
            group = []
            groups.append(group)
        group.append(place)
        places.setdefault(answer, group)
    return groups


def _same_letter(one: str, other: str) -> bool:
    first = letter(one)
    return first is not None and first == letter(other)


def _same_number(one: str, other: str) -> bool:
    first = number(one)
    if first is None:
        return False
    second = number(other)
    return second is not None and same_number(first, second)


def _same_json(one: str, other: str, schema: Mapping[str, Any] | None) -> bool:
    first, second = read(one), read(other)
    if is_none(first) or is_none(second):
        return False
    if schema is not None and not (fits(first, schema) and fits(second, schema)):
        return False
    return same_data(first, second, schema)

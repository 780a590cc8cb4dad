"""Whether two short answers are the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from cogtrace.grading.choices import Lettered, lettered
from cogtrace.grading.kinds import AnswerKind
from cogtrace.grading.maths import same_maths
from cogtrace.grading.normalising import normalise
from cogtrace.grading.numbers import Number, number, same_number
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
    same as the letter alone and as the text alone; two that both have texts must agree in
    all. ``schema`` is for "json"; an answer that does not fit it is the same as its own text
    only.

    >>> same_answer("50%", "1/2"), same_answer("1,000 km", "1000"), same_answer("(B)", "b")
    (True, True, True)
    >>> same_answer("12 km", "12 miles"), same_answer("Paris", "London")
    (False, False)
    """
    return one == other or _same(_Forms(one), _Forms(other), kind, schema)


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
    firsts: list[_Forms] = []
    seen: dict[str, list[int]] = {}  # groups by the texts that are in them
    for place, answer in enumerate(answers):
        group = seen.get(answer)
        if group is None:
            forms = _Forms(answer)
            same = (n for n, first in enumerate(firsts) if _same(first, forms, kind, None))
            number = next(same, None)
            if number is None:
                groups.append([])
                firsts.append(forms)
                number = len(groups) - 1
            group = seen[answer] = groups[number]
        group.append(place)
    return groups


class _Forms:
    """An answer in the forms in which answers are compared, each made when it is needed."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def normal(self) -> str:
        return normalise(self.text)

    @cached_property
    def number(self) -> Number | None:
        return number(self.text)

    @cached_property
    def choice(self) -> Lettered | None:
        return lettered(self.text)

    @cached_property
    def data(self) -> Any:
        return read(self.text)


def _same(
    one: _Forms, other: _Forms, kind: AnswerKind | None, schema: Mapping[str, Any] | None
) -> bool:
    if one.normal == other.normal:
        return True
    if kind == "exact":
        return False
    if kind == "json":
        return _same_json(one.data, other.data, schema)
    if kind == "choice":
        return _same_choice(one, other, strict=False)
    if (
        one.number is not None
        and other.number is not None
        and same_number(one.number, other.number)
    ):
        return True
    if kind == "maths":
        return same_maths(one.text, other.text)
    return kind is None and _same_choice(one, other, strict=True)


def _same_choice(one: _Forms, other: _Forms, *, strict: bool) -> bool:
    """Say whether two answers are the same choice; strictly, two texts must agree as well."""
    first, second = one.choice, other.choice
    if first is None or second is None:
        # One may be the text of the choice without its letter.
        known, text = (first, other) if first is not None else (second, one)
        return known is not None and bool(known.text) and normalise(known.text) == text.normal
    if strict and first.text and second.text:
        return False  # the same letter before other texts: their normal forms differ
    return first.letter == second.letter


def _same_json(one: Any, other: Any, schema: Mapping[str, Any] | None) -> bool:
    if is_none(one) or is_none(other):
        return False
    if schema is not None and not (fits(one, schema) and fits(other, schema)):
        return False
    return same_data(one, other, schema)

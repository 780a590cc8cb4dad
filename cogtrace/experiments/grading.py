"""Whether a task was solved: by comparing answers, by a function, or by what a model judged."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, cast

from cogtrace.errors import OptionError
from cogtrace.experiments.outcomes import Grade
from cogtrace.grading import KINDS, AnswerKind, extract_answer, is_correct
from cogtrace.plugins.pipeline.records import GuidanceRun

RUBRIC: Final = "rubric"
RECORDED: Final = "recorded"  # as it was graded when it ran


def answer_kind(grade: str | None) -> AnswerKind | None:
    """Return the kind of answers that a grade compares; None: the first that fits, or no kind."""
    return next((kind for kind in KINDS if kind == grade), None)


def check_grade(grade: str | None) -> None:
    """Raise OptionError for a grade that is none."""
    if grade is None or grade in KINDS or grade == RUBRIC:
        return
    if ":" not in grade:
        there = ", ".join((*KINDS, RUBRIC))
        raise OptionError(f"--grade {grade}: is none of {there}, nor MODULE:FUNCTION")
    load_function(grade)


def load_function(entry: str) -> Callable[[GuidanceRun], object]:
    """Return the function that ``MODULE:FUNCTION`` names; the current folder is searched too.

    Raises:
        OptionError: it cannot be imported, or is no function.
    """
    module, _, name = entry.partition(":")
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.insert(0, here)
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # importing somebody's module may raise anything
        message = f"--grade {entry}: cannot be imported ({type(error).__name__}: {error})"
        raise OptionError(message) from error
    finally:
        if added:
            sys.path.remove(here)
    if not callable(found):
        raise OptionError(f"--grade {entry}: is no function")
    return cast(Callable[[GuidanceRun], object], found)


def by_function(entry: str) -> Grade:
    """Return the grade of a function, which gets the record of a run; None is no grade.

    The grade raises OptionError, naming the task, for what the function raises or returns.
    """
    function = load_function(entry)

    def grade(run: GuidanceRun) -> bool | None:
        try:
            said = function(run)
        except Exception as error:  # it is somebody's code
            raise OptionError(
                f"--grade {entry}: task {run.task_id!r}: raised {type(error).__name__}: {error}"
            ) from error
        if said is None or isinstance(said, bool):
            return said
        raise OptionError(
            f"--grade {entry}: task {run.task_id!r}: returned {type(said).__name__}, "
            "not true, false or None"
        )

    return grade


def by_kind(kind: AnswerKind) -> Grade:
    """Return the grade of comparing answers, found anew in their texts, with the right one."""

    def grade(run: GuidanceRun) -> bool | None:
        answer, chosen = run.answer, run.chosen
        if chosen is not None:
            found = extract_answer(chosen.text, kind, cut=chosen.finish != "stop")
            answer = answer if found is None else found
        return is_correct(answer, run.reference_answer, kind)

    return grade


def by_verdicts(arm: str, verdicts: Mapping[tuple[str, str], bool]) -> Grade:
    """Return the grade of a judge: verdicts by arm and task."""

    def grade(run: GuidanceRun) -> bool | None:
        return verdicts.get((arm, run.task_id))

    return grade


def grade_for(grade: str | None, recorded: AnswerKind | None) -> Grade | None:
    """Return how the runs of an arm are graded; None: as they were when they ran.

    Raises:
        OptionError: a function that cannot be imported.
    """
    if grade is None or grade == RUBRIC:
        return None
    kind = answer_kind(grade)
    if kind is None:
        return by_function(grade)
    return None if kind == recorded else by_kind(kind)

"""The properties that every guidance plugin must keep, and how one is checked for all."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cogtrace.errors import CogtraceError
from cogtrace.plugins.guidance import GuidanceKind
from cogtrace.plugins.testing import behaviour, declarations, faults, repeating
from cogtrace.plugins.testing.running import PropertyBroken, Subject

# A function named as a statement; raises PropertyBroken where that does not hold.
Property = Callable[[Subject], None]

PROPERTIES: Final[tuple[Property, ...]] = (
    declarations.what_it_says_of_itself_is_sound,
    declarations.its_options_are_a_schema_and_the_defaults_pass_it,
    declarations.the_elements_it_means_to_raise_are_known,
    declarations.it_loads_in_a_new_process_and_again,
    declarations.it_is_built_twice_without_harm,
    behaviour.every_task_ends_with_a_sound_record,
    behaviour.it_changes_nothing_that_it_is_given,
    behaviour.the_question_stays_verbatim,
    behaviour.it_prints_nothing,
    faults.no_reply_of_the_model_crashes_it,
    faults.it_keeps_to_the_calls_that_it_declares,
    faults.it_bears_lower_bounds,
    faults.it_stops_when_it_is_cancelled,
    repeating.many_tasks_at_once_give_what_one_at_a_time_gives,
    repeating.the_same_seed_gives_the_same_run,
    repeating.another_process_gives_the_same_run,
    repeating.global_random_numbers_are_left_alone,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What came of one property."""

    name: str  # of the function
    statement: str  # the property in words
    passed: bool
    reason: str  # why not; "" if it passed
    seconds: float


def statement(holds: Property) -> str:
    """Return a property in words.

    >>> statement(behaviour.it_prints_nothing)
    'it prints nothing'
    """
    return holds.__name__.replace("_", " ")


def check_plugin(
    kind: GuidanceKind,
    options: Mapping[str, Any] | None = None,
    properties: Iterable[Property] = PROPERTIES,
) -> Iterator[Finding]:
    """Yield what came of each property, as it is known; whatever the plugin does."""
    subject = Subject(kind, options or {})
    for holds in properties:
        began = time.monotonic()
        reason = ""
        try:
            holds(subject)
        except (PropertyBroken, CogtraceError) as error:
            reason = str(error)
        except (Exception, SystemExit) as error:  # somebody's code may raise what it likes
            reason = f"{type(error).__name__}: {error}"
        yield Finding(
            name=holds.__name__,
            statement=statement(holds),
            passed=not reason,
            reason=" ".join(reason.split()),
            seconds=round(time.monotonic() - began, 3),
        )

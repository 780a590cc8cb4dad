r"""Short answers: found in what a model wrote, made comparable, compared.

The whole surface, for plugins, pipelines and whoever compares runs::

    extract_answer("… so \\boxed{\\frac{1}{2}}.")   # "\\frac{1}{2}"
    same_answer("1/2", "0.5")                        # True
    is_correct(answer, reference)                    # True, False, or None: nothing to compare
    alike(["7", "8", "7.0"])                         # [[0, 2], [1]]: who says the same

Answers are of a kind, which says when two are the same; None takes the first that fits:

* "exact"    the same text, after `normalise`
* "choice"   the same letter: "(B)", "b.", "Option B: Paris"
* "numeric"  the same number within `TOLERANCE`, or the same text
* "maths"    the same value by math-verify (extra ``math``), or the same number or text;
             without the extra only the latter, which `maths_note` and a `GradingWarning` say
* "json"     the same JSON data, under a schema where one is given

Equality is reflexive and symmetric. It is not transitive: "12" is both "12 km" and
"12 miles", and tolerances add up. No text raises, and none takes longer than a few seconds.
"""

from cogtrace.grading.comparing import alike, is_correct, same_answer
from cogtrace.grading.extracting import extract_answer
from cogtrace.grading.kinds import KINDS, AnswerKind
from cogtrace.grading.maths import GradingWarning, maths_note
from cogtrace.grading.normalising import normalise
from cogtrace.grading.numbers import TOLERANCE

__all__ = [
    "KINDS",
    "TOLERANCE",
    "AnswerKind",
    "GradingWarning",
    "alike",
    "extract_answer",
    "is_correct",
    "maths_note",
    "normalise",
    "same_answer",
]

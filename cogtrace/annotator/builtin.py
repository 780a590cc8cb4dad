"""The annotators that come with cogtrace, registered as anybody's are.

Nothing of an annotator is imported until it is built.
"""

from __future__ import annotations

from typing import Final

from cogtrace.errors import OptionError
from cogtrace.extensions import AnnotatorKind, AnnotatorSetup, hookimpl
from cogtrace.records import Annotator


def build_cue(setup: AnnotatorSetup) -> Annotator:
    """Build the annotator that goes by wording.

    Raises:
        OptionError: it was given options; it has none.
    """
    from cogtrace.annotator.cues import CueAnnotator

    if setup.options:
        names = ", ".join(sorted(setup.options))
        raise OptionError(f"--annotator cue has no such option: {names}")
    return CueAnnotator(setup.taxonomy)


def build_llm(setup: AnnotatorSetup) -> Annotator:
    """Build the annotator that asks a language model."""
    from cogtrace.annotator.llm.annotator import LlmAnnotator

    return LlmAnnotator.from_setup(setup)


def build_hybrid(setup: AnnotatorSetup) -> Annotator:
    """Build the annotator that asks a language model what wording does not rule out."""
    from cogtrace.annotator.hybrid import HybridAnnotator

    return HybridAnnotator.from_setup(setup)


CUE: Final = AnnotatorKind(
    name="cue", summary="wording, on a CPU: fast, coarse, free", build=build_cue
)
LLM: Final = AnnotatorKind(
    name="llm", summary="a language model reads each trace", build=build_llm, needs_engine=True
)
HYBRID: Final = AnnotatorKind(
    name="hybrid",
    summary="cues first; a language model for what they do not rule out",
    build=build_hybrid,
    needs_engine=True,
)


@hookimpl
def cogtrace_annotators() -> list[AnnotatorKind]:
    """Register the annotators."""
    return [CUE, LLM, HYBRID]

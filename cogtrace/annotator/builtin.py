"""The annotators that come with cogtrace, registered as anybody's are.

Nothing of an annotator is imported until it is built.
"""

from __future__ import annotations

from pathlib import Path
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


def build_model(setup: AnnotatorSetup) -> Annotator:
    """Build the annotator that goes by a trained model, of either kind.

    Raises:
        OptionError: no folder is named, or an encoder needs what is not installed.
        ModelError: there is no usable model in it.
    """
    folder = Path(str(setup.options.get("argument", "")))
    if (folder / "encoder.json").is_file():
        from cogtrace.annotator.encoder.annotator import EncoderAnnotator

        return EncoderAnnotator.from_folder(folder, setup.taxonomy, setup.uncut)
    from cogtrace.annotator.model.annotator import ModelAnnotator

    return ModelAnnotator.from_setup(setup)


def build_merged(setup: AnnotatorSetup) -> Annotator:
    """Build the annotator that goes by cues and the bundled model together."""
    from cogtrace.annotator.merged import MergedAnnotator

    return MergedAnnotator.from_setup(setup)


def taxonomy_of_model(folder: str) -> Path | None:
    """Return the file of the taxonomy that a model was trained for."""
    path = Path(folder) / "taxonomy.json"
    return path if path.is_file() else None


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
MODEL: Final = AnnotatorKind(
    name="model",
    summary="a trained model or encoder: model:FOLDER, made by cogtrace train",
    build=build_model,
    argument="FOLDER",
    taxonomy=taxonomy_of_model,
)
MERGED: Final = AnnotatorKind(
    name="merged",
    summary="cues and the bundled model together, on a CPU: slower, finds more fresh wording",
    build=build_merged,
)


@hookimpl
def cogtrace_annotators() -> list[AnnotatorKind]:
    """Register the annotators."""
    return [CUE, MERGED, MODEL, LLM, HYBRID]

"""All that a run of the LLM annotator is given, read from the options of a job."""

from __future__ import annotations

import msgspec

from cogtrace.annotator.llm.model import LlmOptions
from cogtrace.errors import OptionError
from cogtrace.extensions import AnnotatorSetup
from cogtrace.jobs.budget import Limits, Prices


class LlmSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that a run is given: what decides the answers, and what bounds the run."""

    options: LlmOptions = LlmOptions()
    limits: Limits = Limits()
    prices: Prices | None = None
    fence: str | None = None  # kept over the runs of a job, so that prompts stay the same
    seed: int = 0  # of the audit
    forget_failed: bool = False  # ask again what got no usable answer


def settings_of(setup: AnnotatorSetup) -> LlmSettings:
    """Return the settings in a setup.

    Raises:
        OptionError: one of them is unknown, or out of range.
    """
    try:
        return msgspec.convert(setup.options, LlmSettings)
    except msgspec.ValidationError as error:
        raise OptionError(f"options of the LLM annotator: {error}") from error

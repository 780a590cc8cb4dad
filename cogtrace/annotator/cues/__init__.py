"""The cue annotator: an index of phrases, context rules, and scores made of both."""

from cogtrace.annotator.cues.annotator import CueAnnotator

__all__ = ["CueAnnotator"]

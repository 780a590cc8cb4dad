"""Cutting a trace into sentences that tile it."""

from cogtrace.annotator.sentences.splitter import sentence_ranges, sentence_starts

__all__ = ["sentence_ranges", "sentence_starts"]

"""A comparison as a page or as Markdown: sections as data, made into a report like any other."""

from cogtrace.experiments.report.writing import write

__all__ = ["write"]

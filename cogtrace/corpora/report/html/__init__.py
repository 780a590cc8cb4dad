"""A report as one page: no network, no script but ours, everything from data escaped."""

from cogtrace.corpora.report.html.page import to_html

__all__ = ["to_html"]

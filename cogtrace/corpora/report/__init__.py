"""Reports: what a corpus shows, on one page that needs no network, or as Markdown or JSON.

A report is made of sections (`cogtrace.sections`), the built-in ones of this package and
those of plugins. See docs/report.md.
"""

from cogtrace.corpora.report.building import Report, build_report
from cogtrace.corpora.report.source import ReportInput, read_input
from cogtrace.corpora.report.writing import FORMATS, write_report

__all__ = ["FORMATS", "Report", "ReportInput", "build_report", "read_input", "write_report"]

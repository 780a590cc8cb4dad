"""The trace browser of a report: a list of traces, and each with its spans, offline.

`browser_parts` reads job folders and gives what a page needs. `packing` says how the data
is laid out, `page/` holds the script and the style, one file per purpose.
"""

from cogtrace.corpora.report.browser.parts import BrowserParts, browser_parts

__all__ = ["BrowserParts", "browser_parts"]

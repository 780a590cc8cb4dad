"""Reading traces from files and streams."""

from cogtrace.corpora.readers.choosing import format_of, reader_of
from cogtrace.corpora.readers.columns import FIELDS, parse_mapping
from cogtrace.corpora.readers.traces import Input, open_inputs, preview, read_traces

__all__ = [
    "FIELDS",
    "Input",
    "format_of",
    "open_inputs",
    "parse_mapping",
    "preview",
    "read_traces",
    "reader_of",
]

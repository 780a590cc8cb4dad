"""Reading traces from files and streams."""

from cogtrace.corpora.readers.columns import FIELDS, parse_mapping
from cogtrace.corpora.readers.formats import READERS
from cogtrace.corpora.readers.traces import Input, open_inputs, preview, read_traces

__all__ = ["FIELDS", "READERS", "Input", "open_inputs", "parse_mapping", "preview", "read_traces"]

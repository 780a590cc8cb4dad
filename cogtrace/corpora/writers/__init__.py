"""Writing annotations in forms that other programs read."""

from cogtrace.corpora.writers.forms import WRITERS, find_writer, write_export

__all__ = ["WRITERS", "find_writer", "write_export"]

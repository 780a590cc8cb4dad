"""Writing annotations in forms that other programs read."""

from cogtrace.corpora.writers.forms import WRITERS, write_export

__all__ = ["WRITERS", "write_export"]

"""cogtrace finds cognitive elements in reasoning traces.

Importing it loads nothing heavy; spaCy, polars and models come in with the parts that
need them.
"""

from cogtrace.errors import CogtraceError
from cogtrace.records import Annotation, ElementAnnotation, Span, Trace

__version__ = "0.1.0"

__all__ = ["Annotation", "CogtraceError", "ElementAnnotation", "Span", "Trace", "__version__"]

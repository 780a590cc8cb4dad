"""Statistics of annotated traces: one or more job folders in, figures with intervals out."""

from cogtrace.corpora.statistics.corpus import Corpus, read_corpus
from cogtrace.corpora.statistics.figures import TABLES, Statistics
from cogtrace.corpora.statistics.selecting import Condition, parse_where
from cogtrace.corpora.statistics.summary import Settings, compute
from cogtrace.corpora.statistics.writing import frame, write_json, write_parquet

__all__ = [
    "TABLES",
    "Condition",
    "Corpus",
    "Settings",
    "Statistics",
    "compute",
    "frame",
    "parse_where",
    "read_corpus",
    "write_json",
    "write_parquet",
]

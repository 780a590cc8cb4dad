"""Reasoning structure: how elements follow, contain and accompany each other.

From the spans of annotated traces to edges between elements, their association with
success, and the walks of highest association. See docs/structure.md.
"""

from cogtrace.corpora.structure.analysis import analyse
from cogtrace.corpora.structure.corpus import Corpus
from cogtrace.corpora.structure.jobs import load_jobs
from cogtrace.corpora.structure.pictures import write_pictures
from cogtrace.corpora.structure.records import EdgeRow, NodeRow, Step, Structure, Walk
from cogtrace.corpora.structure.reference import load_reference
from cogtrace.corpora.structure.settings import Mode, Settings

__all__ = [
    "Corpus",
    "EdgeRow",
    "Mode",
    "NodeRow",
    "Settings",
    "Step",
    "Structure",
    "Walk",
    "analyse",
    "load_jobs",
    "load_reference",
    "write_pictures",
]

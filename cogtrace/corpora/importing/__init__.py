"""Annotations that were made elsewhere, made into a job folder."""

from cogtrace.corpora.importing.crosswalk import RELATIONS, Crosswalk, load_crosswalk
from cogtrace.corpora.importing.job import Imported, ImportPlan, run_import

__all__ = ["RELATIONS", "Crosswalk", "ImportPlan", "Imported", "load_crosswalk", "run_import"]

"""How well annotations agree with a gold, or with each other: figures with intervals."""

from cogtrace.corpora.evaluation.comparing import Settings
from cogtrace.corpora.evaluation.figures import Evaluation
from cogtrace.corpora.evaluation.summary import evaluate

__all__ = ["Evaluation", "Settings", "evaluate"]

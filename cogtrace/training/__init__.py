"""Training small annotators on labels of people or of strong annotators."""

from cogtrace.training.labels import LabelledTrace
from cogtrace.training.running import Trained, TrainSettings, train

__all__ = ["LabelledTrace", "TrainSettings", "Trained", "train"]

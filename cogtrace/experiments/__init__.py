"""Experiments: arms of guidance on the same tasks, what each gains, costs and changes.

Arms are run side by side (`run_arms`) or were run before (`read_arm`); `compare_arms` says
how they differ, with exact paired tests, intervals and costs. See docs/compare.md.
"""

from cogtrace.experiments.arms import ArmSpec, parse_arms
from cogtrace.experiments.comparing import Question, compare_arms
from cogtrace.experiments.folder import ExperimentFolder, read_experiment
from cogtrace.experiments.outcomes import Arm, read_arm
from cogtrace.experiments.power import Forecast, forecast
from cogtrace.experiments.records import Comparison
from cogtrace.experiments.running import ExperimentPlan, run_arms

__all__ = [
    "Arm",
    "ArmSpec",
    "Comparison",
    "ExperimentFolder",
    "ExperimentPlan",
    "Forecast",
    "Question",
    "compare_arms",
    "forecast",
    "parse_arms",
    "read_arm",
    "read_experiment",
    "run_arms",
]

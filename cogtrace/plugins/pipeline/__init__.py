"""The guidance pipeline: tasks run through plugins and a model, each recorded whole.

`guide` is the way in from Python; `Pipeline` for those who hold an engine over many calls,
or solve tasks themselves (`Pipeline.prepare`, `Pipeline.finish`). See docs/guidance.md.
"""

from cogtrace.plugins.pipeline.batching import Halted
from cogtrace.plugins.pipeline.guiding import guide, guide_sync
from cogtrace.plugins.pipeline.pipeline import Pipeline
from cogtrace.plugins.pipeline.plan import Plan, Step, make_plan
from cogtrace.plugins.pipeline.prepared import Prepared
from cogtrace.plugins.pipeline.records import GuidanceRun

__all__ = [
    "GuidanceRun",
    "Halted",
    "Pipeline",
    "Plan",
    "Prepared",
    "Step",
    "guide",
    "guide_sync",
    "make_plan",
]

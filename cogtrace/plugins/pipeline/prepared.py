"""A task up to the point where it is solved, for those who solve it themselves."""

from __future__ import annotations

from dataclasses import dataclass, field

from cogtrace.plugins.guidance import Message, Sampling, Scaffold, Task
from cogtrace.plugins.pipeline.course import Course
from cogtrace.plugins.pipeline.records import AskedBack, GuidanceRun
from cogtrace.plugins.pipeline.view import TaskView
from cogtrace.records import Usage


@dataclass(slots=True)
class Prepared:
    """A task up to the point where it is solved.

    Its messages are those by which the model is asked. ``plain`` says that one plain
    generation is all there is to it: whoever wants to may make that one himself, for
    example as a stream, and hand the result to `Pipeline.finish`.
    """

    task: Task
    messages: tuple[Message, ...]
    plain: bool
    run: GuidanceRun | None  # there if the task has ended already: asked back, or failed
    _course: Course = field(repr=False)
    _views: dict[str, TaskView] = field(repr=False)

    @property
    def scaffolds(self) -> tuple[Scaffold, ...]:
        """The blocks that plugins placed."""
        return tuple(block for _, block in self._course.scaffolds)

    @property
    def clarification(self) -> AskedBack | None:
        """The question back, if there was one."""
        return self._course.asked_back

    @property
    def sampling(self) -> Sampling:
        """How the answer is to be generated."""
        return self._course.sampling

    @property
    def usage(self) -> dict[str, Usage]:
        """What plugins have spent so far, by name."""
        return dict(self._course.usage)

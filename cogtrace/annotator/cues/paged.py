"""What all annotators have in common that read pages of traces and ask nobody."""

from __future__ import annotations

from typing import ClassVar

from cogtrace.annotator.cues.page import PAGE, pages
from cogtrace.records import Annotation, Trace


class PagedAnnotator:
    """Annotates traces a page at a time; what one costs is time alone."""

    page: ClassVar[int] = PAGE  # characters that are read together

    def annotate(self, traces: list[Trace]) -> list[Annotation]:
        """Annotate a batch; one annotation per trace, in the same order."""
        groups = pages(traces, self.page)
        return [annotation for group in groups for annotation in self.annotate_page(group)]

    def annotate_text(self, text: str, question: str | None = None) -> Annotation:
        """Annotate a single text; its id is "text"."""
        return self.annotate_page([Trace(trace_id="text", text=text, question=question)])[0]

    def annotate_page(self, traces: list[Trace]) -> list[Annotation]:
        """Annotate traces that are read together."""
        raise NotImplementedError

    def spent(self) -> None:
        """Return None: nothing is spent but time."""

    def close(self) -> None:
        """Do nothing: there is nothing to let go of."""

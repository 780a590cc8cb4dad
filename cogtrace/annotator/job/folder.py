"""The folder of an annotation job."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

from cogtrace.jobs.folder import Folder

TRACES: Final = "traces"
ANNOTATIONS: Final = "annotations"


class JobFolder(Folder):
    """The folder of an annotation job by its path. Making one touches nothing on disk."""

    TABLES: ClassVar[tuple[str, ...]] = (TRACES, ANNOTATIONS)
    # What an annotator keeps of its own; there before the manifest, for an engine may not start.
    EARLY: ClassVar[tuple[str, ...]] = ("answers.sqlite",)
    VERB: ClassVar[str] = "annotate"

    def __init__(self, path: Path | str) -> None:
        super().__init__(path)
        self.taxonomy = self.path / "taxonomy.json"

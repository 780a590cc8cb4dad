"""The folder of a guidance job."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Final

from cogtrace.jobs.folder import Folder

RUNS: Final = "runs"
PENDING: Final = "pending"


class GuideFolder(Folder):
    """The folder of a guidance job by its path. Making one touches nothing on disk."""

    TABLES: ClassVar[tuple[str, ...]] = (RUNS,)
    VERB: ClassVar[str] = "guide"

    def pending(self, part: int) -> Path:
        """Return the path of what is kept of a part until it is whole."""
        return self.path / PENDING / f"part-{part:05d}.jsonl"

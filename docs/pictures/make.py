"""Draw the picture in the README from the output of scripts/demo.

python docs/pictures/make.py demo-out docs/pictures/show.svg
"""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console

from cogtrace.annotator.job import JobReader
from cogtrace.cli.trace_view import print_trace

ELEMENTS = {"verification", "backtracking", "evaluation", "backward-chaining", "self-awareness"}


def main(folder: str, picture: str) -> None:
    """Show one trace of a job as scripts/demo does, and save the terminal as SVG."""
    screen = Console(record=True, width=100, file=io.StringIO())
    reader = JobReader(folder)
    trace, annotation = reader.find("sample-algorithmic-4")
    print_trace(screen, trace, annotation, reader.taxonomy(), ELEMENTS)
    drawn = screen.export_svg(title="cogtrace show demo-out sample-algorithmic-4")
    # The picture must not load anything: whoever lacks the font sees another one.
    drawn = re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL)
    Path(picture).write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:3])

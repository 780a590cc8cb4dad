"""`cogtrace export`: a job in other forms."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from cogtrace.cli.console import err
from cogtrace.cli.options import JobDir, option


def export(
    folder: JobDir,
    form: Annotated[
        str,
        option(
            "--to",
            metavar="FORM",
            help="jsonl: one annotation a line (or, of `cogtrace guide`, one record); csv: one row "
            "per span; reference: the layout of the public reference code; label-studio: tasks to "
            "correct (and label-studio-config, their interface); docbin: spaCy Docs; w3c: Web "
            "Annotations.",
        ),
    ],
    output: Annotated[
        Path | None,
        option("--output", "-o", metavar="FILE", help="Standard output by default."),
    ] = None,
) -> None:
    """Write the annotations of a job in a form that other programs read.

    **Examples**

    - `cogtrace export demo-out --to jsonl -o annotations.jsonl`

    - `cogtrace export demo-out --to label-studio -o tasks.json`
    """
    from cogtrace.annotator.job import JobReader
    from cogtrace.cli.guide_summary import guided_export, is_guided
    from cogtrace.corpora.writers import find_writer
    from cogtrace.corpora.writers.saving import save
    from cogtrace.errors import OptionError

    kind = find_writer(form)
    if kind.binary and output is None and sys.stdout.isatty():
        raise OptionError(f"--to {form}: is not for a terminal; give a file with --output")
    pieces: Iterable[str | bytes]
    if is_guided(folder):
        pieces = guided_export(folder, form)
    else:
        reader = JobReader(folder)
        pieces = kind.write(reader.pairs(), reader.taxonomy())
    if output is None:
        for piece in pieces:
            if isinstance(piece, bytes):
                sys.stdout.buffer.write(piece)
            else:
                sys.stdout.write(piece)
        return
    save(pieces, output)
    err(f"written to {output}")

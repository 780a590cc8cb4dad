"""`cogtrace export`: a job in other forms."""

from __future__ import annotations

import sys
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
            help="jsonl: one annotation a line; csv: one row per span; reference: the layout "
            "of the public reference code.",
        ),
    ],
    output: Annotated[
        Path | None,
        option("--output", "-o", metavar="FILE", help="Standard output by default."),
    ] = None,
) -> None:
    """Write the annotations of a job in a form that other programs read.

    **Example**

    `cogtrace export demo-out --to jsonl -o annotations.jsonl`
    """
    from cogtrace.annotator.job import JobReader
    from cogtrace.corpora.writers import write_export
    from cogtrace.errors import InputError

    pieces = write_export(JobReader(folder), form)
    if output is None:
        sys.stdout.writelines(pieces)
        return
    # Under another name first: a failed export leaves no half file behind.
    unfinished = output.with_name(f".tmp-{output.name}")
    try:
        with unfinished.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(pieces)
        unfinished.replace(output)
    except OSError as error:
        raise InputError(f"{output}: cannot be written ({error.strerror})") from error
    finally:
        if unfinished.exists():
            unfinished.unlink()
    err(f"written to {output}")

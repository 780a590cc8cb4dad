"""`cogtrace show`: one annotated trace, for eyes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cogtrace.cli.console import console, err, out_json
from cogtrace.cli.options import AsJson, JobDir, option


def show(
    folder: JobDir,
    trace_id: Annotated[
        str | None,
        typer.Argument(metavar="TRACE_ID", help="Which trace; the first one by default."),
    ] = None,
    element: Annotated[
        list[str] | None,
        option("--element", "-e", metavar="ELEMENT", help="Only this element; repeatable."),
    ] = None,
    html: Annotated[
        Path | None,
        option("--html", metavar="FILE", help="Write a page (displaCy) instead."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a trace with its spans, in colours by dimension, or as a page.

    **Example**

    `cogtrace show demo-out sample-logical-1 -e verification -e backtracking`
    """
    from cogtrace.annotator.job import JobReader
    from cogtrace.cli.trace_view import print_trace
    from cogtrace.corpora.pages import write_page
    from cogtrace.errors import InputError

    reader = JobReader(folder)
    trace, annotation = reader.find(trace_id) if trace_id else reader.first()
    taxonomy = reader.taxonomy()
    wanted = {taxonomy.element(name).id for name in element} if element else None
    if as_json:
        out_json({"trace": trace, "annotation": annotation})
    elif html is not None:
        try:
            write_page(html, trace, annotation, taxonomy, wanted)
        except OSError as error:
            raise InputError(f"{html}: cannot be written ({error.strerror})") from error
        err(f"written to {html}")
    else:
        print_trace(console(), trace, annotation, taxonomy, wanted)

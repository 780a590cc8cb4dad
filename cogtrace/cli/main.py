"""The program `cogtrace`: its verbs, and how errors become messages and exit codes.

Exit codes: 0 done; 1 something was quarantined or found wrong; 2 the request cannot be
carried out (missing file, unusable option); 3 stopped early, can be resumed; 130
interrupted with Ctrl-C.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import Annotated

import typer

import cogtrace
from cogtrace.cli import (
    annotate,
    evaluate,
    export,
    formats,
    guide,
    import_,
    plan,
    report,
    show,
    stats,
    status,
    structure,
    taxonomy,
    verify,
)
from cogtrace.cli.console import err, until_read
from cogtrace.cli.flags import spread
from cogtrace.errors import CogtraceError

INTERRUPTED = 130

app = typer.Typer(
    name="cogtrace",
    help="Find cognitive elements in reasoning traces.",
    epilog=(
        "Start with `cogtrace annotate @sample --out demo-out` (a bundled corpus). Every option "
        "can be set by an environment variable, e.g. `COGTRACE_WORKERS=4`."
    ),
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("annotate")(until_read(spread(annotate.annotate)))
app.command("plan")(until_read(spread(plan.plan)))
app.command("guide")(until_read(spread(guide.guide)))
app.command("status")(until_read(status.status))
app.command("verify")(until_read(verify.verify))
app.command("show")(until_read(show.show))
app.command("export")(until_read(export.export))
app.command("import")(until_read(import_.import_))
app.command("formats")(until_read(formats.formats))
app.command("stats")(until_read(stats.stats))
app.command("evaluate")(until_read(evaluate.evaluate))
app.command("report")(until_read(report.report))
app.command("structure")(until_read(structure.structure))
app.add_typer(taxonomy.app, name="taxonomy")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"cogtrace {cogtrace.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Find cognitive elements in reasoning traces."""


def main() -> None:
    """Run the command line and exit with its code."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        app()
    except CogtraceError as error:
        err(f"error: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        err("interrupted")
        sys.exit(INTERRUPTED)


def _terminated(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)

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
from cogtrace.cli.console import err
from cogtrace.cli.options import STYLE
from cogtrace.cli.verbs import VerbGroup
from cogtrace.errors import CogtraceError

INTERRUPTED = 130

app = typer.Typer(
    name="cogtrace",
    cls=VerbGroup,
    help="Find cognitive elements in reasoning traces, and guide models by them.",
    epilog=(
        "Start with `cogtrace annotate @sample --out demo-out` (a bundled corpus). Every option "
        "can be set by an environment variable, e.g. `COGTRACE_WORKERS=4`."
    ),
    no_args_is_help=True,
    **STYLE | {"add_completion": True},
)


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
    """Find cognitive elements in reasoning traces, and guide models by them."""


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

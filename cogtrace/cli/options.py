"""Options: how they are declared, and those that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

# Of the program, of each verb, and of verbs that have verbs of their own.
STYLE: Final[dict[str, Any]] = {
    "rich_markup_mode": "markdown",
    "pretty_exceptions_enable": False,
    "add_completion": False,
    "context_settings": {"help_option_names": ["-h", "--help"]},
}


def option(flag: str, *more: str, **settings: Any) -> Any:
    """Declare an option with an environment variable: COGTRACE_OUT for --out.

    A flag with a counterpart ("--refit/--no-refit") has the variable of its first name.
    One that means something else in another verb needs a variable of its own: ``envvar``.
    """
    name = flag.split("/")[0].strip("-")
    settings.setdefault("envvar", "COGTRACE_" + name.upper().replace("-", "_"))
    return typer.Option(flag, *more, **settings)


def json_file(help: str) -> Any:
    """Declare --json FILE; --json is a flag of other verbs, so COGTRACE_JSON names no file."""
    return option("--json", metavar="FILE", envvar="COGTRACE_JSON_FILE", help=help)


TaxonomyFile = Annotated[
    Path | None,
    option(
        "--taxonomy",
        metavar="FILE",
        help="A taxonomy of your own (file or folder); the bundled one by default.",
    ),
]
AsJson = Annotated[bool, option("--json", help="Print JSON, for scripts.")]
JobDir = Annotated[
    Path,
    typer.Argument(metavar="DIR", help="Folder that was --out of `cogtrace annotate` or `guide`."),
]
Elements = Annotated[str | None, option("--elements", metavar="A,B,…", help="Only these elements.")]
Format = Annotated[
    str | None,
    option("--format", metavar="NAME", help="Format of the inputs, if the name tells none."),
]
Mapping = Annotated[
    list[str] | None,
    option(
        "--map",
        metavar="FIELD=COLUMN",
        help="Which column is which field, e.g. text=response; repeat as needed. "
        "Dots lead into nested values: text=messages.1.content.",
    ),
]

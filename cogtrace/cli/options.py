"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

TaxonomyFile = Annotated[
    Path | None,
    typer.Option(
        "--taxonomy",
        metavar="FILE",
        help="A taxonomy of your own (file or folder); the bundled one by default.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
JobDir = Annotated[
    Path, typer.Argument(metavar="DIR", help="Folder that was --out of 'cogtrace annotate'.")
]

"""`cogtrace package-model`: a trained model as a package that pip installs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cogtrace.cli.console import err
from cogtrace.cli.options import option


def package_model(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL_DIR", help="Folder that was --out of `cogtrace train`.")
    ],
    folder: Annotated[
        Path, option("--out", "-o", metavar="DIR", help="Folder for the package's folder.")
    ],
    name: Annotated[
        str,
        option(
            "--name",
            metavar="NAME",
            envvar="COGTRACE_PACKAGE_NAME",
            help="Name of the package; `spacy.load` takes it with en_ before it.",
        ),
    ] = "cogtrace_model",
    version: Annotated[
        str,
        option("--package-version", metavar="X.Y.Z", help="Version of the package."),
    ] = "1.0.0",
) -> None:
    """Make a spaCy package of a trained model, for pip to install.

    The package holds a pipeline of `trace_sentences` and `trained_elements`; it needs
    cogtrace where it is installed.

    **Examples**

    - `cogtrace package-model my-model -o packages`, then
      `pip install packages/en_cogtrace_model-1.0.0`, and in Python
      `spacy.load("en_cogtrace_model")`
    """
    from cogtrace.training.packaging import package

    made = package(model, folder, name, version)
    err(f"written to {made}; install it with: pip install {made}")

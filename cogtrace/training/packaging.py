"""A trained model as a spaCy package: a folder that pip can install."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast

import cogtrace
from cogtrace.annotator.encoder.files import CONFIG as ENCODER
from cogtrace.errors import OptionError

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,60}")
_VERSION: Final = re.compile(r"\d{1,6}(\.\d{1,6}){1,3}")
# The component is there once its module is imported, whatever spaCy knows of cogtrace.
_REGISTER: Final = "import cogtrace.annotator.components"
_ENCODER: Final = "[encoder]"  # the extra that encoders need
_PYPROJECT: Final = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "{name}"
version = "{version}"
description = "A trained annotator of reasoning traces, as a spaCy pipeline"
requires-python = ">=3.11"
dependencies = ["{needs}"]

[project.entry-points.spacy_models]
{name} = "{name}"

[tool.hatch.build.targets.wheel]
packages = ["{name}"]
"""


def package(model: Path, folder: Path, name: str, version: str) -> Path:
    """Write a spaCy package of the model in a folder, and return its folder.

    Raises:
        ModelError: there is no usable model.
        OptionError: a name or version that no package can have, or one that is there already;
            it is an encoder, and torch or transformers is not installed.
    """
    import spacy
    from spacy.cli.package import package as write_package

    from cogtrace.annotator.components import TrainedElements

    if not _NAME.fullmatch(name):
        raise OptionError(f"--name {name}: small letters, digits and _, a letter first")
    if not _VERSION.fullmatch(version):
        raise OptionError(f"--package-version {version}: numbers with dots, as in 1.0.0")
    made = folder / f"en_{name}-{version}"
    if made.exists():
        raise OptionError(f"{made}: is there already; give another --package-version")
    nlp = spacy.blank("en")
    nlp.add_pipe("trace_sentences")
    trained = cast(TrainedElements, nlp.add_pipe("trained_elements")).from_disk(model)
    needs = f"cogtrace{_ENCODER if (model / ENCODER).is_file() else ''}>={cogtrace.__version__}"
    nlp.meta |= {
        "name": name,
        "version": version,
        "description": f"Elements of the taxonomy {trained.taxonomy.id}, found by a model",
        "license": "",
        "requirements": [needs],
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory() as scratch:
            nlp.to_disk(scratch)
            write_package(
                Path(scratch), folder, name=name, version=version, create_sdist=False, silent=True
            )
        _describe(made, f"en_{name}", version, needs)
    except OSError as error:
        raise OptionError(f"{error.filename}: cannot be written ({error.strerror})") from error
    return made


def _describe(folder: Path, name: str, version: str, needs: str) -> None:
    """Put a pyproject.toml in the place of spaCy's setup.py, which needs an old way of building.

    The entry point is how `spacy.load` knows of the package.
    """
    for old in ("setup.py", "MANIFEST.in"):
        (folder / old).unlink(missing_ok=True)
    (folder / "meta.json").rename(folder / name / "meta.json")  # where spaCy looks for it
    init = folder / name / "__init__.py"
    code = init.read_text(encoding="utf-8")
    init.write_text(f"{_REGISTER}\n{code}", encoding="utf-8")
    # Name and version hold no character that would mean anything here.
    text = _PYPROJECT.format(name=name, version=version, needs=needs)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")

"""Sets of prompt files: the bundled ones by version, or a folder of one's own.

A set is a folder of text files with ``$name`` placeholders. They are filled in one pass:
what stands in a value, be it a dollar sign, is never looked at again.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Final

from cogtrace.errors import OptionError

# The files of a set: placeholders that each must have, and others that it may have.
FILES: Final[dict[str, tuple[str, str]]] = {
    "system": ("evidence reason_chars form quotes shots", "elements"),
    "form": ("", ""),
    "form_quotes": ("", ""),
    "quotes": ("quote_chars", ""),
    "shots": ("shots", ""),
    "shot": ("lines answer", "number title"),
    "trace": ("fence lines problem", "first last total"),
    "problem": ("fence text", ""),
    "element": ("title definition absent partial present", ""),
    "question": ("element", "first last"),
    "questions": ("elements", "first last count"),
    "repair": ("problems", ""),
}


class Templates:
    """The files of a set, checked and ready to be filled."""

    def __init__(self, version: str, texts: dict[str, str]) -> None:
        self.version = version
        self._templates = {name: Template(text) for name, text in texts.items()}
        digest = hashlib.sha256()
        for name in sorted(texts):
            text = texts[name].encode()
            digest.update(f"{name} {len(text)}\n".encode() + text)
        self.sha256 = digest.hexdigest()

    @classmethod
    def load(cls, name_or_folder: str | Path) -> Templates:
        """Return a bundled set by its name, or the set in a folder.

        Raises:
            OptionError: there is none, a file is missing, or one has not the placeholders it
                must have, or others; names file and placeholder.
        """
        folder = _find(name_or_folder)
        return cls(folder.name, {name: _read(folder, name) for name in FILES})

    def fill(self, name: str, **values: object) -> str:
        """Return a file with its placeholders replaced, without blanks at its end."""
        return self._templates[name].substitute(values).rstrip()


def _bundled() -> dict[str, Traversable]:
    folder = files(__package__).joinpath("prompts")
    return {entry.name: entry for entry in folder.iterdir() if entry.is_dir()}


def _find(name_or_folder: str | Path) -> Traversable:
    bundled = _bundled()
    if str(name_or_folder) in bundled:
        return bundled[str(name_or_folder)]
    folder = Path(name_or_folder)
    if folder.is_dir():
        return folder.resolve()
    known = ", ".join(sorted(bundled))
    raise OptionError(
        f"{name_or_folder}: neither a bundled set of prompts ({known}) nor a folder of one's own"
    )


def _read(folder: Traversable, name: str) -> str:
    file = folder.joinpath(f"{name}.txt")
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        wanted = ", ".join(f"{name}.txt" for name in FILES)
        raise OptionError(f"{file}: missing; a set of prompts has the files {wanted}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"{file}: cannot be read ({error})") from error
    text = text.rstrip()
    _check(Template(text), str(file), *(set(names.split()) for names in FILES[name]))
    return text


def _check(template: Template, file: str, required: set[str], optional: set[str]) -> None:
    if not template.is_valid():
        raise OptionError(f"{file}: a dollar sign that begins no placeholder; write it as $$")
    found = set(template.get_identifiers())
    if missing := required - found:
        raise OptionError(f"{file}: lacks ${', $'.join(sorted(missing))}")
    if unknown := found - required - optional:
        known = ", $".join(sorted(required | optional)) or "none"
        raise OptionError(f"{file}: unknown ${', $'.join(sorted(unknown))}; it may have: ${known}")

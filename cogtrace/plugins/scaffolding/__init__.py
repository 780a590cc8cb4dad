"""Writing a package with a guidance plugin in it, for `cogtrace plugins new`.

What is written lies in ``package/``, a file each, with ``.tmpl`` after its name. In names
and texts, words between two @ are replaced: @NAME@, @MODULE@, @CLASS@.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import cogtrace
from cogtrace.errors import InputError, OptionError
from cogtrace.plugins.manager import Extensions, extensions
from cogtrace.plugins.origins import BUILTINS

__all__ = ["Written", "write_package"]

_SUFFIX: Final = ".tmpl"
_NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST: Final = 40  # characters of a name
_TAKEN: Final = frozenset({"pipeline"} | {point.name for point in BUILTINS})


@dataclass(frozen=True, slots=True)
class Written:
    """A package that was written."""

    folder: Path  # of the whole package
    module: Path  # folder of its Python package
    files: tuple[Path, ...]


def write_package(name: str, folder: Path, found: Extensions | None = None) -> Written:
    """Write the package ``cogtrace-NAME`` into a folder.

    Raises:
        OptionError: the name cannot be used; says why.
        InputError: the package is there already, or the folder cannot be written to.
    """
    _check_name(name, found or extensions())
    module = f"cogtrace_{name.replace('-', '_')}"
    words = {
        "NAME": name,
        "MODULE": module,
        "CLASS": "".join(word.capitalize() for word in name.split("-")) + "Guidance",
        "VERSION": ".".join(cogtrace.__version__.split(".")[:2]),
    }
    package = folder / f"cogtrace-{name}"
    if package.exists():
        raise InputError(f"{package} is there already; choose another --dir or another name")
    written = []
    try:
        for template, path in _templates(files(__package__) / "package", package):
            target = Path(_filled(str(path), words))
            target.parent.mkdir(parents=True, exist_ok=True)
            text = _filled(template.read_text(encoding="utf-8"), words)
            target.write_text(text, encoding="utf-8", newline="\n")
            written.append(target)
    except OSError as error:
        raise InputError(f"{package}: cannot be written ({error.strerror})") from error
    return Written(package, package / "src" / module, tuple(sorted(written)))


def _check_name(name: str, found: Extensions) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise OptionError(
            f"{name!r} is no name for a plugin: small letters and digits, words joined by "
            f"hyphens, at most {_LONGEST} characters, e.g. two-views"
        )
    if name.startswith("cogtrace-"):
        raise OptionError(f"{name!r}: leave out cogtrace-, the package has it in front anyway")
    for kind in found.guidance_plugins():
        if kind.name == name:
            raise OptionError(
                f"the guidance plugin {name!r} is there already, from {found.package(kind)}"
            )
    if name in _TAKEN or any(plugin.name == name for plugin in found.plugins):
        raise OptionError(f"the name {name!r} is taken; choose another one")
    module = f"cogtrace_{name.replace('-', '_')}"
    if importlib.util.find_spec(module) is not None or _is_installed(f"cogtrace-{name}"):
        raise OptionError(f"a package cogtrace-{name} is installed already; choose another name")


def _is_installed(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True


def _templates(folder: Traversable, target: Path) -> Iterator[tuple[Traversable, Path]]:
    """Yield each template with the path that its file gets, words not yet replaced."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _templates(entry, target / entry.name)
        elif entry.name.endswith(_SUFFIX):
            yield entry, target / entry.name.removesuffix(_SUFFIX)


def _filled(text: str, words: dict[str, str]) -> str:
    return re.sub(r"@([A-Z]+)@", lambda found: words[found[1]], text)

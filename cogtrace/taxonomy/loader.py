"""Reading taxonomies: the bundled one, or anybody's.

A taxonomy is one JSON file, or a folder with a ``taxonomy.json`` whose elements lie in
``elements/`` next to it, one file each, listed by name under "elements".
"""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import msgspec

from cogtrace import schemas
from cogtrace.errors import TaxonomyError
from cogtrace.taxonomy.misfits import misfits
from cogtrace.taxonomy.model import Taxonomy

BUNDLED = "cognitive"


def load_taxonomy(source: str | Path | None = None) -> Taxonomy:
    """Return a taxonomy: the bundled one, or that in a file or folder.

    Raises:
        TaxonomyError: it cannot be read or breaks its schema; says where.
    """
    if source is None or str(source) == BUNDLED:
        return _bundled()
    return build_taxonomy(read_taxonomy(source), str(source))


def read_taxonomy(source: str | Path | None = None) -> dict[str, Any]:
    """Return a taxonomy as JSON data, its element files put in place, unchecked."""
    if source is None or str(source) == BUNDLED:
        return _assemble(files(__package__).joinpath(BUNDLED))
    path = Path(source)
    try:
        if path.is_dir():
            return _assemble(path)
        data = _read(path)
    except FileNotFoundError as error:
        raise TaxonomyError(f"{error.filename}: no such taxonomy file or folder") from error
    except OSError as error:
        raise TaxonomyError(f"{path}: cannot be read ({error.strerror})") from error
    if not isinstance(data, dict):
        raise TaxonomyError(f"{path}: a taxonomy is a JSON object, not {type(data).__name__}")
    return data


def build_taxonomy(data: dict[str, Any], name: str) -> Taxonomy:
    """Return the taxonomy that ``data`` describes, checked against the schema.

    Raises:
        TaxonomyError: names each place (at most ten) where it breaks the schema.
    """
    found = schemas.problems("taxonomy", data)
    if found:
        lines = "\n".join(f"  {path}: {reason}" for path, reason in found[:10])
        more = f"\n  and {len(found) - 10} more" if len(found) > 10 else ""
        raise TaxonomyError(f"{name}: not a valid taxonomy\n{lines}{more}")
    try:
        taxonomy = msgspec.convert(data, Taxonomy)
    except msgspec.ValidationError as error:
        raise TaxonomyError(f"{name}: not a valid taxonomy\n  {error}") from error
    for place, reason in misfits(taxonomy):
        raise TaxonomyError(f"{name}: not a valid taxonomy\n  {place}: {reason}")
    return taxonomy


@functools.cache
def _bundled() -> Taxonomy:
    # Not checked against the schema on each start, which would cost more than the
    # reading itself; the tests do that.
    return msgspec.convert(read_taxonomy(), Taxonomy)


def _assemble(folder: Traversable | Path) -> dict[str, Any]:
    data = _read(folder.joinpath("taxonomy.json"))
    if not isinstance(data, dict) or not isinstance(data.get("elements"), list):
        raise TaxonomyError(f"{folder}/taxonomy.json: 'elements' must list element names")
    known = {entry.name: entry for entry in folder.joinpath("elements").iterdir()}
    elements = []
    for name in data["elements"]:
        # Names are looked up among the folder's own files: no path in a file is opened.
        entry = known.get(f"{name}.json")
        if entry is None:
            raise TaxonomyError(f"{folder}/elements: {name}.json is missing")
        elements.append(_read(entry))
    return {**data, "elements": elements}


def _read(entry: Traversable | Path) -> Any:
    try:
        data = json.loads(entry.read_text(encoding="utf-8"))
        json.dumps(data, ensure_ascii=False).encode("utf-8")
        return data
    except UnicodeEncodeError as error:
        raise TaxonomyError(f"{entry}: holds half a surrogate pair, no character") from error
    except json.JSONDecodeError as error:
        raise TaxonomyError(
            f"{entry}, line {error.lineno}, column {error.colno}: not valid JSON: {error.msg}"
        ) from error
    except UnicodeDecodeError as error:
        raise TaxonomyError(f"{entry}: not UTF-8 (byte {error.start})") from error
    except RecursionError as error:
        raise TaxonomyError(f"{entry}: not valid JSON: nested too deeply") from error

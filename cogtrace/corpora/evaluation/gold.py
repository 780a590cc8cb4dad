"""Reading a gold, whatever form it is in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from cogtrace.annotator.job import JobFolder
from cogtrace.corpora.evaluation.files import is_table, read_annotations, read_table
from cogtrace.corpora.evaluation.jobs import read_job
from cogtrace.corpora.evaluation.labels import (
    LabelSet,
    crosswalk_elements,
    own_elements,
    translated,
)
from cogtrace.corpora.evaluation.layouts import read_layout
from cogtrace.corpora.importing import Crosswalk
from cogtrace.corpora.readers.streams import open_bytes, require_readable
from cogtrace.errors import InputError
from cogtrace.records import Trace
from cogtrace.taxonomy import Taxonomy

_LINE: Final = 64_000_000  # bytes of the first line, at most
_HEAD: Final = 65_536  # bytes after it


def read_gold(
    path: str,
    taxonomy: Taxonomy,
    *,
    form: str | None = None,
    crosswalk: Crosswalk | None = None,
    texts: Callable[[], Iterable[Trace]] = tuple,
) -> LabelSet:
    """Read a gold: a job folder, a table, annotations a line, or a layout of another program.

    ``form`` is the name of a reader that gives annotations; without one the layout is told
    by the file's name and how it begins. ``texts`` gives traces, for a layout without text.

    Raises:
        InputError: it cannot be read, or in no form that is known.
        JobError: a folder is no job.
        UnknownElement: a label is no element, and there is no crosswalk.
        OptionError: there is no such form.
    """
    if form is None and Path(path).is_dir() and JobFolder(path).is_job():
        return _of_job(path, taxonomy, crosswalk)
    name = form or _layout(path)
    if name is not None:
        from cogtrace.plugins import extensions

        kind = extensions().reader(name, "annotations")
        return read_layout(kind, path, taxonomy, crosswalk, () if kind.texts else texts())
    found = read_table(path) if is_table(path) else read_annotations(path)
    return translated(found, _elements(taxonomy, crosswalk))


def _of_job(path: str, taxonomy: Taxonomy, crosswalk: Crosswalk | None) -> LabelSet:
    job = read_job(path)
    names: dict[str, Sequence[str]] = {}
    if crosswalk is not None:  # its labels are names of elements of a taxonomy of their own
        names = {e.id: (e.name, *e.aliases) for e in job.taxonomy.elements}
    return translated(job.labels(), _elements(taxonomy, crosswalk), names)


def _elements(taxonomy: Taxonomy, crosswalk: Crosswalk | None) -> Callable[[str], Sequence[str]]:
    return own_elements(taxonomy) if crosswalk is None else crosswalk_elements(taxonomy, crosswalk)


def _layout(path: str) -> str | None:
    """Return the reader that a file's beginning tells; None for a table or annotations.

    Raises:
        InputError: it cannot be opened, or tells nothing.
    """
    if Path(path).is_dir():
        return "reference"
    if is_table(path):
        require_readable(path)
        return None
    require_readable(path)
    with open_bytes(path) as stream:
        first = stream.readline(_LINE).lstrip(b"\xef\xbb\xbf \t")
        head = first[:_HEAD] + stream.read(_HEAD)
    if head.lstrip().startswith(b"["):
        return "label-studio"
    try:
        row = msgspec.json.decode(first)
    except (msgspec.MsgspecError, RecursionError):
        # No whole object on the first line: one object over many lines, or a very long line.
        return "reference" if b'"element_annotation"' in head else None
    if not isinstance(row, dict):
        raise InputError(f"{path}: begins with no object; say what it is with --gold-format NAME")
    for key, name in (("sentences", "schoenfeld"), ("nodes", "reasoningflow")):
        if isinstance(row.get(key), list):
            return name
    if "annotations" in row and "data" in row:
        return "label-studio"
    if row and all(isinstance(v, dict) and "element_annotation" in v for v in row.values()):
        return "reference"
    return None

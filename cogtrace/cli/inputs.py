"""Inputs of the command line, opened."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cogtrace.cli.console import err

if TYPE_CHECKING:
    from cogtrace.corpora.readers import Input
    from cogtrace.records import SourceRow


@dataclass(frozen=True, slots=True)
class Opened:
    """The rows of all inputs, and what was recognised in each."""

    names: list[str]  # as given
    sources: list[Input]
    columns: list[dict[str, str]]  # which column is which field
    overrides: dict[str, str]
    rows: Iterable[SourceRow]

    def warn_of_empty(self) -> None:
        """Say which inputs held no row; to be called when all were read."""
        for source in self.sources:
            if not source.rows:
                err(f"warning: {source.path}: no rows in it")


def read_inputs(names: list[str], form: str | None, mapping: list[str] | None) -> Opened:
    """Open inputs, and say which columns were recognised.

    Raises:
        InputError: one of them cannot be read at all.
        OptionError: a mapping that is none.
    """
    from cogtrace.corpora.readers import open_inputs, parse_mapping, preview, read_traces
    from cogtrace.corpora.sample import SAMPLE_NAME, sample_path

    overrides = parse_mapping(mapping or [])
    paths = [str(sample_path()) if name == SAMPLE_NAME else name for name in names]
    sources = open_inputs(paths, form)
    rows = read_traces(sources, overrides)
    # The first row is read before anything is written: a stream shows its columns late.
    rows = itertools.chain(list(itertools.islice(rows, 1)), rows)
    columns = [source.columns or preview(source, overrides) for source in sources]
    shown = set()
    for source, found in zip(sources, columns, strict=True):
        text = ", ".join(f"{name}={column}" for name, column in found.items())
        if text and text not in shown:
            err(f"{Path(source.path).name}: columns {text}")
            shown.add(text)
    return Opened(names, sources, columns, overrides, rows)

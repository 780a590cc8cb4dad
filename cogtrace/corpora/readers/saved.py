"""Hugging Face datasets, as `Dataset.save_to_disk` leaves them in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from cogtrace.corpora.readers.raw import RawRow
from cogtrace.errors import InputError, OptionError

_ROWS: Final = 1_024  # held in memory at a time


def saved_rows(path: str) -> Iterator[RawRow]:
    """Read the rows of a saved dataset, of all its splits one after another.

    Rows are numbered over all splits. A row of several splits knows its own, as "split".

    Raises:
        OptionError: the package `datasets` is not installed.
        InputError: the folder holds no saved dataset.
    """
    number = 0
    for split, dataset in _splits(path):
        # Tables as they lie on disk: images and sounds are not decoded for their text.
        for table in dataset.with_format("arrow").iter(batch_size=_ROWS):
            for row in table.to_pylist():
                number += 1
                yield RawRow(number, row if split is None else {"split": split, **row})


def _splits(path: str) -> list[tuple[str | None, Any]]:
    try:
        from datasets import DatasetDict, load_from_disk
    except ImportError as error:
        raise OptionError(
            "--format datasets: needs the package datasets; pip install 'cogtrace[datasets]'"
        ) from error
    try:
        found = load_from_disk(path)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: no dataset that save_to_disk left ({type(error).__name__}: {error})"
        ) from error
    return list(found.items()) if isinstance(found, DatasetDict) else [(None, found)]

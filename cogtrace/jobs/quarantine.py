"""The quarantine: rows that came to nothing, and why, as far as the ledger says they count."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from cogtrace.errors import JobDamaged
from cogtrace.records import Quarantined


def read_quarantine(path: Path, size: int) -> Iterator[Quarantined]:
    """Yield the rows in the first ``size`` bytes of a quarantine; none if it is not there.

    Raises:
        JobDamaged: a row cannot be read.
    """
    if not size or not path.exists():
        return
    with path.open("rb") as file:
        while file.tell() < size:
            try:
                yield msgspec.json.decode(file.readline(), type=Quarantined)
            except msgspec.MsgspecError as error:
                raise JobDamaged(f"{path}: unreadable ({error})") from error

"""What polars raises where a file cannot be read."""

from __future__ import annotations

from typing import Final

import polars as pl

# Some damage makes polars panic, which it raises as what is no Exception.
UNREADABLE: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)

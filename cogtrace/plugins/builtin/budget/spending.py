"""What a finished run spent on each of its tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from cogtrace.errors import OptionError

Count = Literal["all", "completion"]


def spent_by_task(folder: str, count: Count) -> dict[str, int]:
    """Return the tokens that a run spent per task, all plugins together.

    Raises:
        OptionError: the folder holds no run of `cogtrace guide`, or one that cannot be read.
    """
    import polars as pl

    from cogtrace.jobs.damage import UNREADABLE

    parts = sorted(Path(folder, "runs").glob("part-*.parquet"))
    if not parts:
        raise OptionError(f"like {folder}: holds no run; give --out of a finished `cogtrace guide`")
    names = (
        ["completion_tokens"] if count == "completion" else ["prompt_tokens", "completion_tokens"]
    )
    usage = pl.element().struct
    tokens = pl.sum_horizontal(
        pl.col("usage_by_plugin").list.eval(usage.field(name)).list.sum() for name in names
    )
    try:
        rows = pl.scan_parquet(parts).select("task_id", tokens=tokens).collect().iter_rows()
    except UNREADABLE as error:
        first = (str(error).splitlines() or [""])[0]
        raise OptionError(f"like {folder}: cannot be read ({first})") from error
    return {str(task_id): int(spent or 0) for task_id, spent in rows}

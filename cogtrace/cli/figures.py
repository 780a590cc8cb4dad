"""Options of the verbs that show figures of a corpus, declared once; see `flags.spread`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cogtrace.cli.options import option

if TYPE_CHECKING:
    from cogtrace.corpora.statistics import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureFlags:
    """Of which traces figures are computed, by which groups, and how."""

    by: Annotated[
        str | None,
        option(
            "--by",
            metavar="A,B,…",
            help="Also for each group: columns of the traces, keys of their meta, folder, "
            "annotator. `report` takes the model unless told, where there are 2 to 30.",
        ),
    ] = None
    where: Annotated[
        list[str] | None,
        option(
            "--where",
            metavar="COLUMN=VALUE,…",
            help="Only these traces; also != < <= > >=, shell patterns, null. Repeat as needed.",
        ),
    ] = None
    compare: Annotated[
        str | None,
        option(
            "--compare",
            metavar="A,B",
            help="Compare two values of a column, raw and at equal length; shell patterns are "
            "allowed: `human_*,*` is people against all others.",
        ),
    ] = None
    compare_by: Annotated[
        str, option("--compare-by", metavar="COLUMN", help="The column of --compare.")
    ] = "model"
    evaluation: Annotated[
        Path | None,
        option(
            "--evaluation",
            metavar="FILE",
            help="JSON of `cogtrace evaluate`: also show shares corrected for the annotator's "
            "errors and, in reports, how far it can be trusted.",
        ),
    ] = None
    bootstrap: Annotated[
        int, option("--bootstrap", min=0, max=100_000, help="Draws for intervals; 0: none.")
    ] = 1_000
    seed: Annotated[int, option("--seed", help="Of all that is drawn.")] = 0
    min_n: Annotated[
        int, option("--min-n", min=0, help="Mark figures that rest on fewer traces.")
    ] = 20

    def settings(self) -> Settings:
        """Return what is to be computed.

        Raises:
            OptionError: the options do not go together.
        """
        from cogtrace.corpora.statistics import Settings
        from cogtrace.errors import OptionError

        asked = self.compare
        sides = [name.strip() for name in (asked or "").split(",")]
        if asked is not None and (len(sides) != 2 or not all(sides) or sides[0] == sides[1]):
            raise OptionError(f"--compare {asked}: give two different values, e.g. human,model")
        columns = [name.strip() for name in (self.by or "").split(",") if name.strip()]
        return Settings(
            by=tuple(dict.fromkeys(columns)),
            compare=None if asked is None else (sides[0], sides[1]),
            compare_by=self.compare_by,
            bootstrap=self.bootstrap,
            seed=self.seed,
            min_n=self.min_n,
            evaluation=None if self.evaluation is None else str(self.evaluation),
        )

"""A comparison as lines of text, for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from cogtrace.experiments.words import SURE, finds, leaning, verdict
from cogtrace.printable import one_line, printable

if TYPE_CHECKING:
    from cogtrace.experiments.records import (
        ArmFigure,
        Comparison,
        DifferenceFigure,
        Tournament,
        UptakeFigure,
    )

_LONGEST: Final = 40  # characters of a name
_FEW: Final = 10  # questions of a problem type that is shown
_FLIPS: Final = 5  # tasks named of each kind


def lines(found: Comparison) -> Iterator[str]:
    """Yield all that fits a screen."""
    width = max(len(one_line(row.arm, _LONGEST)) for row in found.arms) + 2
    counts, setting = found.counts, found.setting
    yield (
        f"{len(found.arms)} arms on the same {counts.compared:,} tasks ({counts.questions:,} "
        f"questions); model {one_line(setting.model or 'not the same')}; graded: {setting.grade}"
    )
    if found.counts.compared:
        yield finds(found.forecast)
        yield ""
        yield from _arms(found.arms, width)
        yield ""
        yield from _differences(found)
    if found.by_type:
        yield ""
        yield from _by_type(found.by_type, width)
    if found.claims or found.uptake:
        yield ""
        yield from _uptake(found)
    if found.tournament is not None:
        yield ""
        yield from _tournament(found.tournament, width)
    if found.judging is not None:
        yield ""
        yield leaning("rubric", found.judging.judged, found.judging.agreed, found.judging.first)
    yield ""
    yield from _flips(found)
    yield from (printable(f"note: {note}") for note in found.notes)
    yield "all figures: --json; a report with the tasks that flipped: --report FILE.html"


def _arms(rows: list[ArmFigure], width: int) -> Iterator[str]:
    heads = ("right", "accuracy [95 %]", "no answer", "failed", "tokens", "calls", "seconds")
    sizes = (13, 23, 10, 7, 10, 7, 8)
    yield f"{'arm':{width}}" + _cells(heads, sizes) + f"{'tokens per right':>18}"
    for row in rows:
        cells = (
            f"{row.right:,}/{row.n:,}",
            f"{_share(row.accuracy)} [{_share(row.low)}, {_share(row.high)}]",
            f"{row.unanswered:,}",
            f"{row.failed:,}",
            _number(row.tokens),
            _number(row.calls, 1),
            _number(row.seconds, 2),
        )
        last = _number(row.tokens_per_right)
        yield f"{one_line(row.arm, _LONGEST):{width}}" + _cells(cells, sizes) + f"{last:>18}"
    yield "tokens, calls and seconds (of the model) per task; no answer and failed count as wrong"


def _differences(found: Comparison) -> Iterator[str]:
    names = [_pair(row.arm, row.other) for row in found.differences]
    width = max((len(name) for name in names), default=0) + 2
    sizes = (26, 15, 16)
    heads = ("difference [95 %]", "only it/other", "p (adjusted)")
    yield f"{'difference in points':{width}}" + _cells(heads, sizes) + "  tokens"
    for name, row in zip(names, found.differences, strict=True):
        cells = (
            f"{_points(row.difference)} [{_points(row.low)}, {_points(row.high)}]",
            f"{row.only_arm:,}/{row.only_other:,}",
            f"{_p(row.p)} ({_p(row.p_adjusted)})",
        )
        ratio = "–" if row.token_ratio is None else f"{row.token_ratio:.1f}×"
        yield f"{name:{width}}" + _cells(cells, sizes) + f"  {ratio:>6}  {verdict(row)}"
        if row.left_out:
            yield (
                f"{'':{width}}  without {row.left_out:,} tasks that failed in either: "
                f"{_points(row.without_failed)}"
            )
    yield (
        "only it/other: tasks that only one of the two got right; p: exact, of these "
        f"({found.differences[0].test if found.differences else 'mcnemar'}); adjusted: Holm, for "
        "the arms compared with the same one"
    )


def _by_type(rows: list[DifferenceFigure], width: int) -> Iterator[str]:
    enough = [row for row in rows if row.questions >= _FEW]
    few = len({row.problem_type for row in rows}) - len({row.problem_type for row in enough})
    more = f"; {few} types of fewer than {_FEW} questions: --json" if few else ""
    yield f"by problem type, against {one_line(rows[0].other, _LONGEST)}{more}"
    for row in enough:
        where = f"[{_points(row.low)}, {_points(row.high)}]"
        yield (
            f"  {one_line(row.problem_type or '', 24):24} {one_line(row.arm, _LONGEST):{width}}"
            f"{row.n:>6,} {_points(row.difference):>7} {where:16} p {_p(row.p_adjusted)}  "
            f"{verdict(row)}"
        )


def _uptake(found: Comparison) -> Iterator[str]:
    yield "what changed in the reasoning (share of answers' texts that show an element, in points)"
    if not found.claims:
        yield "  no plugin of any arm says that it raises an element"
    known = {(row.arm, row.element, row.method): row for row in found.uptake}
    for claim in found.claims:
        raw, matched = (known.get((claim.arm, claim.element, m)) for m in ("raw", "matched"))
        yield printable(f"  {claim.arm}: {claim.words}")
        if raw is not None and raw.first_change is not None:
            yield f"    first shown {_moved(raw)}; at equal length {_moved(matched)}"
    surprising = [
        row
        for row in found.uptake
        if row.method == "matched"
        and not row.claimed
        and row.arm not in found.setting.control
        and row.p_adjusted is not None
        and row.p_adjusted < SURE
    ]
    for row in surprising:
        yield (
            f"  {one_line(row.arm, _LONGEST)}: {row.element} {_points(row.change)} "
            f"[{_points(row.low)}, {_points(row.high)}] at equal length, which no plugin claims"
        )


def _moved(row: UptakeFigure | None) -> str:
    if row is None or row.first_change is None:
        return "–"
    ends = f"[{_points(row.first_low)}, {_points(row.first_high)}]"
    way = "later" if row.first_change > 0 else "earlier"
    return f"{abs(100 * row.first_change):.1f} % of the text {way} {ends}"


def _tournament(found: Tournament, width: int) -> Iterator[str]:
    yield (
        f"pairs on {found.tasks:,} tasks, judged by {one_line(found.judge, _LONGEST)}: "
        f"{found.games:,} games, {found.ties:,} ties, {found.left_out:,} left out"
    )
    sizes = (7, 25, 24)
    yield f"{'arm':{width}}" + _cells(("games", "score [95 %]", "Glicko-2 [95 %]"), sizes)
    for row in sorted(found.ratings, key=lambda row: -row.rating):
        cells = (
            f"{row.games:,}",
            f"{_share(row.score)} [{_share(row.score_low)}, {_share(row.score_high)}]",
            f"{row.rating:.0f} [{row.rating_low:.0f}, {row.rating_high:.0f}]",
        )
        yield f"{one_line(row.arm, _LONGEST):{width}}" + _cells(cells, sizes)
    if found.bias is not None:
        yield leaning("order", found.bias.judged, found.bias.agreed, found.bias.first)


def _flips(found: Comparison) -> Iterator[str]:
    for arm in dict.fromkeys(flip.arm for flip in found.flips):
        for gained, what in ((True, "gained"), (False, "lost")):
            ids = [f.task_id for f in found.flips if f.arm == arm and f.gained == gained]
            if ids:
                shown = ", ".join(one_line(name, _LONGEST) for name in ids[:_FLIPS])
                more = f" and {len(ids) - _FLIPS:,} more" if len(ids) > _FLIPS else ""
                yield f"{what} by {one_line(arm, _LONGEST)}: {shown}{more}"


def _pair(arm: str, other: str) -> str:
    return f"{one_line(arm, _LONGEST)} – {one_line(other, _LONGEST)}"


def _cells(values: tuple[str, ...], sizes: tuple[int, ...]) -> str:
    return "".join(f"{value:>{size}}" for value, size in zip(values, sizes, strict=True))


def _share(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"


def _points(value: float | None) -> str:
    return "–" if value is None else f"{100 * value + 0:+.1f}"


def _number(value: float | None, digits: int = 0) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _p(value: float | None) -> str:
    if value is None:
        return "–"
    return "<0.001" if value < 0.001 else f"{value:.3f}"

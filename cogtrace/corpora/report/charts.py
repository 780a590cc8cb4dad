"""The shapes of our charts, by Altair; colours are those of the page (`cogtrace.sections`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cogtrace.errors import OptionError

KIND_COLOURS: Final = ("var(--c0)", "var(--c1)", "var(--c2)")
_SHAPES: Final = ("circle", "diamond", "square")
_MARK: Final = 13  # height of a row, for each mark in it
_WIDTH: Final = 420
_NARROW: Final = 150  # of panels that stand side by side
_CURVE: Final = (190, 60)

Datum = Mapping[str, Any]


def altair() -> Any:
    """Return the library that charts are made with.

    Raises:
        OptionError: it is not installed.
    """
    try:
        import altair
        import vl_convert  # noqa: F401 - what draws them; better missed here than later
    except ImportError as error:
        raise OptionError(
            "charts need altair and vl-convert: pip install 'cogtrace[report]' (--format md and "
            "json do without)"
        ) from error
    return altair


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The horizontal axis of an interval chart."""

    title: str | list[str]  # several: one below the other
    domain: tuple[float, float]
    format: str = "%"
    log: bool = False
    reference: float | None = None  # where a line stands: no difference, no association
    values: tuple[float, ...] | None = None  # of the ticks
    labels: str | None = None  # a Vega expression for them


def intervals(
    panels: Sequence[tuple[str, Sequence[str], Sequence[Datum]]],
    scale: Scale,
    kinds: Sequence[str],
) -> dict[str, Any]:
    """Return points with intervals, a row per name; panels stand one above the other.

    A panel has a title, its rows in order, and data with ``y`` (the row), ``x``, ``low``
    and ``high`` (or None), and ``kind``, which tells two marks of a row apart.
    """
    alt = altair()
    last = len(panels) - 1
    charts = [
        _panel(title, order, data, scale, kinds, axis=place == last)
        for place, (title, order, data) in enumerate(panels)
    ]
    stacked = alt.vconcat(*charts, spacing=14).resolve_scale(
        color="shared", shape="shared", yOffset="shared"
    )
    found: dict[str, Any] = stacked.to_dict()
    return found


def beside(
    columns: Sequence[tuple[Sequence[Datum], Scale]], order: Sequence[str], kinds: Sequence[str]
) -> dict[str, Any]:
    """Return the same rows once for each figure, side by side; data as for `intervals`."""
    alt = altair()
    charts = [
        _panel("", order, data, scale, kinds, names=place == 0, width=_NARROW)
        for place, (data, scale) in enumerate(columns)
    ]
    joined = alt.hconcat(*charts, spacing=22).resolve_scale(color="shared", shape="shared")
    found: dict[str, Any] = joined.to_dict()
    return found


def _panel(
    title: str,
    order: Sequence[str],
    data: Sequence[Datum],
    scale: Scale,
    kinds: Sequence[str],
    axis: bool = True,
    names: bool = True,
    width: int = _WIDTH,
) -> Any:
    alt = altair()
    x = alt.X(
        "x:Q",
        title=scale.title if axis else None,
        scale=alt.Scale(
            domain=list(scale.domain),
            type="log" if scale.log else "linear",
            clamp=True,
            nice=False,
        ),
        axis=alt.Axis(
            format=scale.format,
            labels=axis,
            ticks=axis,
            domain=axis,
            **({} if scale.labels is None else {"labelExpr": scale.labels}),
            **({"tickCount": 5} if scale.values is None else {"values": list(scale.values)}),
        ),
    )
    places = {
        "y": alt.Y(
            "y:N",
            sort=list(order),
            title=None,
            scale=alt.Scale(domain=list(order)),
            axis=alt.Axis(labels=names),
        ),
        "yOffset": alt.YOffset(
            "kind:N", sort=list(kinds), scale=alt.Scale(domain=list(kinds), paddingOuter=0.35)
        ),
        "color": alt.Color(
            "kind:N",
            sort=list(kinds),
            title=None,
            scale=alt.Scale(domain=list(kinds), range=list(KIND_COLOURS[: len(kinds)])),
            legend=alt.Legend(orient="top", symbolOpacity=1) if len(kinds) > 1 else None,
        ),
    }
    shape = alt.Shape(
        "kind:N",
        sort=list(kinds),
        title=None,
        scale=alt.Scale(domain=list(kinds), range=list(_SHAPES[: len(kinds)])),
    )
    base = alt.Chart(alt.Data(values=list(data)))
    bars = base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2, opacity=0.65)
    layers = [
        bars.encode(x=x, x2="high:Q", **places).transform_calculate(x="datum.low"),
        base.mark_point(filled=True, size=52, opacity=1).encode(x=x, shape=shape, **places),
    ]
    if scale.reference is not None:
        line = alt.Chart(alt.Data(values=[{"x": scale.reference}]))
        layers.insert(0, line.mark_rule(color="var(--muted)", strokeDash=[4, 3]).encode(x=x))
    title_params = alt.TitleParams(title, anchor="start", frame="group") if title else ""
    chart = alt.layer(*layers).properties(
        width=width, height=_MARK * max(2, len(kinds)) * max(1, len(order))
    )
    return chart.properties(title=title_params) if title else chart


def heat_map(
    data: Sequence[Datum],
    *,
    x: Sequence[str],
    y: Sequence[str],
    most: float = 1.0,
    cell: tuple[int, int] = (44, 22),
    titles: tuple[str | None, str | None] = (None, None),
    angle: int = -40,
) -> dict[str, Any]:
    """Return a grid of cells, the stronger the larger ``value`` (``most`` is the strongest).

    Data have ``x``, ``y``, ``value`` from 0 and ``text``, which is written into the cell.
    """
    alt = altair()
    base = alt.Chart(alt.Data(values=list(data))).encode(
        x=alt.X(
            "x:N",
            sort=list(x),
            title=titles[0],
            scale=alt.Scale(domain=list(x)),
            axis=alt.Axis(orient="top", labelAngle=angle, labelLimit=260, grid=False, domain=False),
        ),
        y=alt.Y(
            "y:N",
            sort=list(y),
            title=titles[1],
            scale=alt.Scale(domain=list(y)),
            axis=alt.Axis(grid=False, domain=False),
        ),
    )
    strength = alt.Opacity(
        "value:Q", scale=alt.Scale(domain=[0, most], range=[0.04, 1], clamp=True), legend=None
    )
    cells = base.mark_rect(color="var(--heat)", stroke="var(--bg)", strokeWidth=1).encode(
        opacity=strength
    )
    words = base.mark_text(color="var(--fg)", fontSize=11, opacity=1).encode(text="text:N")
    chart = alt.layer(cells, words).properties(
        width=cell[0] * max(1, len(x)), height=cell[1] * max(1, len(y))
    )
    found: dict[str, Any] = chart.to_dict()
    return found


def curves(data: Sequence[Datum], order: Sequence[str], even: float) -> dict[str, Any]:
    """Return small curves, one per name in ``order``, with a dashed line at ``even``.

    Data have ``panel`` (the name), ``x`` and ``y`` from 0 to 1, ``low`` and ``high``.
    """
    alt = altair()
    x = alt.X(
        "x:Q",
        title=None,
        scale=alt.Scale(domain=[0, 1], nice=False),
        axis=alt.Axis(format="%", values=[0, 0.5, 1], grid=False),
    )
    y = alt.Y("y:Q", title=None, axis=alt.Axis(format="%", tickCount=3))
    base = alt.Chart()
    band = base.mark_area(color="var(--c0)", opacity=0.22).encode(
        x=x, y=alt.Y("low:Q", title=None), y2="high:Q"
    )
    line = base.mark_line(color="var(--c0)", strokeWidth=2).encode(x=x, y=y)
    level = base.mark_rule(color="var(--muted)", strokeDash=[3, 3]).encode(y=alt.YDatum(even))
    width, height = _CURVE
    chart = (
        alt.layer(level, band, line, data=alt.Data(values=list(data)))
        .properties(width=width, height=height)
        .facet(
            facet=alt.Facet(
                "panel:N",
                sort=list(order),
                title=None,
                header=alt.Header(labelAnchor="start", labelLimit=width + 30),
            ),
            columns=3,
            spacing={"row": 14, "column": 36},
        )
    )
    found: dict[str, Any] = chart.to_dict()
    return found


def reliability(data: Sequence[Datum]) -> dict[str, Any]:
    """Return confidence against the share that is right, points the larger the more there are.

    Data have ``x`` and ``y`` from 0 to 1, and ``n``.
    """
    alt = altair()
    unit = alt.Scale(domain=[0, 1], nice=False)
    x = alt.X("x:Q", title="confidence", scale=unit, axis=alt.Axis(format="%", tickCount=5))
    y = alt.Y("y:Q", title="share right", scale=unit, axis=alt.Axis(format="%", tickCount=5))
    even = alt.Chart(alt.Data(values=[{"x": 0, "y": 0}, {"x": 1, "y": 1}]))
    base = alt.Chart(alt.Data(values=list(data))).encode(x=x, y=y)
    chart = alt.layer(
        even.mark_line(color="var(--muted)", strokeDash=[4, 3], strokeWidth=1).encode(x=x, y=y),
        base.mark_line(color="var(--c0)", strokeWidth=1.5, opacity=0.6),
        base.mark_circle(color="var(--c0)", opacity=1).encode(
            size=alt.Size(
                "n:Q",
                title="spans",
                scale=alt.Scale(range=[30, 400], zero=True),
                legend=alt.Legend(tickCount=3, symbolFillColor="var(--c0)"),
            )
        ),
    ).properties(width=260, height=260)
    found: dict[str, Any] = chart.to_dict()
    return found

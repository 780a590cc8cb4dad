"""What tokens cost, from options or from a table of prices.

No prices come with cogtrace: they differ by contract, and change.
"""

from __future__ import annotations

import difflib
import math
from pathlib import Path
from typing import TYPE_CHECKING

from cogtrace.errors import OptionError

if TYPE_CHECKING:
    from cogtrace.cli.flags import BudgetFlags
    from cogtrace.jobs.budget import Prices


def prices_for(model: str, budget: BudgetFlags) -> Prices | None:
    """Return what a model costs: as options say, else as the table does; None if neither.

    Raises:
        OptionError: one price without the other, or a table that is unusable or lacks
            the model.
    """
    from cogtrace.jobs.budget import Prices

    given = (budget.price_in, budget.price_out)
    if budget.price_in is not None and budget.price_out is not None:
        return Prices(input=budget.price_in, output=budget.price_out, cached=budget.price_cached)
    if given != (None, None):
        raise OptionError("--price-in and --price-out: give both (0 where something is free)")
    if budget.price_cached is not None:
        raise OptionError("--price-cached: needs --price-in and --price-out")
    if budget.prices is None:
        return None
    return _priced(model, read_prices(budget.prices), budget.prices)


def read_prices(path: Path) -> dict[str, Prices]:
    """Return a table of prices: by model, of a million tokens.

    Raises:
        OptionError: it cannot be read, or is not as it should be; says where.
    """
    import msgspec

    from cogtrace.jobs.budget import Prices

    try:
        table = msgspec.json.decode(path.read_bytes(), type=dict[str, msgspec.Raw])
    except OSError as error:
        raise OptionError(f"--prices {path}: cannot be read ({error.strerror})") from error
    except msgspec.MsgspecError as error:
        raise OptionError(f"--prices {path}: not a JSON object by model ({error})") from error
    found = {}
    for model, entry in table.items():
        try:
            prices = msgspec.json.decode(entry, type=Prices)
        except msgspec.MsgspecError as error:
            raise OptionError(
                f"--prices {path}: {model}: {error}; an entry is like "
                '{"input": 1, "output": 2, "cached": 0.5}, the last one if you like'
            ) from error
        for name, price in msgspec.structs.asdict(prices).items():
            if price is not None and not (price >= 0 and math.isfinite(price)):
                raise OptionError(f"--prices {path}: {model}: {name} {price:g} is no price")
        found[model] = prices
    return found


def _priced(model: str, table: dict[str, Prices], path: Path) -> Prices:
    if model in table:
        return table[model]
    if not model:
        raise OptionError(f"--prices {path}: --model says which of them; give it")
    near = difflib.get_close_matches(model, table, 3, 0.5) or list(table)[:3]
    known = f"it has {', '.join(near)}" if near else "it is empty"
    more = ", …" if len(table) > len(near) else ""
    raise OptionError(f"--prices {path}: no price of {model!r}; {known}{more}")

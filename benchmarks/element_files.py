"""The element files of the bundled taxonomy, as the fitting programs write them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

ELEMENTS: Final = Path(__file__).parents[1] / "cogtrace" / "taxonomy" / "cognitive" / "elements"
_ORDER: Final = ("partial", "present", "span", "before", "after", "screen")


def update_scoring(element: str, changes: dict[str, float | None]) -> None:
    """Change scoring parameters of an element, on a line of their own; None removes one."""
    path = ELEMENTS / f"{element}.json"
    text = path.read_text(encoding="utf-8")
    found = json.loads(text).get("scoring", {}) | changes
    scoring = {name: found[name] for name in _ORDER if found.get(name) is not None}
    line = f'  "scoring": {json.dumps(scoring)},\n'
    text = re.sub(r'^  "scoring": .*\n', "", text, flags=re.MULTILINE)
    path.write_text(text.replace('  "examples": [', f'{line}  "examples": [', 1), encoding="utf-8")

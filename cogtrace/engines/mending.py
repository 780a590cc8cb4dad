"""Making JSON of an answer that is JSON but for raw control characters in its strings.

Grammars that hold a model to a schema may let it write a tab or another control character
into a string as it is (xgrammar 0.2.8 does in strings with a maximal length). Python and
most other readers refuse that. Both engines mend it: a server passes on what its grammar
let through.
"""

from __future__ import annotations

import json
import re
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x1f]")


def mended_json(text: str) -> str:
    """Return the same JSON with control characters escaped; anything else as it is."""
    if not _CONTROL.search(text):
        return text
    try:
        value = json.loads(text, strict=False)
    except ValueError:
        return text  # cut short, or no JSON at all: for the reader to judge
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

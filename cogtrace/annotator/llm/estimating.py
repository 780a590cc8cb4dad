"""How many tokens a text may have, where no tokenizer says it."""

from __future__ import annotations

import re
from typing import Final

_LOWER: Final = b"abcdefghijklmnopqrstuvwxyz"
_UPPER: Final = _LOWER.upper()
_BLANKS: Final = b" \t\n\r"
_CONTROLS: Final = bytes(set(range(32)) - set(_BLANKS)) + b"\x7f"

# What the bytes of a text cost, in hundredths of a token. English words have four to five
# letters and are seldom more than one token; capitals stand in names of variables and in
# encoded data; several tokenizers spend a token on each digit. Outside ASCII the first
# byte of a character stands for all of it: Latin with accents, Cyrillic and Arabic have
# two bytes, most other scripts three, emoji and mathematical alphabets four.
_ASCII: Final = (
    (_LOWER, 27),
    (_UPPER, 55),
    (b"0123456789", 100),
    (_BLANKS, 6),
    (_CONTROLS, 300),  # shown as pictures
)
_MARK: Final = 85  # any other ASCII character
_WIDE: Final = (
    (bytes(range(0x80, 0xC0)), 0),
    (bytes(range(0xC0, 0xE0)), 100),
    (bytes(range(0xE0, 0xF0)), 150),
    (bytes(range(0xF0, 0x100)), 300),
)
# Blanks that are a token of their own: line ends, and what is no single space between words.
_GAPS: Final = re.compile(rb"\n+| +(?=[0-9\n])|  +|\t+")
_GAP: Final = 100


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has, rather too many than too few.

    The same everywhere, in linear time. Set by measuring three tokenizers (o200k, cl100k
    and Qwen 2.5) on 218 English reasoning traces, where it comes to 1.0 to 1.65 times the
    true number, at the median 1.25 times: mathematics is met closely, plain prose and code
    get up to a half too many. Russian, Arabic, Chinese and Japanese get 1.1 to 3 times the
    true number. Too few are counted for Latin letters in languages of long words (Finnish
    and Basque a fifth to a third), a few scripts with older tokenizers, and random letters
    (half).
    """
    data = text.encode("utf-8", "replace")
    rest = len(data)
    cost = _GAP * len(_GAPS.findall(data))
    for characters, weight in _ASCII if rest == len(text) else _ASCII + _WIDE:
        number = len(data) - len(data.translate(None, characters))
        cost += number * weight
        rest -= number
    return -(-(cost + rest * _MARK) // 100)

"""How many tokens a text may have, where no tokenizer says it."""

from __future__ import annotations

from typing import Final

# What a character costs, in hundredths of a token, by its first byte; the key stands for
# all of its kind. English words have four to five letters and are seldom more than one
# token; capitals stand in names of variables and in encoded data; several tokenizers spend
# a token on each digit. Latin with accents, Cyrillic and Arabic have two bytes, most other
# scripts three, emoji and mathematical alphabets four.
_KINDS: Final = {
    b"a": (b"abcdefghijklmnopqrstuvwxyz", 27),
    b"A": (b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", 55),
    b"0": (b"0123456789", 100),
    b" ": (b" \t\r", 6),
    b"\n": (b"\n", 106),
    b"c": (bytes(set(range(32)) - set(b"\t\r\n")) + b"\x7f", 300),  # shown as pictures
    b"2": (bytes(range(0xC0, 0xE0)), 100),
    b"3": (bytes(range(0xE0, 0xF0)), 150),
    b"4": (bytes(range(0xF0, 0x100)), 300),
}
_FURTHER_BYTES: Final = bytes(range(0x80, 0xC0))
_MARK: Final = 85  # any other ASCII character: punctuation
# Blanks that are a token of their own, and line ends that are not.
_PAIRS: Final = {b" 0": 100, b"  ": 50, b"\n\n": -106}


def _table() -> bytes:
    table = bytearray(b"." * 256)
    for kind, (members, _) in _KINDS.items():
        for member in members:
            table[member] = kind[0]
    return bytes(table)


_TABLE: Final = _table()


def estimate_tokens(text: str) -> int:
    """Return about how many tokens a text has, rather too many than too few.

    The same everywhere, in linear time. Set by measuring three tokenizers (o200k, cl100k
    and Qwen 2.5) on 218 English reasoning traces, where it comes to 1.0 to 1.63 times the
    true number, at the median 1.25 times: mathematics is met closely, plain prose gets up
    to a half too many, indented code three quarters. Russian, Arabic, Chinese and Japanese
    get 1.1 to 3 times the true number. Too few are counted for Latin letters in languages
    of long words (Finnish and Basque a fifth to a third), for a few scripts with older
    tokenizers (up to half), and for random letters (half).
    """
    kinds = text.encode("utf-8", "replace").translate(_TABLE, _FURTHER_BYTES)
    cost = kinds.count(b".") * _MARK
    for kind, (_, weight) in _KINDS.items():
        cost += kinds.count(kind) * weight
    for pair, weight in _PAIRS.items():
        cost += kinds.count(pair) * weight
    return -(-cost // 100)

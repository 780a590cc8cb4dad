r"""Keeping a trace from being taken for anything but data.

A trace is shown between two lines that carry a random code, and each of its sentences
after a number in brackets. `neutralise` changes what could be mistaken for these, or for
the marks by which models tell messages apart; served models read such marks as the real
thing wherever they stand. Changes are small, visible and each in one place:

* ``[12]`` where a line begins, as our numbers stand, becomes ``(12)``;
* ``<trace-…>``, ``</problem-…>`` and whatever else bears a code like theirs, chat marks and
  think tags change the brackets around them: ``‹think›``, ``‹/s›``, ``‹|im_start|›``,
  ``(INST)``; so do their forms in full-width and other compatibility characters;
* control characters become their pictures (U+2400…), marks that reorder or end lines and
  invisible tags become escapes (``\u202e``), half a surrogate pair becomes U+FFFD, and
  the line end CR LF becomes LF, which alone is not counted.

Brackets are swapped one for one, so words copied from the shown text are found again in
the original by folding or approximate matching. The list of marks is not, and cannot be,
complete: it is the random code that says where a trace ends.
"""

from __future__ import annotations

import functools
import re
import secrets
import unicodedata
from typing import Final

# Invisible characters that scripts and emoji need; they stay, and hide no look-alike.
_INVISIBLE: Final = r"\u00ad\u034f\u200b-\u200f\u2061-\u2064\ufe00-\ufe0f"
_BLANK: Final = rf"[ \t\u00a0{_INVISIBLE}]"

_HIDDEN_SET: Final = (
    r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u2028-\u202e\u2060\u2065-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e0fff"
)
_HIDDEN: Final = re.compile(f"[{_HIDDEN_SET}]")
# Without any of these there is nothing to change: hidden characters and opening brackets.
_SUSPECT: Final = re.compile(rf"[{_HIDDEN_SET}<＜﹤\[［﹇【〔⟦〚❲]|[\]］﹈】〕⟧〛❳]~")

_SHAPES: Final = {"|": "│∣ǀ❘⏐", "_": "▁", "[": "【〔⟦〚❲", "]": "】〕⟧〛❳"}

_TAGS: Final = r"""
    think(?:ing)? | thoughts? | reasoning | reflection | scratchpad | answer | solution
  | system | sys | user | assistant | human | developer | instructions?
  | tools? | tool[_-](?:calls?|responses?|results?|outputs?|code) | function[_-]calls?
  | s | bos | eos | pad | unk | mask | sep | cls | sop | eop | endoftext
  | (?:start|end|begin|beginning)_of_\w{1,24} | [a-z_]{1,24}_token
  | unused_?\d{1,6} | extra_id_\d{1,6} | reserved_\w{1,24} | special_\d{1,6} | 0x[0-9a-f]{2}
  | fim[_-](?:prefix|middle|suffix|pad) | file_?name | repo_?name
  | (?:trace|problem)[^<>‹›\n]{0,64} | \w{1,24}-[0-9a-f]{8}
"""

# Each of these matches an opening bracket alone and only looks at what follows, so that no
# match can hide another one. Swapped brackets count as brackets in between, or a second
# pass would find more than the first.
_ANGLE: Final = re.compile(
    rf"""<(?: (?=[{_INVISIBLE}]{{0,8}}\|
                 (?:[^<>‹›\n|]{{1,64}}\|[{_INVISIBLE}]{{0,8}} | [\w:-]{{1,32}}) (?P<close>>))
            | (?={_BLANK}{{0,8}}/?{_BLANK}{{0,8}} (?:seed:)?(?:{_TAGS}) {_BLANK}{{0,8}}/?(?P<tag>>))
            | (?=[^<>‹›\s|]{{1,24}}\|(?P<bar>>))
          )""",
    re.VERBOSE | re.IGNORECASE,
)
_SQUARE: Final = re.compile(
    r"""\[(?: (?=/?(?:INST|SYS|SYSTEM|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_\w{1,16}|THINK|ARGS
                    |CALL_ID|IMG\w{0,8}|g?MASK|s?MASK|PAD|CLS|SEP|UNK|BOS|EOS)(?P<close>\]))
            | (?=\|[\w ]{1,24}\|(?P<bar>\]))
            | (?=e~\[)
          )
      | \](?=~!?b[\[\]])""",
    re.VERBOSE,
)
# A number in brackets, after nothing but blanks, quotation marks, marks of lists and what
# stands for hidden characters.
_LABEL: Final = re.compile(
    rf"""^(?:{_BLANK}|[>*+\-\#|"'`_~.:\u2400-\u2421\ufffd]|\\u[0-9a-f]{{4}}|\\U[0-9a-f]{{8}})*+
         (?P<open>\[) {_BLANK}{{0,8}} \d++ {_BLANK}{{0,8}} (?P<close>\])""",
    re.VERBOSE | re.MULTILINE,
)
_SWAPPED: Final = {"<": "‹", ">": "›", "[": "(", "]": ")"}


def new_fence() -> str:
    """Return a fresh code for the lines around a trace: eight hexadecimal digits."""
    return secrets.token_hex(4)


def neutralise(text: str) -> tuple[str, int]:
    """Return a text fit to be shown to a model, and how many look-alikes were changed.

    What is changed is said in the module's description. The start of ``text`` counts as
    the start of a line. Neutralising again changes nothing.
    """
    if not _SUSPECT.search(text):
        return text, 0
    text = text.replace("\r\n", "\n")
    text, count = _HIDDEN.subn(_visible, text)
    # The same text, character by character, with compatibility forms made plain.
    plain = text if text.isascii() else text.translate(_plain_forms())
    changes: dict[int, str] = {}
    if "<" in plain:
        for match in _ANGLE.finditer(plain):
            count += _mark(changes, plain, match.start(), match, ("close", "tag", "bar"))
    if "[" in plain or "]~" in plain:
        for match in _SQUARE.finditer(plain):
            count += _mark(changes, plain, match.start(), match, ("close", "bar"))
        for match in _LABEL.finditer(plain):
            count += _mark(changes, plain, match.start("open"), match, ("close",))
    if not changes:
        return text, count
    characters = list(text)
    for at, character in changes.items():
        characters[at] = character
    return "".join(characters), count


def _mark(
    changes: dict[int, str], plain: str, at: int, match: re.Match[str], groups: tuple[str, ...]
) -> bool:
    """Note the brackets of a look-alike; say whether its opening one was not noted yet."""
    is_new = at not in changes
    changes[at] = _SWAPPED[plain[at]]
    for group in groups:
        closing = match.start(group)
        if closing >= 0:
            changes[closing] = _SWAPPED[plain[closing]]
    return is_new


def _visible(match: re.Match[str]) -> str:
    code = ord(match.group())
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


@functools.cache
def _plain_forms() -> dict[int, str]:
    """Map characters to the ASCII ones that tokenizers or readers take them for."""
    forms = {}
    # All characters with a compatibility form of one ASCII character lie below.
    for code in range(0x80, 0x1FC00):
        if 0x3400 <= code < 0xF900:
            continue
        folded = unicodedata.normalize("NFKC", chr(code))
        if len(folded) == 1 and folded.isascii():
            forms[code] = folded
    for plain, alike in _SHAPES.items():
        forms |= dict.fromkeys(map(ord, alike), plain)
    return forms

r"""Numbers as people and models write them: units, fractions, percent, thousands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from cogtrace.grading.normalising import normalise

# Two numbers are the same if they differ by no more than this share of the larger one: less
# than honest rounding to seven figures, more than what floating point adds.
TOLERANCE: Final = Fraction(1, 1_000_000)

_MOST_CHARS: Final = 200  # of an answer that is taken for a number
_MOST_EXPONENT: Final = 400
_SIGN = r"(?P<sign>[+-])?\s*"
_MONEY = r"(?P<money>[$€£¥]|usd|eur|gbp)?\s*"
# Thousands by comma, blank or apostrophe; a comma before one or two last digits is a decimal one.
_PLAIN = r"\d+,\d{1,2}(?!\d)|\d{1,3}(?:[, ']\d{3})+(?:\.\d+)?|\d+(?:\.\d*)?|\.\d+"
_NUMBER: Final = re.compile(
    rf"{_SIGN}{_MONEY}(?P<sign2>-)?\s*"
    rf"(?:(?P<whole>\d{{1,12}})[ +](?P<up>\d{{1,12}})\s*/\s*(?P<down>\d{{1,12}})"
    rf"|(?P<whole3>\d{{1,12}})?\s*\\frac\s*\{{\s*(?P<sign3>-)?\s*(?P<up3>\d{{1,60}})\s*\}}\s*"
    r"\{\s*(?P<down3>\d{1,60})\s*\}"
    rf"|(?P<one>{_PLAIN})\s*/\s*(?P<other>{_PLAIN})"
    rf"|(?P<plain>{_PLAIN}))"
    r"(?:\s*e\s*(?P<power>[+-]?\d{1,6})|\s*[x*]\s*10\s*\^\s*\{?\s*(?P<power2>[+-]?\s*\d{1,6})\s*\}?)?"
    r"\s*(?P<unit>[^\d\s][^\d=<>]{0,59}[²³\d]?)?",
)
_NAME: Final = re.compile(
    r"(?:[a-z](?:_\{?\w{1,3}\}?)?|[a-z ]{1,40}\b(?:is|are))\s*(?:=|:|(?<=is)|(?<=are))\s*"
)
_ABOUT: Final = re.compile(r"(?:approximately|approx\.?|about|roughly|exactly|≈|~)\s*")
# What a unit may look like: "km/h", "m^2", "square feet", "apples per box", "%".
_UNIT: Final = re.compile(
    r"[^\W\d_]+(?:\^?-?\d)?(?:(?: ?[/*] ?| )[^\W\d_]+(?:\^?-?\d)?){0,5}|[%°$€£¥]|° ?[cfk]"
)
# Words so short are names of variables more often than units; these are units.
_SHORT: Final = frozenset(
    "m g s h l w v j c f km cm mm nm kg mg lb oz ml dl cl ft in mi yd hz kw mw mv ma pa mb gb tb "
    "kb ms ns hr am pm of".split()
)
_NO_UNITS: Final = frozenset(
    "pi sqrt sin cos tan cot sec log exp mod div and not but nor plus minus times over factorial "
    "choose infinity inf root squared cubed dozen".split()
)
_SCALES: Final = {
    "hundred": 10**2,
    "thousand": 10**3,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
_UNITS: Final = {
    "percent": "%",
    "per cent": "%",
    "pct": "%",
    "degrees": "°",
    "degree": "°",
    "deg": "°",
    "dollars": "$",
    "dollar": "$",
    "usd": "$",
    "euros": "€",
    "euro": "€",
    "eur": "€",
    "pounds": "£",
    "gbp": "£",
    "kilometres": "km",
    "kilometers": "km",
    "metres": "m",
    "meters": "m",
    "centimetres": "cm",
    "centimeters": "cm",
    "kilograms": "kg",
    "grams": "g",
    "hours": "h",
    "hour": "h",
    "hrs": "h",
    "minutes": "min",
    "seconds": "s",
    "sec": "s",
}


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its unit; no unit: ""."""

    value: Fraction
    unit: str = ""


def number(answer: str) -> Number | None:
    r"""Return the number that an answer is, or None if it is more than one number and a unit.

    >>> number(r"x = \frac{3}{4}").value, number("1 3/4").value, number("$1,250.50").unit
    (Fraction(3, 4), Fraction(7, 4), '$')
    """
    if len(answer) > 4 * _MOST_CHARS:
        return None
    text = normalise(answer)
    if len(text) > _MOST_CHARS:
        return None
    text = _ABOUT.sub("", _NAME.sub("", text, count=1) if _NAME.match(text) else text, count=1)
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    words, scale = _scaled(found["unit"] or "")
    value = _value(found)
    unit = _unit(words, found["money"] or "")
    if value is None or unit is None:
        return None
    return Number(value * scale, unit)


def same_number(one: Number, other: Number) -> bool:
    """Say whether two numbers are the same within `TOLERANCE`.

    A unit that only one of them has does not count; two must agree. A percentage equals
    the bare number before its sign and the fraction it stands for: 50% is 50 and 0.5.
    """
    if one.unit and other.unit and one.unit != other.unit:
        return False
    if close(one.value, other.value):
        return True
    if one.unit == "%" and not other.unit:
        return close(one.value / 100, other.value)
    if other.unit == "%" and not one.unit:
        return close(one.value, other.value / 100)
    return False


def close(one: Fraction, other: Fraction) -> bool:
    """Say whether two values differ by no more than `TOLERANCE` of the larger one."""
    return abs(one - other) <= TOLERANCE * max(abs(one), abs(other))


def _value(found: re.Match[str]) -> Fraction | None:
    power = int((found["power"] or found["power2"] or "0").replace(" ", ""))
    if abs(power) > _MOST_EXPONENT:
        return None
    try:
        value = _bare_value(found)
    except ZeroDivisionError:
        return None
    minus = sum(found[name] == "-" for name in ("sign", "sign2", "sign3")) % 2
    return (-value if minus else value) * Fraction(10) ** power


def _bare_value(found: re.Match[str]) -> Fraction:
    if found["up"] is not None:
        return int(found["whole"]) + Fraction(int(found["up"]), int(found["down"]))
    if found["up3"] is not None:
        return int(found["whole3"] or 0) + Fraction(int(found["up3"]), int(found["down3"]))
    if found["one"] is not None:
        return _plain(found["one"]) / _plain(found["other"])
    return _plain(found["plain"])


def _plain(text: str) -> Fraction:
    if re.fullmatch(r"\d+,\d{1,2}", text):
        return Fraction(text.replace(",", "."))
    return Fraction(re.sub("[, ']", "", text))


def _scaled(words: str) -> tuple[str, int]:
    """Return a unit without the scale it begins with, and that scale: "million dollars"."""
    first, _, rest = words.partition(" ")
    return (rest, _SCALES[first]) if first in _SCALES else (words, 1)


def _unit(text: str, money: str) -> str | None:
    """Return a unit in one form; None if it is no unit but more of a formula."""
    text = text.strip(" .,;:()")
    if not text:
        return _UNITS.get(money, money)
    if text in _UNITS:
        return _UNITS[text]
    if not _UNIT.fullmatch(text):
        return None
    words = re.findall(r"[^\W\d_]+", text)
    if any(word in _NO_UNITS or (len(word) < 3 and word not in _SHORT) for word in words):
        return None
    text = text.replace("^", "")
    if words and len(words[-1]) > 3 and text.endswith("s") and not text.endswith("ss"):
        text = text[:-1]
    return _UNITS.get(text, text)

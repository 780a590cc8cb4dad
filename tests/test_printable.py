"""Nothing that is shown may steer a terminal or hide what it says."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from cogtrace.printable import json_printable, one_line, printable


@given(st.text())
def test_printable_text_holds_no_control_but_line_breaks_and_tabs(text: str) -> None:
    shown = printable(text)
    assert {c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs")} <= {"\n", "\t"}


def test_line_breaks_and_tabs_stay_whatever_else_a_text_holds() -> None:
    assert printable("é\n\tb") == "é\n\tb"


@given(st.text(), st.integers(1, 30))
def test_one_line_is_one_line_of_so_many_characters_at_most(text: str, longest: int) -> None:
    shown = one_line(f"a\n{text}\u2028b", longest)

    assert len(shown.splitlines()) == 1
    assert len(shown) <= longest
    assert not {c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs")}


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_printable_json_means_the_same_and_holds_no_control(text: str) -> None:
    shown = json_printable(json.dumps({"text": text}, ensure_ascii=False, indent=1))

    assert json.loads(shown) == {"text": text}
    assert {c for c in shown if unicodedata.category(c) in ("Cc", "Cf")} <= {"\n"}

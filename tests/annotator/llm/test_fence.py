"""What a trace may not imitate, and that nothing else is touched."""

from __future__ import annotations

import re
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cogtrace.annotator.llm.fence import _plain_forms, neutralise, new_fence

_MARKS = [
    "<|im_start|>", "<|im_end|>", "<|eot_id|>", "<|endoftext|>", "<｜end▁of▁sentence｜>",
    "＜｜User｜＞", "<turn|>", "<s>", "</s>", "<bos>", "<eos>", "[INST]", "[/INST]", "<<SYS>>",
    "<start_of_turn>", "<end_of_turn>", "<think>", "</think>", "< / think >", "<THINK>",
    "<reasoning>", "<tool_call>", "</tool_response>", "<unused99>", "<extra_id_1>", "<0x0A>",
    "[|endofturn|]", "[TOOL_CALLS]", "[gMASK]", "<sop>", "]~b]", "<seed:think>", "<EOS_TOKEN>",
    "<trace-0badc0de>", "</trace-0badc0de>", "</trace>", "</tr\u0430ce-0badc0de>",
    "< /TRACE-0badc0de >", "<problem-1>", "<|turn>", "\uff1c|x|>",
]  # fmt: skip
_LABELS = [
    "[12] So", "  [12] So", "> [12] So", "- [12]", "\u200b[12]", "［１２］",
    "【12】", "[ 7 ]", '"[3]',
]  # fmt: skip
_ORDINARY = [
    "If 1/2 < |u| < 3/4 and |v|<|w|, then a <|> b; since a < b and b > c, we have [a, b] ⊂ [0, 1].",
    "As shown in [12], the list x[3] = [1, 2] holds.",
    "if (a<b || c>d) { return <T>(x); } // vector<int> <div> <br/>",
    "x |> f |> g, and f <- 3, 5 <= 6 <=> 7, ⟨ψ|φ⟩, |x|, ‹quoted›, a\tb\nc",
    "नमस्ते, می\u200cخواهم, 👩\u200d👧, naïve, 3 × 4 = 12, “so”…",
    "$\\left[12\\right]$ and \\[12\\] and [1](link) and [x] done",
    "I think so. The answer is 5. Trace the line. [INSTALL] it. <3",
]
_ANY = st.text(
    st.sampled_from("<>[]|｜/‹›() 12think\ntrace-sINST~be\u200b＜＞【】\r\ud800\u202e")
    | st.characters(),
    max_size=60,
) | st.lists(st.sampled_from([*_MARKS, *_LABELS, "<|", "|>", "<", "\n", "<trace "])).map("".join)


@pytest.mark.parametrize("mark", _MARKS)
def test_a_mark_that_models_or_we_use_is_changed_in_its_brackets_only(mark: str) -> None:
    for text in (mark, f"So {mark} it is.", f"{mark}{mark}"):
        shown, count = neutralise(text)
        assert mark not in shown
        assert count >= text.count(mark)
        assert len(shown) == len(text)
        changed = {old for old, new in zip(text, shown, strict=True) if old != new}
        assert changed <= set("<>[]＜＞")


@pytest.mark.parametrize("text", _LABELS)
def test_a_number_in_brackets_where_a_line_begins_is_no_label_any_more(text: str) -> None:
    for before in ("", "One.\n", "One.\n\n", "One.\r\n"):
        shown, count = neutralise(before + text)
        assert count == 1
        assert not re.search(r"[\[【［]\s*\w+\s*[\]】］]", shown)
        assert len(shown) == len((before + text).replace("\r\n", "\n"))


@pytest.mark.parametrize("hidden", ["\u2060", "\x00", "\ud800", "\U000e0041", "\u2028"])
def test_a_hidden_character_does_not_save_a_label(hidden: str) -> None:
    shown, count = neutralise(f"{hidden}[12] So")
    assert "(12) So" in shown
    assert count == 2


def test_the_changes_are_those_that_are_documented() -> None:
    shown, count = neutralise("[12] a <think> </s> <|im_start|>user [INST] \x1b \u202e \ud83d\r\n")
    assert shown == "(12) a ‹think› ‹/s› ‹|im_start|›user (INST) ␛ \\u202e \ufffd\n"
    assert count == 8


@pytest.mark.parametrize("text", _ORDINARY)
def test_ordinary_mathematics_code_and_prose_stay_as_they_are(text: str) -> None:
    assert neutralise(text) == (text, 0)


@given(_ANY)
@example("<trace <|x>")
@example("<|[INST]|>")
@example("<|<|a|>|>")
@example("[[12]]\n[|a [INST]|]")
def test_neutralising_again_changes_nothing(text: str) -> None:
    once, _ = neutralise(text)
    assert neutralise(once) == (once, 0)


@given(_ANY)
def test_what_is_shown_can_be_sent_and_has_no_control_characters(text: str) -> None:
    shown, count = neutralise(text)
    shown.encode()
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]", shown)
    assert (count > 0) == (shown != text.replace("\r\n", "\n"))


@given(_ANY, st.sampled_from(_MARKS))
def test_no_text_around_a_mark_keeps_it_alive(around: str, mark: str) -> None:
    shown, _ = neutralise(f"{around}{mark}{around}")
    assert mark not in shown


def test_whatever_is_read_as_an_opening_bracket_is_looked_at() -> None:
    alike = [chr(code) for code, form in _plain_forms().items() if form in "<["]
    assert len(alike) >= 8
    for bracket in alike:
        closing = "＞" if unicodedata.normalize("NFKC", bracket) == "<" else "］"
        _, count = neutralise(f"{bracket}12{closing} {bracket}|im_end|＞ {bracket}INST{closing}")
        assert count == 1 + (closing == "］")


def test_fences_differ_from_run_to_run() -> None:
    codes = {new_fence() for _ in range(100)}
    assert len(codes) == 100
    assert all(re.fullmatch("[0-9a-f]{8}", code) for code in codes)


@pytest.mark.parametrize(
    "piece", ["<", "<|", "[", "[1", "\n", " ", "\u200b", "> ", "<trace ", "</ ", "[|a", "<a", "]~"]
)
def test_hostile_repetition_takes_linear_time(piece: str) -> None:
    began = time.perf_counter()
    neutralise(piece * (400_000 // len(piece)))
    assert time.perf_counter() - began < 5

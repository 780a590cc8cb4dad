"""The scripted engine: rules, made-up answers, counted tokens."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogtrace.engines.base import EngineSettings, Message, Request, Result, TokenUsage
from cogtrace.engines.counting import BLOCK, PrefixCache, blocks, count, cut, pieces
from cogtrace.engines.filling import UnsupportedSchema, smallest, varied
from cogtrace.engines.scripted import ScriptedEngine
from cogtrace.errors import EngineError, OptionError

ANSWER = {
    "type": "object",
    "properties": {
        "evidence": {
            "type": "array",
            "maxItems": 4,
            "items": {
                "type": "array",
                "items": {"type": "integer", "minimum": 3, "maximum": 12},
                "minItems": 2,
                "maxItems": 2,
            },
        },
        "reason": {"type": "string", "maxLength": 80},
        "score": {"enum": [0, 1, 2]},
    },
    "required": ["evidence", "reason", "score"],
    "additionalProperties": False,
}


def ask(
    text: str, schema: dict[str, Any] | None = None, *, key: str = "", limit: int = 500
) -> Request:
    messages = (Message(role="system", content="Be brief."), Message(role="user", content=text))
    return Request(messages=messages, max_tokens=limit, schema=schema, key=key)


def run(engine: ScriptedEngine, *requests: Request) -> list[Result]:
    async def go() -> list[Result]:
        await engine.start()
        return await engine.complete(requests)

    return asyncio.run(go())


def built(model: Path | str = "", **arguments: Any) -> ScriptedEngine:
    return ScriptedEngine(EngineSettings(model=str(model), arguments=arguments))


@pytest.fixture
def rules_file(tmp_path: Path) -> Callable[[object], Path]:
    def write(data: object) -> Path:
        path = tmp_path / "rules.json"
        path.write_text(data if isinstance(data, str) else json.dumps(data), encoding="utf-8")
        return path

    return write


def test_the_first_rule_that_matches_decides() -> None:
    engine = ScriptedEngine.from_rules(
        [
            {"when": "sky", "answer": "blue", "reasoning": "I look up."},
            {"when": "(?i)SKY|sea", "answer": {"colour": "é"}},
            {"when": "brief", "in": "prompt", "answer": "{", "finish": "length"},
        ],
    )

    sky, sea, other = run(engine, ask("the sky"), ask("Sea"), ask("brie"))

    assert (sky.text, sky.finish, sky.reasoning) == ("blue", "stop", "I look up.")
    assert sea.text == '{"colour":"é"}'
    assert (other.text, other.finish) == ("{", "length")


def test_a_rule_is_searched_in_the_last_user_message_only() -> None:
    messages = (
        Message(role="user", content="one"),
        Message(role="assistant", content="two"),
        Message(role="user", content="three"),
    )
    request = Request(messages=messages, max_tokens=50)
    rules = [{"when": "one|two", "answer": "wrong"}, {"when": "three", "answer": "right"}]

    (result,) = run(ScriptedEngine.from_rules(rules), request)

    assert result.text == "right"


def test_without_a_matching_rule_the_default_and_then_the_schema_is_filled() -> None:
    rules = [{"when": "leave it"}]

    (default,) = run(ScriptedEngine.from_rules([], default=[1]), ask("?", ANSWER))
    (left,) = run(ScriptedEngine.from_rules(rules, default=[1]), ask("leave it", ANSWER))
    (filled,) = run(ScriptedEngine.from_rules([]), ask("?", ANSWER))
    (free,) = run(ScriptedEngine.from_rules([]), ask("?"))

    assert default.text == "[1]"
    assert left.text == filled.text == '{"evidence":[],"reason":"","score":0}'
    assert free.text == "ok"


def test_a_rule_can_fail_a_request_without_harm_to_the_others() -> None:
    failures = ["overloaded", {"kind": "too-long", "message": "too much"}]
    rules = [{"when": f"^{n}$", "failure": failure} for n, failure in enumerate(failures)]

    first, second, good = run(ScriptedEngine.from_rules(rules), ask("0"), ask("1"), ask("2"))

    assert first.finish == second.finish == "failed"
    assert first.failure is not None
    assert first.failure.passing
    assert second.failure is not None
    assert (second.failure.kind, second.failure.message) == ("too-long", "too much")
    assert (good.finish, good.failure) == ("stop", None)


def test_a_function_answers_and_what_it_raises_fails_one_request() -> None:
    def answer(request: Request) -> str | Result | None:
        text = request.messages[-1].content
        if text == "raise":
            raise KeyError("gone")
        return Result(text="mine", usage=TokenUsage(prompt=9)) if text == "result" else text * 2

    results = run(ScriptedEngine.from_function(answer), ask("raise"), ask("result"), ask("ab"))

    assert results[0].failure is not None
    assert results[0].failure.message == "the script raised KeyError: 'gone'"
    assert (results[1].text, results[1].usage) == ("mine", TokenUsage(prompt=9))
    assert results[2].text == "abab"


def test_a_file_of_rules_is_read_and_its_content_names_the_model(
    rules_file: Callable[[object], Path],
) -> None:
    path = rules_file({"rules": [{"when": "a", "answer": "A"}], "default": "none"})
    engine = built(path)
    info = asyncio.run(engine.start())

    assert [result.text for result in run(engine, ask("a"), ask("b"))] == ["A", "none"]
    assert (info.engine, info.model) == ("scripted", "rules.json")
    rules_file({"rules": [], "default": "none"})
    assert asyncio.run(built(path).start()).version != info.version


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("{", r"rules.json, line 1, column 2: not valid JSON"),
        ("[" * 100_000, r"rules.json: not valid JSON"),
        ([], r"rules.json: not valid rules: Expected `object`, got `array`"),
        ({"rules": [{"when": "a"}, {"answer": 1}]}, r"required field `when` - at `\$.rules\[1\]`"),
        ({"rules": [{"when": "a", "wenn": 1}]}, r"unknown field `wenn` - at `\$.rules\[0\]`"),
        ({"rules": [{"when": "("}]}, r"rules\[0\].when: not a regular expression: missing \)"),
        ({"rules": [{"when": "", "failure": "bad luck"}]}, r"at `\$.rules\[0\].failure`"),
        ({"rules": [{"when": "", "failure": "timeout", "answer": 1}]}, "both an answer and a"),
        ({"rules": [{"when": "", "finish": "failed", "answer": 1}]}, 'needs a "failure"'),
        ({"rules": [{"when": "", "finish": "length"}]}, "finish and reasoning need an answer"),
        ({"rules": [{"when": "", "in": "page"}]}, r"Invalid enum value 'page' - at .*\.in`"),
    ],
)
def test_a_bad_file_of_rules_is_refused_and_the_place_is_named(
    rules_file: Callable[[object], Path], data: object, message: str
) -> None:
    with pytest.raises(EngineError, match=message):
        asyncio.run(built(rules_file(data)).start())


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"none.json: cannot be read \(No such file"):
        asyncio.run(built(tmp_path / "none.json").start())


def test_a_file_that_was_not_read_yet_is_missed(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"start\(\) comes first"):
        asyncio.run(built(tmp_path / "rules.json").complete([ask("a")]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sed": 1}, "--engine-arg sed: unknown; scripted has fill, seed, latency_ms"),
        ({"seed": "many"}, r"Expected `int`, got `str` - at `\$.seed`"),
        ({"fill": "huge"}, "Invalid enum value 'huge'"),
    ],
)
def test_a_bad_argument_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        built(**arguments)


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": {"a": 1}}, {"a": 1}),
        ({"enum": ["b", "a"]}, "b"),
        ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None),
        ({"type": ["string", "null"], "minLength": 2}, "xx"),
        ({"type": "integer", "minimum": 5}, 5),
        ({"type": "integer", "exclusiveMinimum": 5, "multipleOf": 4}, 8),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "number", "minimum": 0.5}, 0.5),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 1}, 0.5),
        ({"type": "boolean"}, False),
        ({"type": "array", "items": {"type": "integer"}}, []),
        ({"prefixItems": [{"const": 1}], "items": {"const": 2}, "minItems": 3}, [1, 2, 2]),
        ({"properties": {"a": {"type": "null"}, "b": {}}, "required": ["a"]}, {"a": None}),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"const": 1}}}, 1),
        (ANSWER, {"evidence": [], "reason": "", "score": 0}),
    ],
)
def test_the_smallest_instance_is_valid_and_what_one_expects(
    schema: dict[str, Any], value: object
) -> None:
    assert smallest(schema) == value
    jsonschema.validate(value, schema)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "string", "pattern": "^a$"}, "the keyword 'pattern' is not understood"),
        ({"type": "string", "format": "date"}, "the keyword 'format' is not understood"),
        ({"allOf": [{}]}, "the keyword 'allOf'"),
        ({"$ref": "https://example.org/s"}, "leads out of the schema"),
        ({"$ref": "#/$defs/none"}, "leads nowhere"),
        ({"$ref": "#"}, "more than 64 schemas within each other"),
        ({"enum": []}, "an empty enum"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "no multiple of 1 is within"),
        ({"type": "number", "exclusiveMinimum": 2, "maximum": 2}, "no number lies between"),
        ({"type": "complex"}, "the type 'complex'"),
        ({"type": "array", "items": False, "minItems": 1}, "a schema that is False"),
    ],
)
def test_a_schema_that_is_not_understood_fails_its_request_and_says_why(
    schema: dict[str, Any], message: str
) -> None:
    with pytest.raises(UnsupportedSchema, match=message.replace("$", r"\$")):
        smallest(schema)
    (bad, good) = run(built(), ask("a", schema), ask("b", ANSWER))
    assert bad.failure is not None
    assert bad.failure.kind == "rejected"
    assert message in bad.failure.message
    assert good.failure is None


def _schemas() -> st.SearchStrategy[dict[str, Any]]:
    bounds = st.tuples(st.integers(-9, 9), st.integers(0, 9))
    leaves = st.one_of(
        bounds.map(lambda b: {"type": "integer", "minimum": b[0], "maximum": b[0] + b[1]}),
        bounds.map(lambda b: {"type": "number", "minimum": b[0], "maximum": b[0] + b[1]}),
        bounds.map(lambda b: {"type": "string", "minLength": abs(b[0]), "maxLength": 9 + b[1]}),
        st.lists(st.integers(), min_size=1).map(lambda values: {"enum": values}),
        st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"const": "c"}, {}]),
    )

    def around(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
        names = st.dictionaries(st.sampled_from("abcde"), inner)
        return st.one_of(
            st.tuples(names, st.sets(st.sampled_from("abcde"))).map(
                lambda p: {
                    "type": "object",
                    "properties": p[0],
                    "required": sorted(p[1] & p[0].keys()),
                    "additionalProperties": False,
                }
            ),
            st.tuples(inner, st.integers(0, 3), st.integers(0, 3)).map(
                lambda p: {"type": "array", "items": p[0], "minItems": p[1], "maxItems": sum(p[1:])}
            ),
            st.lists(inner, min_size=1, max_size=3).map(lambda branches: {"anyOf": branches}),
        )

    return st.recursive(leaves, around, max_leaves=8)


@given(_schemas(), st.integers())
def test_every_instance_fits_its_schema(schema: dict[str, Any], seed: int) -> None:
    jsonschema.validate(smallest(schema), schema)
    jsonschema.validate(varied(schema, random.Random(seed)), schema)


def test_random_answers_have_evidence_exactly_if_they_have_a_score() -> None:
    answers = [varied(ANSWER, random.Random(seed)) for seed in range(200)]

    assert all(bool(answer["evidence"]) == (answer["score"] > 0) for answer in answers)
    assert all(first <= last for answer in answers for first, last in answer["evidence"])
    assert {answer["score"] for answer in answers} == {0, 1, 2}
    assert {len(answer["evidence"]) for answer in answers} == {0, 1, 2, 3}


def test_random_answers_depend_on_seed_and_request_and_on_nothing_else() -> None:
    requests = [ask(f"question {n}", ANSWER, key=f"k{n}") for n in range(30)]

    forward = run(built(fill="random", seed=7), *requests)
    backward = run(built(fill="random", seed="7"), *reversed(requests))
    other = run(built(fill="random", seed=8), *requests)
    keyed = run(built(fill="random", seed=7), *(ask("same", ANSWER, key=str(n)) for n in range(30)))

    texts = [result.text for result in forward]
    assert texts == [result.text for result in reversed(backward)]
    assert texts != [result.text for result in other]
    assert len({result.text for result in keyed}) > 5
    assert all(result.finish == "stop" for result in forward)


def test_half_a_surrogate_pair_in_a_trace_is_no_obstacle() -> None:
    (result,) = run(built(fill="random"), ask("broken \ud800 text", ANSWER, key="\ud800"))

    assert result.failure is None


def test_tokens_are_words_digits_and_signs() -> None:
    assert pieces("Wait, x_1 = 42… 漢字!") == [
        *("Wait", ",", "x", "_", "1", "=", "4", "2", "…", "漢字", "!")
    ]
    assert count("  \n ") == 0


@given(st.text(), st.integers(0, 20))
def test_a_cut_text_begins_the_whole_one_and_has_no_more_tokens(text: str, limit: int) -> None:
    assert text.startswith(cut(text, limit))
    assert count(cut(text, limit)) == min(limit, count(text))


def test_cached_tokens_are_whole_blocks_of_the_longest_common_beginning() -> None:
    trace = "word " * 100

    first, same, later, other = run(
        built(), ask(trace + "A?"), ask(trace + "A?"), ask(trace + "B?"), ask("x " + trace)
    )

    # Five tokens come before the user's text: two roles, and the system message's three.
    assert first.usage == TokenUsage(prompt=107, cached=0, completion=1)
    assert same.usage.cached == later.usage.cached == 105 // BLOCK * BLOCK
    assert other.usage.cached == 0


def test_the_last_token_of_a_prompt_is_never_cached() -> None:
    cache = PrefixCache()
    chain = blocks(["a"] * (2 * BLOCK))
    cache.add(chain)

    assert len(chain) == 2
    assert cache.cached(chain, 2 * BLOCK) == BLOCK
    assert cache.cached(chain, 2 * BLOCK + 1) == 2 * BLOCK


def test_a_block_is_known_only_with_all_that_stands_before_it() -> None:
    cache = PrefixCache()
    cache.add(blocks(["a"] * BLOCK + ["b"] * BLOCK))

    assert cache.cached(blocks(["x"] * BLOCK + ["b"] * BLOCK), 99) == 0
    assert cache.cached(blocks(["b"] * BLOCK), 99) == 0


def test_the_cache_forgets_what_was_not_used_for_longest() -> None:
    cache = PrefixCache(blocks=2)
    old, new, newest = (blocks([name] * BLOCK) for name in "abc")
    cache.add(old)
    cache.add(new)
    assert cache.cached(old, 99) == BLOCK

    cache.add(newest)

    assert [cache.cached(chain, 99) for chain in (old, new, newest)] == [BLOCK, 0, BLOCK]


def test_prompts_in_flight_together_share_nothing_if_told_so() -> None:
    engine = built(shares_prefixes=False)
    same = ask("word " * 100)

    together = run(engine, same, same)
    (after,) = run(engine, same)

    assert [result.usage.cached for result in together] == [0, 0]
    assert after.usage.cached > 0
    assert not asyncio.run(engine.start()).shares_prefixes_in_flight


def test_an_answer_longer_than_allowed_is_cut() -> None:
    (result,) = run(ScriptedEngine.from_rules([], default="one two three"), ask("?", limit=2))

    assert (result.text, result.finish, result.usage.completion) == ("one two", "length", 2)


def test_a_prompt_that_does_not_fit_the_context_fails_as_too_long() -> None:
    engine = built(context_tokens=100)

    long, short = run(engine, ask("word " * 80, limit=20), ask("word " * 75, limit=20))

    assert long.failure is not None
    assert long.failure.kind == "too-long"
    assert "85 tokens and 20 for the answer do not fit a context of 100" in long.failure.message
    assert short.failure is None


def test_latency_is_waited_for_by_requests_side_by_side() -> None:
    engine = ScriptedEngine(EngineSettings(concurrency=10, arguments={"latency_ms": 50}))
    began = time.perf_counter()

    results = run(engine, *(ask(str(n)) for n in range(20)))

    assert 0.1 <= time.perf_counter() - began < 1.0
    assert all(result.seconds >= 0.05 for result in results)
    assert engine.answered == 20

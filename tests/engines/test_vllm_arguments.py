"""What becomes of --engine-arg for vLLM, and what is said where vLLM is missing."""

from __future__ import annotations

import asyncio
import importlib.util
from typing import Any

import pytest

from cogtrace.engines.base import EngineSettings
from cogtrace.engines.vllm_arguments import engine_arguments, reason, template_arguments
from cogtrace.engines.vllm_engine import VllmEngine
from cogtrace.errors import EngineError

KNOWN = frozenset(
    "model hf_token dtype tensor_parallel_size pipeline_parallel_size max_model_len "
    "enable_prefix_caching disable_log_stats use_tqdm_on_load structured_outputs_config".split()
)


def _settings(**arguments: Any) -> EngineSettings:
    return EngineSettings(model="m", arguments=arguments)


def test_the_cache_is_on_and_answers_have_no_free_white_space() -> None:
    assert engine_arguments(_settings(), KNOWN) == {
        "model": "m",
        "enable_prefix_caching": True,
        "disable_log_stats": True,
        "use_tqdm_on_load": False,
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
    }


def test_a_persons_arguments_win_and_dashes_are_underscores() -> None:
    given = {
        "max-model-len": 4096,
        "enable_prefix_caching": False,
        "structured-outputs-config": {"backend": "guidance"},
        "chat-template-kwargs": {"enable_thinking": False},
    }
    found = engine_arguments(_settings(**given), KNOWN)

    assert found["max_model_len"] == 4096
    assert found["enable_prefix_caching"] is False
    assert found["structured_outputs_config"] == {
        "backend": "guidance",
        "disable_any_whitespace": True,
    }
    assert "chat_template_kwargs" not in found
    assert template_arguments(_settings(**given)) == {"enable_thinking": False}


def test_defaults_that_a_release_does_not_know_are_left_out() -> None:
    assert "use_tqdm_on_load" not in engine_arguments(_settings(), KNOWN - {"use_tqdm_on_load"})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("tensor-paralel-size", 2, "did you mean tensor_parallel_size"),
        ("max_model", 1, "max_model_len"),
        ("zzz", 1, "no such argument$"),
        ("hf_token", "secret", "HF_TOKEN in the environment"),
        ("model", "x", "--model"),
        ("structured_outputs_config", "xgrammar", "JSON object"),
    ],
)
def test_an_argument_that_is_not_to_be_given_is_explained(
    name: str, value: object, said: str
) -> None:
    with pytest.raises(EngineError, match=said) as caught:
        engine_arguments(_settings(**{name: value}), KNOWN)

    assert "secret" not in str(caught.value)


def test_arguments_for_the_template_must_be_an_object() -> None:
    with pytest.raises(EngineError, match="JSON object"):
        template_arguments(_settings(chat_template_kwargs="enable_thinking"))


def test_a_model_is_needed() -> None:
    with pytest.raises(EngineError, match="--model"):
        engine_arguments(EngineSettings(), KNOWN)


def test_a_reason_is_one_short_line_that_is_safe_to_show() -> None:
    noisy = "1 error\n  Value error, bad \x1b[2J [type=value_error, input=1]\n    For further "
    noisy += "information visit https://errors.pydantic.dev/2/v/value_error"

    assert reason(ValueError(noisy)) == "1 error Value error, bad ␛[2J"
    assert reason(ValueError("")) == "ValueError"
    assert len(reason("x" * 10_000)) < 1000


@pytest.mark.skipif(importlib.util.find_spec("vllm") is not None, reason="vLLM is installed")
def test_without_vllm_the_engine_says_how_to_get_it() -> None:
    async def go() -> None:
        engine = VllmEngine(_settings())
        with pytest.raises(EngineError, match=r"pip install 'cogtrace\[vllm\]'"):
            await engine.start()
        assert engine.count_tokens("x") is None
        await engine.close()

    asyncio.run(go())

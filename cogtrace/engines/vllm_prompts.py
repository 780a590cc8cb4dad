"""From messages to tokens, with the chat template and tokenizer of a model.

Many requests are tokenized at once in a thread of their own, so that the event loop stays
free and the tokenizer, which is written in Rust, uses all cores.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from cogtrace.engines.base import Message

_AT_ONCE: Final = 64  # few enough that the first prompts leave soon
_CAPTIONS: Final = {"system": "System", "user": "User", "assistant": "Assistant"}


class PromptRefused(Exception):
    """The chat template of the model does not take these messages."""


class Prompts:
    """Lays out messages as the model expects them and turns them into tokens.

    A model without a chat template, such as a base model, gets the messages under the
    captions ``System:``, ``User:`` and ``Assistant:``. A template that takes no system
    message gets its text at the head of the first user message.

    Text in a message that reads like a special token of the tokenizer (``<|im_end|>``) is
    broken up by a space, so that no message can end itself or begin another.
    """

    def __init__(self, tokenizer: Any, template_arguments: dict[str, Any]) -> None:
        self._tokenizer = tokenizer
        self._arguments = template_arguments
        self._special = _special_tokens(tokenizer)
        # No warning at a prompt beyond the context: the engine says so better.
        self._quiet = {"verbose": False} if hasattr(tokenizer, "deprecation_warnings") else {}
        self._has_template = bool(
            getattr(tokenizer, "chat_template", None) or "chat_template" in template_arguments
        )
        self._takes_system = self._has_template and self._try_system()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tokenize")
        self._waiting: list[tuple[Sequence[Message], asyncio.Future[list[int]]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def tokens(self, messages: Sequence[Message]) -> list[int]:
        """Return the tokens of a prompt.

        Raises:
            PromptRefused: the chat template does not take these messages.
        """
        future: asyncio.Future[list[int]] = asyncio.get_running_loop().create_future()
        self._waiting.append((messages, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await future

    def count(self, text: str) -> int:
        """Return how many tokens a text has."""
        return len(self._ids([text], special=False)[0])

    async def close(self) -> None:
        """End the thread. What still waits is given up by those who asked."""
        self._waiting = []
        if self._worker is not None:
            await self._worker
        self._thread.shutdown()

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting[:_AT_ONCE], self._waiting[_AT_ONCE:]
            prompts = [messages for messages, _ in batch]
            found: Sequence[list[int] | Exception]
            try:
                found = await loop.run_in_executor(self._thread, self._encode, prompts)
            except Exception as error:
                found = [error] * len(batch)
            for (_, future), tokens in zip(batch, found, strict=True):
                _settle(future, tokens)

    def _encode(self, prompts: list[Sequence[Message]]) -> list[list[int] | PromptRefused]:
        try:
            return [*self._ids([self.lay_out(messages) for messages in prompts])]
        except Exception:
            return [self._encode_one(messages) for messages in prompts]  # one of them is at fault

    def _encode_one(self, messages: Sequence[Message]) -> list[int] | PromptRefused:
        try:
            return self._ids([self.lay_out(messages)])[0]
        except PromptRefused as refusal:
            return refusal
        except (TypeError, UnicodeError) as error:  # half a surrogate pair
            return PromptRefused(f"the prompt cannot be tokenized: {error}")

    def _ids(self, texts: list[str], *, special: bool | None = None) -> list[list[int]]:
        if special is None:
            special = not self._has_template  # a template writes them itself
        found = self._tokenizer(texts, add_special_tokens=special, **self._quiet)
        ids: list[list[int]] = found["input_ids"]
        return ids

    def lay_out(self, messages: Sequence[Message]) -> str:
        """Return the text of a prompt, up to where the answer begins.

        Raises:
            PromptRefused: the chat template does not take these messages.
        """
        turns = [{"role": m.role, "content": self._harmless(m.content)} for m in messages]
        if not self._has_template:
            parts = [f"{_CAPTIONS[turn['role']]}: {turn['content']}\n\n" for turn in turns]
            return "".join([*parts, f"{_CAPTIONS['assistant']}:"])
        return self._apply(turns if self._takes_system else _without_system(turns))

    def _apply(self, turns: list[dict[str, str]]) -> str:
        try:
            text = self._tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=True, **self._arguments
            )
        except Exception as error:  # a template can raise whatever its author liked
            raise PromptRefused(f"the model's chat template refuses: {error}") from error
        return str(text)

    def _try_system(self) -> bool:
        turns = [{"role": "system", "content": "a"}, {"role": "user", "content": "b"}]
        try:
            self._apply(turns)
        except PromptRefused:
            return False  # the layout without one is used; if that fails too, requests say so
        return True

    def _harmless(self, content: str) -> str:
        if self._special is None:
            return content
        return self._special.sub(lambda found: f"{found[0][0]} {found[0][1:]}", content)


def _special_tokens(tokenizer: Any) -> re.Pattern[str] | None:
    known = getattr(tokenizer, "added_tokens_decoder", {}).values()
    names = {token.content for token in known if token.special}
    names |= set(getattr(tokenizer, "all_special_tokens", ()))
    longest_first = sorted((re.escape(n) for n in names if len(n) > 1), key=len, reverse=True)
    return re.compile("|".join(longest_first)) if longest_first else None


def _without_system(turns: list[dict[str, str]]) -> list[dict[str, str]]:
    """Return the turns with system messages put at the head of the first user message."""
    system = [turn["content"] for turn in turns if turn["role"] == "system"]
    rest = [dict(turn) for turn in turns if turn["role"] != "system"]
    first = next((turn for turn in rest if turn["role"] == "user"), None)
    if system and first is not None:
        first["content"] = "\n\n".join([*system, first["content"]])
    return rest


def _settle(future: asyncio.Future[list[int]], tokens: list[int] | Exception) -> None:
    if future.done():
        return  # whoever asked has gone
    if isinstance(tokens, Exception):
        future.set_exception(tokens)
    else:
        future.set_result(tokens)

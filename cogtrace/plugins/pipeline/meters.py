"""What each plugin may spend on a task, and what it has spent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from cogtrace.engines import Request, TokenUsage
from cogtrace.plugins.guidance import Allowance, BoundReached
from cogtrace.plugins.pipeline.options import Bounds

_AROUND: Final = 4  # tokens that a chat template puts around a message, about


class PluginMeter:
    """Counts the calls and tokens of one plugin on one task, and refuses what is too much.

    Tokens of calls in flight are held back: the prompt as estimated, the answer as long
    as it may become.
    """

    def __init__(self, plugin: str, bounds: Bounds | None) -> None:
        self._plugin = plugin
        self._bounds = bounds
        self._calls = 0
        self._tokens = 0
        self._held = 0

    @property
    def left(self) -> Allowance:
        """What may still be spent."""
        if self._bounds is None:
            return Allowance()
        most = self._bounds.max_tokens
        return Allowance(
            calls=max(0, self._bounds.max_calls - self._calls),
            tokens=None if most is None else max(0, most - self._tokens - self._held),
        )

    def take(self, samples: int, prompt_tokens: int, max_tokens: int) -> int:
        """Take calls into account before they are made; return how long each answer may be.

        Raises:
            BoundReached: they are too many, or their prompts alone too long.
        """
        left = self.left
        if left.calls is not None and samples > left.calls:
            most = self._bounds.max_calls if self._bounds else 0
            raise BoundReached(
                f"{self._plugin} may make {most} calls per task; {left.calls} are left, "
                f"{samples} asked for"
            )
        if left.tokens is not None:
            room = left.tokens // samples - prompt_tokens
            if room < 1:
                raise BoundReached(
                    f"{self._plugin} has {left.tokens:,} tokens left for this task; "
                    f"{samples} prompts of about {prompt_tokens:,} do not fit"
                )
            max_tokens = min(max_tokens, room)
        self._calls += samples
        self._held += samples * (prompt_tokens + max_tokens)
        return max_tokens

    def settle(self, held: int, usage: TokenUsage | None) -> None:
        """Put what a call has cost in the place of what was held back for it."""
        self._held -= held
        if usage is not None:
            self._tokens += usage.prompt + usage.completion


def estimated_tokens(request: Request, count: Callable[[str], int | None]) -> int:
    """Return about how many tokens a prompt has; ``count`` is the engine's own counting."""
    text = "\n".join(message.content for message in request.messages)
    known = count(text)
    return _AROUND * len(request.messages) + (len(text) // 3 + 1 if known is None else known)

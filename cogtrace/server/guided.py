"""Chat requests with guidance: which can be guided, and on whose account."""

from __future__ import annotations

from typing import Final

import msgspec

from cogtrace.server.account import Account
from cogtrace.server.conversations import Conversation, Unguidable, read_conversation, read_fields
from cogtrace.server.engine import CHAT, UpstreamEngine
from cogtrace.server.errors import ProxyError
from cogtrace.server.exchange import Exchange
from cogtrace.server.metrics import Metrics
from cogtrace.server.passing import Passing, sent_headers
from cogtrace.server.plans import Guidance, Plans
from cogtrace.server.recorder import Recorder
from cogtrace.server.settings import ProxySettings
from cogtrace.server.turns import Turn
from cogtrace.server.upstream import Upstream
from cogtrace.server.wishes import Wish

# Fields that only a generation of the upstream's own can honour.
_ITS_OWN: Final = ("tools", "functions", "logprobs", "audio", "web_search_options")
_REPLACED: Final = frozenset({"accept", "accept-encoding", "content-type"})


class Guided:
    """Answers guided requests."""

    def __init__(
        self,
        settings: ProxySettings,
        upstream: Upstream,
        engine: UpstreamEngine,
        plans: Plans,
        metrics: Metrics,
        recorder: Recorder | None,
    ) -> None:
        self._settings = settings
        self._upstream = upstream
        self._engine = engine
        self._plans = plans
        self._metrics = metrics
        self._recorder = recorder
        self._passing = Passing(upstream)

    async def answer(self, exchange: Exchange, body: bytes, wish: Wish, guidance: Guidance) -> None:
        """Answer a request by a plan, or pass it on where guidance has no place in it.

        Raises:
            ProxyError: there is no answer, and nothing was sent yet.
            Cut: the client takes nothing any more.
        """
        fields = read_fields(body, wish.model)
        samples = wish.samples or self._settings.samples
        try:
            conversation = read_conversation(fields)
            _require_possible(conversation, wish, guidance, samples)
        except Unguidable as why:
            await self._skip(exchange, msgspec.json.encode(fields), str(why))
            return
        account = self._account(exchange, conversation, wish)
        exchange.plugins = guidance.names
        turn = Turn(
            exchange=exchange,
            conversation=conversation,
            guidance=guidance,
            account=account,
            engine=self._engine,
            upstream=self._upstream,
            recorder=self._recorder,
            settings=self._settings,
            samples=samples,
            streams=wish.stream,
        )
        self._engine.enter(account)
        try:
            with exchange.watched():
                await turn.answer()
        finally:
            self._engine.leave(account)
            exchange.calls, exchange.tokens = account.calls, account.tokens
            exchange.waited += account.waited
            self._count(account)
            if guidance.pipeline.broken is not None:
                await self._plans.drop(guidance)

    async def pass_on(self, exchange: Exchange, body: bytes, wish: Wish) -> None:
        """Pass a request on that asks for no guidance."""
        if wish.touched:
            body = msgspec.json.encode(read_fields(body, wish.model))
        await self._passing.pass_on(exchange, CHAT, body)

    async def _skip(self, exchange: Exchange, body: bytes, why: str) -> None:
        exchange.skipped = why
        said = why.encode("ascii", "replace")
        await self._passing.pass_on(exchange, CHAT, body, [(b"x-cogtrace-skipped", said)])

    def _account(self, exchange: Exchange, conversation: Conversation, wish: Wish) -> Account:
        sent = sent_headers(exchange, self._upstream)
        headers = {name: value for name, value in sent.items() if name not in _REPLACED}
        newer = "max_completion_tokens" in conversation.fields
        return Account(
            model=wish.model,
            headers=headers | {"content-type": "application/json", "accept-encoding": "identity"},
            limits=self._settings.limits,
            limit_field="max_completion_tokens" if newer else "max_tokens",
        )

    def _count(self, account: Account) -> None:
        for plugin, spent in account.by_plugin.items():
            who = ("plugin", plugin)
            self._metrics.add("cogtrace_calls_total", (who,), spent.calls)
            for kind, tokens in (("prompt", spent.prompt), ("completion", spent.completion)):
                self._metrics.add("cogtrace_tokens_total", (who, ("kind", kind)), tokens)


def _require_possible(
    conversation: Conversation, wish: Wish, guidance: Guidance, samples: int
) -> None:
    """Make sure that a plan can give what the request's fields ask for.

    Raises:
        Unguidable: it cannot, and the guidance is the server's idea.
        ProxyError: it cannot, and the request itself asks for both.
    """
    field = ""
    if not guidance.is_single(samples) and (conversation.number("n") or 1) > 1:
        field = "n"
    elif guidance.solves:
        field = conversation.has(*_ITS_OWN) or ""
        if not field and conversation.wants_format():
            field = "response_format"
        if not field and conversation.has_images:
            field = "messages"
    if not field:
        return
    if wish.source == "default":
        raise Unguidable(f"{field} does not go with {guidance.plan}")
    raise ProxyError(
        400,
        f"{field}: does not go with the guidance {guidance.plan}, whose answer is not one "
        "generation of the model; leave one of them out",
        "invalid_guidance",
        param=field,
    )

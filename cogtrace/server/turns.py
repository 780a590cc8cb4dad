"""One guided request: prepared by plugins, answered by the upstream, recorded."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cogtrace.engines import Result
from cogtrace.engines.answers import read_answer
from cogtrace.plugins.guidance import Sampling, Task
from cogtrace.plugins.pipeline import GuidanceRun, Halted, Prepared
from cogtrace.plugins.pipeline.course import PIPELINE
from cogtrace.plugins.pipeline.records import ModelRef
from cogtrace.server import answers, streams
from cogtrace.server.account import Account
from cogtrace.server.conversations import Conversation
from cogtrace.server.engine import CHAT, UpstreamEngine, bad_answer, refused, sealed
from cogtrace.server.errors import ProxyError
from cogtrace.server.exchange import Exchange
from cogtrace.server.plans import Guidance
from cogtrace.server.progress import Progress
from cogtrace.server.recorder import Recorder
from cogtrace.server.replying import JSON, Headers, reply
from cogtrace.server.settings import ProxySettings
from cogtrace.server.upstream import Upstream

# Fields that calls of the pipeline for its candidates do without.
_OF_ONE_ANSWER: Final = ("stream", "stream_options", "n")


@dataclass(slots=True, kw_only=True)
class Turn:
    """A guided request on its way to an answer."""

    exchange: Exchange
    conversation: Conversation
    guidance: Guidance
    account: Account
    engine: UpstreamEngine
    upstream: Upstream
    recorder: Recorder | None
    settings: ProxySettings
    samples: int
    streams: bool

    async def answer(self) -> None:
        """Answer the request.

        Raises:
            ProxyError: there is no answer, and nothing was sent yet.
        """
        if self.streams:
            await self._as_stream()
            return
        prepared, run = await self._prepare()
        if run is not None:
            body = msgspec.json.encode(answers.made(run, self.account))
        else:
            body = await self.engine.ask(self.account, PIPELINE, self.account.final)
            read = read_answer(body) if self._has_listeners else None
            body = answers.with_usage(body, self.account)
            if read is not None:
                if read.failure is not None:
                    raise bad_answer(read.failure.message)
                result = Result(
                    text=read.text, finish=read.finish, reasoning=read.reasoning, usage=read.usage
                )
                run = await self._finish(prepared, result)
        await reply(self.exchange.send, 200, body, [JSON, *self._headers(run, ended=True)])

    async def _as_stream(self) -> None:
        """Answer with a stream, which may have begun when something goes wrong."""
        exchange = self.exchange
        try:
            progress = Progress(exchange, self.account, self.settings.progress_after)
            prepared, run = await progress.during(self._prepare(), self._headers(None))
            if run is None:
                await self._stream_on(prepared)
            else:
                await self._stream_made(run)
        except ProxyError as error:
            if exchange.status == 0:
                raise
            await exchange.end(streams.event(error.body()))

    async def _stream_on(self, prepared: Prepared) -> None:
        """Pass the upstream's stream on."""
        account, exchange = self.account, self.exchange
        shows_usage = self._shows_usage()
        response = await self._open()
        passed = streams.GuidedStream(
            account,
            self.guidance.names,
            shows_usage=shows_usage,
            keeps_text=self._has_listeners,
        )
        events = streams.Events(self.settings.limits.answer_bytes)
        try:
            if exchange.status == 0:
                await exchange.begin(200, [*streams.HEADERS, *self._headers(None)])
            async with aclosing(self.upstream.pieces(response, account)) as pieces:
                async for piece in pieces:
                    if whole := passed.take(events.feed(piece)):
                        await exchange.write(whole)
        finally:
            response.close() if not passed.done else response.release()
            told = b"" if passed.done else passed.closing()
        rest = events.rest + told
        await exchange.end(rest)
        if self._has_listeners:
            await self._finish(prepared, passed.result())

    async def _stream_made(self, run: GuidanceRun) -> None:
        """Send an answer that is there already as a stream."""
        exchange, account = self.exchange, self.account
        if exchange.status == 0:
            await exchange.begin(200, [*streams.HEADERS, *self._headers(run, ended=True)])
        answer = answers.made(run, account)
        for chunk in answers.chunks(answer, shows_usage=self._shows_usage()):
            await exchange.write(streams.event(msgspec.json.encode(chunk)))
        told = streams.comment(msgspec.json.encode(account.summary(self.guidance.names)).decode())
        await exchange.end(told + streams.event(b"[DONE]"))

    async def _prepare(self) -> tuple[Prepared, GuidanceRun | None]:
        """Let plugins prepare the request, and finish it unless one generation is left to do.

        Raises:
            ProxyError: something failed on the way.
        """
        account, conversation = self.account, self.conversation
        task = Task(
            task_id=account.key, question=conversation.question, history=conversation.history
        )
        pipeline = self.guidance.pipeline
        try:
            prepared = await pipeline.prepare(task, sampling=self._sampling())
            run = prepared.run
            if run is None:
                fields: dict[str, Any] = dict(conversation.fields)
                fields["messages"] = conversation.guided(prepared.scaffolds)
                account.final = fields
                account.composed = prepared.messages
                if not prepared.plain:
                    for name in _OF_ONE_ANSWER:
                        fields.pop(name, None)
                    run = await pipeline.finish(prepared)
        except Halted:
            raise ProxyError(500, "the guidance was interrupted; try again", "internal") from None
        if run is not None:
            self._record(run)
            _require_answer(run, account)
        return prepared, run

    async def _finish(self, prepared: Prepared, result: Result) -> GuidanceRun:
        """Tell plugins and records what the answer was."""
        run = await self.guidance.pipeline.finish(prepared, [result])
        self._record(run)
        return run

    @property
    def _has_listeners(self) -> bool:
        """Whether anybody wants to know what the answer was."""
        return self.recorder is not None or self.guidance.watches

    def _record(self, run: GuidanceRun) -> None:
        if self.recorder is not None:
            model = ModelRef(engine="proxy", model=self.account.model or "")
            self.recorder.keep(msgspec.structs.replace(run, model=model))

    def _sampling(self) -> Sampling:
        """Return how plugins are to ask, where they do not say."""
        conversation = self.conversation
        temperature = conversation.number("temperature") or 0.0
        most: float | None = None
        if self.guidance.solves:  # what it writes is the answer, which the client bounds
            most = conversation.number("max_completion_tokens")
            most = most or conversation.number("max_tokens")
        return Sampling(
            samples=self.samples,
            temperature=temperature if 0 <= temperature < 100 else 0.0,
            max_tokens=int(most) if most and most >= 1 else self.settings.max_tokens,
        )

    def _shows_usage(self) -> bool:
        """Say whether the client asked for the usage at the end of its stream."""
        return self._stream_options().get("include_usage") is True

    def _stream_options(self) -> Mapping[str, Any]:
        raw = self.conversation.fields.get("stream_options")
        found = None if raw is None else msgspec.json.decode(raw)
        return found if isinstance(found, dict) else {}

    async def _open(self) -> Any:
        """Return the upstream's response with the stream of the answer.

        Raises:
            ProxyError: there is none.
        """
        account = self.account
        options = {**self._stream_options(), "include_usage": True}
        body, _ = sealed(account, PIPELINE, account.final | {"stream_options": options})
        with account.waiting():
            response = await self.upstream.send("POST", CHAT, account.headers, body)
            if response.status != 200:
                said = await self.upstream.read(response)
                raise refused(self.upstream, response.status, response.headers, said)
        if response.content_type != "text/event-stream":
            response.close()
            self.upstream.failed("bad-answer")
            raise ProxyError(502, "the upstream does not stream", "upstream_bad_answer")
        return response

    def _headers(self, run: GuidanceRun | None, *, ended: bool = False) -> Headers:
        """Return the headers that tell of the guidance; what was spent, once that is known."""
        names = ",".join(self.guidance.names).encode("ascii", "replace")
        headers = [(b"x-cogtrace-plugins", names)]
        if ended:
            headers += [
                (b"x-cogtrace-calls", str(self.account.calls).encode()),
                (b"x-cogtrace-tokens", str(self.account.tokens).encode()),
            ]
        if run is not None:
            headers.append((b"x-cogtrace-outcome", run.outcome.encode()))
        return headers


def _require_answer(run: GuidanceRun, account: Account) -> None:
    """Raise ProxyError for a run that failed: the upstream's own error, where that is why."""
    if run.outcome != "failed":
        return
    error = next(error for error in run.errors if error.kind != "observer")
    if account.bound is not None:
        raise ProxyError(400, account.bound, "bound_reached")
    if error.kind == "call" and account.failure is not None:
        raise account.failure
    if error.kind == "bound":
        raise ProxyError(
            400, f"the plugin {error.plugin} would spend more than it may", "bound_reached"
        )
    if error.plugin == PIPELINE:
        raise ProxyError(400, error.message, "invalid_value", param="messages")
    hook = error.hook.removeprefix("cogtrace_")
    raise ProxyError(
        500, f"the guidance plugin {error.plugin} failed ({hook}: {error.kind})", "plugin_failed"
    )

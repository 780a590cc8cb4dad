"""Recordings: what an engine answered, one JSON line per result, to be answered again.

A line holds the request's key, a hash of its messages and schema, and the result; the
prompt itself is not kept. `RecordingEngine` writes one around any engine; the scripted
engine answers from one (``--engine scripted --model FILE.jsonl``).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

import msgspec

from cogtrace.engines.base import Engine, EngineInfo, Failure, Request, Result
from cogtrace.errors import EngineError

_HEAD: Final = b'{"key":'  # every line of a recording begins so


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of a recording."""

    key: str
    request: str  # `request_hash`
    result: Result


_decoder: Final = msgspec.json.Decoder(Entry)


def request_hash(request: Request) -> str:
    """Return the hash by which a recording knows what was asked: of messages and schema."""
    digest = hashlib.sha256(msgspec.json.encode(request.schema, order="deterministic"))
    for message in request.messages:
        # A trace may hold half a surrogate pair, which JSON cannot.
        content = message.content.encode("utf-8", "surrogatepass")
        digest.update(f"\0{message.role}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:32]


class Recording:
    """The entries of a recording, to be found by request.

    A request with a key is answered with what was recorded under that key, so that
    prompts may differ in what is drawn anew for each run; one without a key, with what
    was recorded for the same messages and schema. Of several entries the last counts;
    of those under one key, the last for the same messages and schema if there is any.
    """

    def __init__(self, entries: Sequence[Entry], name: str = "recording") -> None:
        self._name = name
        self._exact = {(entry.key, entry.request): entry.result for entry in entries}
        self._by_key = {entry.key: entry.result for entry in entries if entry.key}
        self._by_hash = {entry.request: entry.result for entry in entries}

    def __len__(self) -> int:
        return len(self._exact)

    def __call__(self, request: Request) -> Result:
        """Return the recorded result; a failed one ("rejected") if there is none."""
        asked = request_hash(request)
        if request.key:
            found = self._exact.get((request.key, asked)) or self._by_key.get(request.key)
            missing = f"nothing was recorded under the key {request.key!r}"
        else:
            found = self._by_hash.get(asked)
            missing = f"no request with the hash {asked} was recorded"
        if found is None:
            failure = Failure(kind="rejected", message=f"{self._name}: {missing}")
            return Result(finish="failed", failure=failure)
        return found


def read_recording(path: Path) -> list[Entry]:
    """Return the entries of a recording. A last line that was cut off is left out.

    Raises:
        EngineError: the file cannot be read, or a line is no entry; names it.
    """
    return _read(path)[0]


def _read(path: Path) -> tuple[list[Entry], int]:
    """Return the entries, and how many bytes of the file they take."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except OSError as error:
        raise EngineError(f"{path}: cannot be read ({error.strerror})") from error
    entries, size = [], 0
    for number, line in enumerate(lines, 1):
        try:
            if line.strip():
                entries.append(_decoder.decode(line))
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            if number == len(lines) and _torn(line):
                break
            raise EngineError(f"{path}, line {number}: not a recorded result: {error}") from error
        size += len(line)
    return entries, size


def _torn(line: bytes) -> bool:
    """Say whether a line is the beginning of an entry, not anything else."""
    return not line.endswith(b"\n") and line[: len(_HEAD)] == _HEAD[: len(line)]


def _line(request: Request, result: Result) -> bytes:
    entry = Entry(key=request.key, request=request_hash(request), result=result)
    try:
        return msgspec.json.encode(entry) + b"\n"
    except UnicodeEncodeError:
        # Half a surrogate pair has no place in JSON; a question mark stands for it.
        plain = json.dumps(msgspec.to_builtins(entry), ensure_ascii=False, separators=(",", ":"))
        return plain.encode("utf-8", "replace") + b"\n"


class RecordingEngine:
    """Writes down what another engine answers.

    Results are appended as each call of `complete` returns; a file that is there already
    is continued. It holds the answers, so it is as confidential as the traces are.
    """

    def __init__(self, inner: Engine, path: Path) -> None:
        self._inner = inner
        self._path = path
        self._file: IO[bytes] | None = None

    async def start(self) -> EngineInfo:
        """Open the file and start the engine.

        Raises:
            EngineError: the file cannot be written or is no recording, or what the engine
                itself raises.
        """
        self._file = self._open()
        return await self._inner.start()

    def _open(self) -> IO[bytes]:
        try:
            if self._path.exists():
                _, size = _read(self._path)
                file = self._path.open("r+b")
                # What a killed run left of its last line would spoil the next one.
                file.truncate(size)
                file.seek(max(size - 1, 0))
                if file.read(1) not in (b"", b"\n"):
                    file.write(b"\n")
                return file
            self._path.parent.mkdir(parents=True, exist_ok=True)
            return self._path.open("xb")
        except OSError as error:
            raise EngineError(f"{self._path}: cannot be written ({error.strerror})") from error

    async def complete(self, requests: Sequence[Request]) -> list[Result]:
        """Answer requests as the engine does, and append the results.

        Raises:
            EngineError: the file cannot be written (any more), or what the engine raises.
        """
        results = await self._inner.complete(requests)
        if self._file is None:
            raise EngineError(f"{self._path}: the recording is not open; start() comes first")
        lines = [_line(*pair) for pair in zip(requests, results, strict=True)]
        try:
            self._file.write(b"".join(lines))
            self._file.flush()
        except OSError as error:
            raise EngineError(f"{self._path}: cannot be written ({error.strerror})") from error
        return results

    def count_tokens(self, text: str) -> int | None:
        """Return what the engine itself returns."""
        return self._inner.count_tokens(text)

    @property
    def trouble(self) -> str | None:
        """What the engine itself says of its health."""
        return self._inner.trouble

    async def close(self) -> None:
        """Close the file and the engine."""
        if self._file is not None:
            self._file.close()
            self._file = None
        await self._inner.close()

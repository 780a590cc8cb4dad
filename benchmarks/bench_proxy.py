"""What `cogtrace serve` costs: requests per second, time per request, memory over time.

    python benchmarks/bench_proxy.py [--seconds 5] [--rounds 2] [--connections 200]
    python benchmarks/bench_proxy.py --flask PYTHON     also measures a minimal Flask proxy
    python benchmarks/bench_proxy.py --minutes 10       soaks it instead: memory and errors
    python benchmarks/bench_proxy.py --clients          aiohttp and httpx towards the upstream

Upstream and proxy run in processes of their own and the load comes from this one, so on two
cores they share. The upstream answers at once, but for the figure of added time: there it
takes half a second, and clients begin one after the other, as queues would else be all there
is to see. "CPU each" is the proxy's processor time per answer, which other work on the machine
disturbs least. The ways take turns, round after round; shown is each one's best.

For the Flask proxy: python -m venv /tmp/peer && /tmp/peer/bin/pip install flask requests, then
--flask /tmp/peer/bin/python.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from loopback import served

_QUESTION: Final = "A box holds four rows of six eggs, and five are broken. How many are left? " * 4
_FLASK: Final = """
import sys, flask, logging, requests
logging.getLogger("werkzeug").setLevel(logging.ERROR)
app, session, upstream = flask.Flask("proxy"), requests.Session(), sys.argv[1]
session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=256))

@app.post("/v1/chat/completions")
def chat():
    body = flask.request.get_json()
    answer = session.post(upstream + "/chat/completions", json=body)
    return flask.jsonify(answer.json()), answer.status_code

app.run(port=int(sys.argv[2]), threaded=True)
"""
_SLOW_MS: Final = 500


@dataclass(slots=True)
class Load:
    """What came of a load."""

    times: list[float] = field(default_factory=list)
    errors: int = 0
    seconds: float = 0.0
    busy: float = 0.0  # seconds of processor time that the server took

    @property
    def rate(self) -> float:
        """Answers per second."""
        return len(self.times) / self.seconds

    def quantile(self, share: float) -> float:
        """Return a quantile of the times, in milliseconds."""
        ordered = sorted(self.times)
        return 1_000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Connection(asyncio.Protocol):
    """One client: sends a request, waits for the answer, sends the next."""

    def __init__(self, address: tuple[str, int], request: bytes, load: Load, end: float) -> None:
        self.address, self.request, self.load, self.end = address, request, load, end
        self.done = asyncio.get_running_loop().create_future()
        self.buffer = b""
        self.transport: asyncio.Transport
        self.since = 0.0
        self.busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self.transport = transport  # type: ignore[assignment]
        self.next()

    def next(self) -> None:
        """Send a request, unless time is up."""
        self.since = time.perf_counter()
        if self.since >= self.end:
            self.busy = False
            self.transport.close()
            return
        self.busy = True
        self.buffer = b""
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """Note an answer once it is whole."""
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self.buffer[:end].lower()
        if b"transfer-encoding: chunked" in head:
            if not self.buffer.endswith(b"0\r\n\r\n"):
                return
        else:
            length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            if len(self.buffer) < end + 4 + length:
                return
        if b" 200 " in head[:16] and b'"error"' not in self.buffer:
            self.load.times.append(time.perf_counter() - self.since)
        else:
            self.load.errors += 1
        self.busy = False
        if b"connection: close" not in head and not head.startswith(b"http/1.0"):
            self.next()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count an answer that did not come."""
        self.load.errors += self.busy
        self.done.set_result(None)


async def _client(
    address: tuple[str, int], request: bytes, load: Load, end: float, pause: float
) -> None:
    await asyncio.sleep(pause)
    loop = asyncio.get_running_loop()
    while time.perf_counter() < end:
        try:
            _, made = await loop.create_connection(
                lambda: Connection(address, request, load, end), *address
            )
            await made.done
        except OSError:
            load.errors += 1
            await asyncio.sleep(0.01)


async def _load(
    url: str, bodies: list[dict[str, Any]], connections: int, seconds: float, spread: float = 0.0
) -> Load:
    """Send requests over connections that each wait for an answer before the next.

    They begin one after the other, within ``spread`` seconds.
    """
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    address = (parts.hostname, parts.port)
    requests = [_request(parts.netloc, msgspec.json.encode(body)) for body in bodies]
    load, begun = Load(), time.perf_counter()
    clients = (
        _client(
            address,
            requests[number % len(requests)],
            load,
            begun + seconds,
            spread * number / connections,
        )
        for number in range(connections)
    )
    await asyncio.gather(*clients)
    load.seconds = time.perf_counter() - begun
    return load


def _request(host: str, body: bytes) -> bytes:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json"
    return f"{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def _body(model: str = "tiny", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": _QUESTION}], **more}


def _run(work: Any) -> Any:
    try:
        import uvloop
    except ImportError:
        return asyncio.run(work)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


@contextmanager
def _proxy(upstream: str, *options: str) -> Iterator[tuple[str, int]]:
    """Run the proxy; gives its address and process."""
    command = [sys.executable, "-m", "cogtrace", "serve", "--upstream", upstream, "--port", "0"]
    with subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            line = process.stderr.readline()
            assert line.startswith("proxy: "), line
            yield line.split()[1], process.pid
        finally:
            process.terminate()


@contextmanager
def _flask(python: str, upstream: str) -> Iterator[tuple[str, int]]:
    """Run the Flask proxy; gives its address and process."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [python, "-c", _FLASK, upstream, str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}/v1", process.pid
        finally:
            process.terminate()


def _throughput(options: argparse.Namespace) -> None:
    found: dict[str, Load] = {}
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(served())
        proxy, process = stack.enter_context(_proxy(upstream, "--workers", str(options.workers)))
        pids = {proxy: process}
        ways: dict[str, tuple[str, dict[str, Any]]] = {
            "upstream alone": (upstream, _body()),
            "pass-through": (proxy, _body()),
            "restate": (proxy, _body("tiny+restate")),
            "pass-through, stream": (proxy, _body(stream=True)),
            "restate, stream": (proxy, _body("tiny+restate", stream=True)),
        }
        if _has_flask(options.flask):
            flask, process = stack.enter_context(_flask(options.flask, upstream))
            pids[flask] = process
            ways["Flask proxy"] = (flask, _body())
        for _ in range(options.rounds):
            for name, (url, body) in ways.items():
                before = _processor_seconds(pids.get(url, 0))
                load = _run(_load(url, [body], options.connections, options.seconds))
                load.busy = _processor_seconds(pids.get(url, 0)) - before
                if name not in found or load.rate > found[name].rate:
                    found[name] = load
    peer = found.get("Flask proxy")
    print(f"{options.connections} connections, {options.workers} worker(s)")
    print(f"  {'':22}{'answers':>11} {'CPU each':>9}")
    for name, load in found.items():
        times = f"{load.rate / peer.rate:6.1f} x Flask" if peer else ""
        each = f"{1_000 * load.busy / len(load.times):6.2f} ms" if load.busy else 9 * " "
        print(f"  {name:22}{load.rate:8,.0f} /s {each} {load.errors} errors {times}")


def _added_time(options: argparse.Namespace) -> None:
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(served("--delay-ms", str(_SLOW_MS)))
        proxy, _ = stack.enter_context(_proxy(upstream, "--workers", str(options.workers)))
        direct, through = Load(), Load()
        for _ in range(options.rounds):
            for url, load in ((upstream, direct), (proxy, through)):
                spread = _SLOW_MS / 1_000
                part = _run(_load(url, [_body()], options.connections, options.seconds, spread))
                load.times += part.times
                load.errors += part.errors
    print(f"added time, upstream takes {_SLOW_MS} ms ({options.connections} connections)")
    for name, share in (("median", 0.5), ("p99", 0.99)):
        alone, proxied = direct.quantile(share), through.quantile(share)
        print(f"  {name:8}{proxied - alone:6.1f} ms ({alone:.1f} alone, {proxied:.1f} through)")


def _soak(options: argparse.Namespace) -> None:
    bodies = [
        _body(),
        _body("tiny+restate"),
        _body(stream=True),
        _body("tiny+restate", stream=True),
        _body("tiny+restate+vote"),
    ]
    errors = answers = 0
    sizes: list[float] = []
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(served())
        proxy, process = stack.enter_context(_proxy(upstream))
        end = time.monotonic() + 60 * options.minutes
        while time.monotonic() < end:
            load = _run(_load(proxy, bodies, options.connections, 10))
            errors, answers = errors + load.errors, answers + len(load.times)
            sizes.append(_resident(process))
            print(f"  {load.rate:8,.0f} /s  {load.errors} errors  {sizes[-1]:6.1f} MiB", flush=True)
    third = max(1, len(sizes) // 3)
    first, last = max(sizes[1 : third + 1] or sizes), max(sizes[-third:])
    print(f"{answers:,} answers, {errors} errors; {first:.1f} MiB early, {last:.1f} MiB late")


def _clients(options: argparse.Namespace) -> None:
    async def measure(post: Callable[[], Any]) -> float:
        count = 0

        async def work() -> None:
            nonlocal count
            while time.perf_counter() < end:
                await post()
                count += 1

        end = time.perf_counter() + options.seconds
        await asyncio.gather(*(work() for _ in range(options.connections)))
        return count / float(options.seconds)

    async def both(url: str) -> dict[str, float]:
        import aiohttp
        import httpx

        body = msgspec.json.encode(_body())
        headers = {"Content-Type": "application/json"}
        limits = httpx.Limits(max_connections=options.connections)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

            async def by_aiohttp() -> None:
                async with session.post(url, data=body, headers=headers) as response:
                    await response.read()

            fast = await measure(by_aiohttp)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:
            slow = await measure(lambda: client.post(url, content=body, headers=headers))
        return {"aiohttp": fast, "httpx": slow}

    with served() as upstream:
        for name, rate in _run(both(f"{upstream}/chat/completions")).items():
            print(f"  {name:10}{rate:8,.0f} /s")


def _processor_seconds(process: int) -> float:
    """Return the processor time that a process and its children have taken."""
    total = 0.0
    for entry in Path("/proc").glob("[0-9]*/stat") if process else ():
        with contextlib.suppress(OSError):  # it has just ended
            pid, _, rest = entry.read_text(encoding="utf-8").partition(" (")
            fields = rest.rpartition(") ")[2].split()
            if process in (int(pid), int(fields[1])):
                total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def _resident(process: int) -> float:
    """Return the memory of a process, in MiB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _has_flask(python: str | None) -> bool:
    check = "import flask, requests"
    if python and subprocess.run([python, "-c", check], stderr=subprocess.DEVNULL).returncode == 0:
        return True
    print("no Flask proxy is measured: give --flask PYTHON, of an environment with flask, requests")
    return False


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--connections", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each way and round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--minutes", type=float, help="soak for so long")
    parser.add_argument("--flask", metavar="PYTHON", help="an interpreter that has flask")
    parser.add_argument("--clients", action="store_true", help="compare HTTP clients")
    options = parser.parse_args()
    if options.clients:
        _clients(options)
    elif options.minutes:
        _soak(options)
    else:
        _throughput(options)
        _added_time(options)


if __name__ == "__main__":
    main()

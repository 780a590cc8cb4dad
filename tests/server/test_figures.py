"""Records, logs and metrics: what was done, and nothing that is nobody's business."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path

import pytest
from loopback import answer, status
from proxied import QUESTION, Proxied, proxied, until

from cogtrace.schemas import problems
from cogtrace.server.metrics import Metrics
from cogtrace.server.recorder import Recorder

KEY = "correct-horse-battery"


def _records(folder: Path) -> list[dict[str, object]]:
    files = sorted(folder.glob("runs-*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_guided_requests_are_recorded_whole_and_without_secrets(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    with proxied(record=folder, api_key=KEY, upstream_key="sk-upstream") as proxy:
        proxy.http.headers["authorization"] = f"Bearer {KEY}"
        proxy.chat(model="tiny+say")
        proxy.chat(model="tiny+say", stream=True)
        proxy.chat(model="tiny+vote:samples=2")
        proxy.chat("which?", model="tiny+ask-back")
        proxy.upstream.behave(status(500))
        proxy.chat(model="tiny+say")
        proxy.chat()  # no guidance, no record
        until(lambda: len(_records(folder)) == 5)

    found = _records(folder)
    assert [problem for run in found for problem in problems("guidance-run", run)] == []
    assert [run["outcome"] for run in found].count("clarification") == 1
    assert [run["outcome"] for run in found].count("failed") == 1
    assert {run["question"] for run in found} == {QUESTION, "which?"}
    assert {run["model"]["model"] for run in found} == {"tiny"}  # type: ignore[index]
    text = json.dumps(found)
    assert KEY not in text
    assert "sk-upstream" not in text
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_files_of_records_are_changed_before_they_grow_large(tmp_path: Path) -> None:
    with proxied("frame", record=tmp_path, record_bytes=3_000) as proxy:
        for _ in range(12):
            proxy.chat()
        until(lambda: len(_records(tmp_path)) == 12)

    sizes = [file.stat().st_size for file in tmp_path.iterdir()]
    assert len(sizes) > 2
    assert max(sizes) <= 3_000


def test_a_disk_that_is_full_costs_records_and_no_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with proxied("frame", record=tmp_path, record_bytes=1) as proxy:
        proxy.chat()
        until(lambda: len(_records(tmp_path)) == 1)
        monkeypatch.setattr(Recorder, "_next", full)
        assert {proxy.chat().status_code for _ in range(2)} == {200}
        until(lambda: proxy.metric("cogtrace_record_failures_total") == 2)
    assert capfd.readouterr().err.count("No space left on device") == 1


def test_the_log_has_a_line_for_each_request_and_no_text(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with proxied(log=True) as proxy:
        proxy.chat("SECRET-TEXT", model="tiny+say")
        proxy.chat("SECRET-TEXT", model="tiny+nothing")
        proxy.http.get("/v1/SECRET-TEXT")
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]

    found = [(line["route"], line["status"]) for line in lines if line["event"] == "request"]
    assert found == [("chat", 200), ("chat", 400), ("other", 404)]
    assert lines[0]["plugins"] == ["say"]
    assert (lines[0]["calls"], lines[0]["tokens"] > 0) == (2, True)
    assert lines[0]["ms"] >= lines[0]["upstream_ms"] > 0
    assert "SECRET" not in json.dumps(lines)


def test_there_is_no_log_unless_it_is_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    with proxied() as proxy:
        proxy.chat(model="tiny+say")
        proxy.post(b"{")

    assert capfd.readouterr().err == ""


_SAMPLE = re.compile(r'[a-z_]+(\{([a-z_]+="(\\.|[^"\\\n])*",?)+\})? (\d+(\.\d+)?|\+Inf)')


def test_metrics_are_in_prometheus_text_and_add_up() -> None:
    with proxied() as proxy:
        proxy.upstream.always = answer(usage={"prompt_tokens": 7, "completion_tokens": 3})
        for _ in range(3):
            proxy.chat(model="tiny+say")
        proxy.post(b"{")
        reply = proxy.http.get("/metrics")

        assert reply.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        for line in reply.text.splitlines():
            assert line.startswith("# ") or _SAMPLE.fullmatch(line), line
        assert proxy.metric('cogtrace_requests_total{route="chat",status="200"}') == 3
        assert proxy.metric('cogtrace_requests_total{route="chat",status="400"}') == 1
        assert proxy.metric('cogtrace_tokens_total{plugin="say",kind="prompt"}') == 21
        assert proxy.metric('cogtrace_tokens_total{plugin="pipeline",kind="completion"}') == 9
        assert proxy.metric('cogtrace_calls_total{plugin="say"}') == 3
        assert proxy.metric('cogtrace_overhead_seconds_count{route="chat"}') == 3
        assert proxy.metric('cogtrace_overhead_seconds_bucket{route="chat",le="+Inf"}') == 3


def test_workers_figures_are_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    own, other = Metrics(tmp_path), Metrics(tmp_path)
    for metrics, count in ((own, 2), (other, 3)):
        metrics.add("cogtrace_calls_total", (("plugin", 'a"b\n'),), count)
        metrics.observe(0.002, (("route", "chat"),))
    pid = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: pid + 1)
    other.share()
    monkeypatch.undo()
    own.share()

    text = own.text().decode()

    assert 'cogtrace_calls_total{plugin="a\\"b\\n"} 5' in text
    assert 'cogtrace_overhead_seconds_count{route="chat"} 2' in text


def test_the_proxy_describes_itself() -> None:
    with proxied() as proxy:
        found = proxy.http.get("/openapi.json").json()

        for path, operations in found["paths"].items():
            for method in operations:
                reply = proxy.http.request(method, path.format(name="tiny"), content=b"{}")
                assert reply.status_code != 405, path
                assert "wrong_path" not in reply.text, path
                assert str(reply.status_code) in operations[method]["responses"]


def test_the_overhead_does_not_count_the_upstreams_time() -> None:
    from loopback import wait

    with proxied() as proxy:
        proxy.upstream.always = wait(0.3)
        for model in ("tiny", "tiny+say"):
            _fast(proxy, model)


def _fast(proxy: Proxied, model: str) -> None:
    name = 'cogtrace_overhead_seconds_sum{route="chat"}'
    before = proxy.metric(name)
    proxy.chat(model=model)
    assert proxy.metric(name) - before < 0.25

"""Size and speed of the trace browser of a report, in a real Chromium.

    python benchmarks/bench_browser.py [--traces 5000] [--keep DIR]

The traces are made up: about 3 kB of words drawn by Zipf's law, in which gzip finds less
to save than in real reasoning (2.6 times smaller, not 4), with cues of the taxonomy among
them, annotated by the bundled annotator. Times of a key are from the event to the frame
that shows its result, the pause that a search waits for more keys included; they grow when
other work keeps the machine busy, the CPU time of the page's thread does not.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from cogtrace.corpora.report.browser import BrowserParts, browser_parts
from cogtrace.taxonomy import load_taxonomy

_LETTERS = "etaoinshrdlucmfwypvbgk"
_COLOURS = "bg:#fff fg:#111 muted:#666 line:#ddd accent:#06c panel:#f6f6f6".split()


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--traces", type=int, default=5_000)
    parser.add_argument("--keep", type=Path, help="folder of the made-up job, made if missing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        job = folder / "job"
        if not job.exists():
            make_job(folder, options.traces)
        began = time.perf_counter()
        parts = browser_parts([job])
        took = time.perf_counter() - began
        page = folder / "page.html"
        page.write_text(_page(parts), encoding="utf-8")
        print(f"{options.traces:,} traces, packed in {took:.1f} s")
        print(f"  page                {page.stat().st_size / 1e6:8.1f} MB (target 15)")
        _measure(page, Path(temporary) / "profile")


def make_job(folder: Path, count: int) -> None:
    """Write made-up traces, and annotate them."""
    folder.mkdir(parents=True, exist_ok=True)
    traces = folder / "traces.jsonl"
    draw = np.random.default_rng(3)
    with traces.open("w", encoding="utf-8") as file:
        for text in _texts(count, draw):
            row = {
                "trace_id": f"trace-{draw.integers(1 << 40):011x}",
                "text": text,
                "question": text[:200],
                "model": f"model-{draw.integers(6)}",
                "problem_type": f"type-{draw.integers(13)}",
                "correct": bool(draw.random() < 0.6),
            }
            file.write(json.dumps(row) + "\n")
    command = [sys.executable, "-m", "cogtrace", "annotate", traces, "--out", folder / "job"]
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


def _texts(count: int, draw: np.random.Generator) -> list[str]:
    cues = [
        cue.text
        for element in load_taxonomy().elements
        for cue in element.cues
        if cue.strength == "strong" and "..." not in cue.text
    ]
    sizes = np.clip(draw.poisson(5, 20_000), 1, 14)
    words = ["".join(draw.choice(list(_LETTERS), size=size)) for size in sizes]
    chances = 1 / np.arange(1, len(words) + 1)
    chances /= chances.sum()
    texts = []
    for _ in range(count):
        sentences = []
        for _ in range(max(3, int(draw.normal(27, 8)))):
            drawn = [words[at] for at in draw.choice(len(words), size=17, p=chances)]
            if draw.random() < 0.95:
                drawn.insert(0, cues[draw.integers(len(cues))])
            sentences.append(" ".join(drawn).capitalize() + ".")
        breaks = np.where(draw.random(len(sentences)) < 0.2, "\n\n", " ")
        texts.append("".join(s + str(b) for s, b in zip(sentences, breaks, strict=True)))
    return texts


def _page(parts: BrowserParts) -> str:
    colours = ";".join(f"--{pair}" for pair in _COLOURS)
    more = ";".join(f"--c{number}:hsl({number * 30} 60% 40%)" for number in range(12))
    return (
        f'<!DOCTYPE html><meta charset="utf-8"><title>Traces</title>'
        f"<style>:root{{{colours};{more}}}{parts.style}</style>{parts.html}"
        f'<script type="application/octet-stream" id="trace-data">{parts.data}</script>'
        f"<script>{parts.script}</script>"
    )


def _measure(page: Path, profile: Path) -> None:
    options = webdriver.ChromeOptions()
    for option in ("--headless=new", "--no-sandbox", "--window-size=1400,950"):
        options.add_argument(option)
    options.add_argument(f"--user-data-dir={profile}")
    browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    try:
        browser.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
        browser.get(page.resolve().as_uri())
        WebDriverWait(browser, 60).until(
            lambda _: browser.execute_script(
                "return performance.getEntriesByName('traces-ready').length"
            )
        )
        shown = browser.execute_script(
            "return [performance.getEntriesByName('first-contentful-paint')[0].startTime,"
            "performance.getEntriesByName('traces-ready')[0].startTime]"
        )
        print(f"  first paint         {shown[0]:8.0f} ms")
        print(f"  list is there       {shown[1]:8.0f} ms (target 1,000)")
        for name, script in (
            ("a key in the search", _SEARCH),
            ("from trace to trace", _STEP),
            ("a frame of scrolling", _SCROLL),
        ):
            before = _work(browser)
            times = browser.execute_async_script(_FRAME + script)
            _print(name, times, (_work(browser) - before) / len(times))
        heap = browser.execute_cdp_cmd("Runtime.getHeapUsage", {})["usedSize"]
        print(f"  memory of the script{heap / 1e6:8.0f} MB")
    finally:
        browser.quit()


def _work(browser: webdriver.Chrome) -> float:
    """Return the milliseconds of CPU that the page's thread has used."""
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return 1000 * next(float(m["value"]) for m in metrics if m["name"] == "TaskDuration")


def _print(name: str, times: list[float], work: float) -> None:
    print(
        f"  {name:20}{statistics.median(times):8.0f} ms median {max(times):6.0f} ms at most "
        f"{work:6.1f} ms of CPU on average"
    )


_FRAME = """
const done = arguments[arguments.length - 1];
const frame = () => new Promise((next) => requestAnimationFrame(() => setTimeout(next)));
const changed = (node) => new Promise((next) => {
  const watch = new MutationObserver(() => { watch.disconnect(); next(); });
  watch.observe(node, { childList: true });
});
const times = [];
"""
# Queries are words of the text of the trace on show, typed letter by letter.
_SEARCH = """
(async () => {
  const text = document.querySelector(".tb-text").textContent.toLowerCase();
  const words = text.match(/[a-z]{4,}/g).slice(0, 12);
  const query = document.querySelector(".tb-query");
  for (const word of [...words, words.slice(0, 3).join(" ")]) {
    for (let size = 1; size <= word.length; size += 1) {
      const began = performance.now();
      const answer = changed(document.querySelector(".tb-count"));
      query.value = word.slice(0, size);
      query.dispatchEvent(new Event("input"));
      await answer;
      await frame();
      times.push(performance.now() - began);
    }
  }
  document.querySelector(".tb-clear").click();
  done(times);
})();
"""
_STEP = """
(async () => {
  for (let number = 0; number < 60; number += 1) {
    const began = performance.now();
    document.querySelector(".tb-next").click();
    await frame();
    times.push(performance.now() - began);
  }
  done(times);
})();
"""
_SCROLL = """
(async () => {
  const box = document.querySelector(".tb-list");
  for (let number = 0; number < 200; number += 1) {
    const began = performance.now();
    box.scrollTop += 700;
    await new Promise((next) => requestAnimationFrame(next));
    times.push(performance.now() - began);
  }
  done(times);
})();
"""


if __name__ == "__main__":
    main()

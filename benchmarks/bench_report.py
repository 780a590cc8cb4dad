"""Time and size of `cogtrace report` on a job that is made up for it.

    python benchmarks/bench_report.py [--traces 5000] [--draws 1000] [--keep DIR]

The traces are those of bench_browser.py, which measures the page in a web browser: first
paint, search and scrolling.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from bench_browser import make_job

from cogtrace.corpora.report import FORMATS, build_report, read_input, write_report
from cogtrace.corpora.statistics import Settings


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--traces", type=int, default=5_000)
    parser.add_argument("--draws", type=int, default=1_000)
    parser.add_argument("--keep", type=Path, help="folder of the made-up job, made if missing")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        if not (folder / "job").exists():
            make_job(folder, options.traces)
        _measure(folder, options.draws)


def _measure(folder: Path, draws: int) -> None:
    began = time.perf_counter()
    settings = Settings(bootstrap=draws, compare=("model-0", "*"))
    source = read_input([folder / "job"], settings=settings)
    computed = time.perf_counter()
    groups = len(source.groups)
    print(f"{source.everything.n:,} traces, {groups} groups and a comparison, {draws:,} draws")
    print(f"  reading and computing {computed - began:8.1f} s")
    report = build_report(source)
    print(f"  building sections     {time.perf_counter() - computed:8.1f} s")
    for form in FORMATS:
        target = folder / f"report.{form}"
        began = time.perf_counter()
        problems = write_report(report, target, form)
        took = time.perf_counter() - began
        size = target.stat().st_size / 1e6
        print(f"  writing {form:4}          {took:8.1f} s {size:8.1f} MB")
        if problems:
            sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()

"""What the pages about guidance tell a reader to run can be run, with a scripted model."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from in_process import InProcess

from cogtrace.corpora.sample import sample_path
from cogtrace.plugins.pipeline import make_plan
from cogtrace.plugins.pipeline.plan_file import read_plan_file

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("guidance", *(f"plugins/{path.stem}" for path in sorted(DOCS.glob("plugins/*.md"))))
ELSEWHERE = ("plugins/tutorial", "plugins/hooks")  # have tests of their own

pytestmark = pytest.mark.skipif(not DOCS.exists(), reason="only a checkout has the pages")

TASKS = [
    {"task_id": f"q{n}", "question": f"What is {n} + 1?", "answer": str(n + 1)} for n in range(4)
]
RULES = {"rules": [{"id": "count", "when": {"is_number": False}}]}
SOLVED = {"problem": "What is the sum of 5 and 6?", "solution": "5 + 6 = 11"}


def _text(page: str) -> str:
    return (DOCS / f"{page}.md").read_text(encoding="utf-8")


def _commands(page: str) -> list[str]:
    """Return the commands of a page, the model replaced by a scripted one."""
    found = re.findall(r"^    (cogtrace .*)$", _text(page), re.MULTILINE)
    there = r"--engine openai(?: --base-url \S+)? --model NAME"
    return [re.sub(there, "--engine scripted", command) for command in found]


def _snippets(page: str) -> Iterator[str]:
    for code in re.findall(r"^```python\n(.*?)^```", _text(page), re.MULTILINE | re.DOTALL):
        yield code.replace('engine="openai", model="NAME"', 'engine="scripted"')


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> InProcess:
    """Return the command line, in a folder with the files that the pages speak of."""
    monkeypatch.chdir(tmp_path)
    Path("tasks.jsonl").write_text("".join(f"{json.dumps(task)}\n" for task in TASKS))
    Path("answers.json").write_text(json.dumps({"q1": "the left one"}))
    Path("rules.json").write_text(json.dumps(RULES))
    # As many traces as structures need, of a corpus of somebody's own.
    traces = [json.loads(line) for line in sample_path().read_text(encoding="utf-8").splitlines()]
    many = [{**row, "trace_id": f"{row['trace_id']}/{n}"} for row in traces for n in range(6)]
    Path("traces.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in many))
    Path("solved.jsonl").write_text(json.dumps(SOLVED) + "\n")
    return InProcess(monkeypatch, capsys)


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ELSEWHERE])
def test_the_commands_of_a_page_do_what_they_are_said_to(page: str, run: InProcess) -> None:
    for command in _commands(page):
        done = run(*shlex.split(command)[1:])
        assert done.returncode == 0, f"{command}\n{done.stderr}"


@pytest.mark.parametrize("page", ["guidance", "plugins/README", "plugins/abduce"])
def test_the_python_of_a_page_runs(page: str, run: InProcess) -> None:
    done = run(
        *("guide", "tasks.jsonl", "--with", "vote:samples=4", "--engine", "scripted"),
        *("-o", "guided"),
    )
    assert done.returncode == 0, done.stderr

    codes = list(_snippets(page))

    assert codes
    for code in codes:
        exec(compile(code, page, "exec"), {})


def test_the_plan_file_of_the_page_is_a_plan(tmp_path: Path) -> None:
    (found,) = re.findall(r"^```yaml\n(.*?)^```", _text("guidance"), re.MULTILINE | re.DOTALL)
    (tmp_path / "plan.yaml").write_text(found)

    plan = read_plan_file(tmp_path / "plan.yaml")

    assert str(make_plan(plan.plugins)) == "restate,analogy"
    assert plan.sampling == {"samples": 5, "temperature": 0.7}

"""The page: head with its security policy, contents, sections, and the trace browser."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from cogtrace import __version__
from cogtrace.corpora.report.browser import BrowserParts, browser_parts
from cogtrace.corpora.report.building import Part, Report, broken
from cogtrace.corpora.report.html.blocks import Blocks, text
from cogtrace.sections import Notice, Section

# What the page may do: run and be styled by exactly what is in it; show pictures that are
# in it; load nothing, send nothing, be based on nothing.
_POLICY: Final = (
    "default-src 'none'; script-src {scripts}; style-src {styles}; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)

_TRACES: Final = "section-traces"  # the id of the trace browser's section


@dataclass(frozen=True, slots=True)
class Page:
    """A page, and what could not be shown on it."""

    content: str
    problems: tuple[str, ...]


def to_html(report: Report) -> Page:
    """Return a report as one page.

    Raises:
        OptionError: what draws charts is not installed.
    """
    problems = list(report.problems)
    sections = []
    names = _ids(part.name for part in report.parts)
    for name, part in zip(names, report.parts, strict=True):
        drawn, problem = _section(name, part)
        sections.append(drawn)
        problems += [problem] if problem else []
    links = [(name, part.title) for name, part in zip(names, report.parts, strict=True)]
    scripts, styles, data = [_own("script.js")], [_own("style.css")], ""
    if report.source.max_traces:
        browser = _browser(report)
        links.append((_TRACES, "The traces"))
        sections.append(_traces(browser))
        scripts.append(browser.script)
        styles.append(browser.style)
        data = f'<script type="application/octet-stream" id="trace-data">{browser.data}</script>'
    content = _PAGE.format(
        policy=_POLICY.format(scripts=_hashes(scripts), styles=_hashes(styles)),
        title=text(report.title),
        styles="".join(f"<style>{style}</style>" for style in styles),
        links="".join(
            f'<li><a href="#{text(name)}">{text(title)}</a></li>' for name, title in links
        ),
        problems="".join(_notice(problem) for problem in report.missing),
        sections="\n".join(sections),
        version=text(__version__),
        data=data,
        scripts="".join(f"<script>{script}</script>" for script in scripts),
    )
    return Page(content, tuple(problems))


def _section(name: str, part: Part) -> tuple[str, str | None]:
    """Return a section, and what is wrong where a plugin's cannot be drawn."""
    problem = None
    try:
        body = Blocks(name).section(part.section)
    except Exception as error:  # a plugin's chart may raise anything; ours must not
        if part.built_in:
            raise
        problem = broken(part.name, part.package, error)
        body = Blocks(name).section(Section(blocks=(Notice(problem, "warning"),)))
    origin = "" if part.built_in else f'<p class="small">From {text(part.package)}.</p>'
    return (
        f'<section id="{text(name)}" aria-labelledby="{text(name)}-title">'
        f'<h2 id="{text(name)}-title">{text(part.title)}</h2>{origin}{body}</section>',
        problem,
    )


def _traces(browser: BrowserParts) -> str:
    note = "" if browser.note is None else f"<p>Shown is {text(browser.note)}.</p>"
    return (
        f'<section id="{_TRACES}" aria-labelledby="{_TRACES}-title">'
        f'<h2 id="{_TRACES}-title">The traces</h2>{note}{browser.html}</section>'
    )


def _ids(names: Iterable[str]) -> list[str]:
    """Return ids for sections, no two alike and none that of the trace browser."""
    taken = {_TRACES: None}
    for name in names:
        first = found = f"section-{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-')}"
        number = 1
        while found in taken:
            number += 1
            found = f"{first}-{number}"
        taken[found] = None
    return list(taken)[1:]


def _notice(problem: str) -> str:
    return Blocks("problem").block(Notice(problem, "warning"))


def _browser(report: Report) -> BrowserParts:
    source = report.source
    return browser_parts(
        source.folders,
        max_traces=source.max_traces,
        seed=int(source.statistics.parameters["seed"]),
        where=source.where,
    )


def _own(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _hashes(contents: list[str]) -> str:
    digests = (hashlib.sha256(content.encode()).digest() for content in contents)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


_PAGE: Final = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{title} – cogtrace report</title>
{styles}
</head>
<body>
<a class="skip" href="#main">To the report</a>
<header>
<p class="kind">Cognitive elements in reasoning traces</p>
<h1>{title}</h1>
<button type="button" id="theme" hidden></button>
</header>
<div class="columns">
<nav aria-label="Contents"><ol>{links}</ol></nav>
<main id="main" tabindex="-1">
{problems}
{sections}
</main>
</div>
<footer><p>Made by cogtrace {version}. This page loads nothing and sends nothing.</p></footer>
{data}
{scripts}
</body>
</html>
"""

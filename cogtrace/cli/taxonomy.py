"""`cogtrace taxonomy`: look at a taxonomy, and check one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cogtrace.cli.console import console, err, out, out_json, until_read
from cogtrace.cli.options import STYLE, AsJson, TaxonomyFile, option
from cogtrace.printable import printable

if TYPE_CHECKING:
    from cogtrace.taxonomy import Element

app = typer.Typer(
    help="Look at the elements, and check a taxonomy of your own.", no_args_is_help=True, **STYLE
)


@app.command("list")
@until_read
def list_elements(taxonomy: TaxonomyFile = None, as_json: AsJson = False) -> None:
    """List the elements by dimension. With --json, print the whole taxonomy as one file."""
    from rich.table import Table

    from cogtrace.taxonomy import load_taxonomy

    found = load_taxonomy(taxonomy)
    if as_json:
        out_json(found)
        return
    screen = console()
    facts = f"({found.id} {found.version}, {len(found.elements)} elements)"
    screen.print(f"[bold]{_safe(found.name)}[/] {_safe(facts)}\n")
    for dimension in found.dimensions:
        table = Table(box=None, padding=(0, 2), show_header=False, title_justify="left")
        table.title = f"[bold]{_safe(dimension.name)}[/]: {_safe(dimension.definition)}"
        table.add_column(style="cyan", no_wrap=True)
        table.add_column()
        for element in found.in_dimension(dimension.id):
            table.add_row(_safe(element.id), _safe(element.definition))
        screen.print(table)
        screen.print()
    out("More on one: cogtrace taxonomy show ELEMENT")


@app.command("show")
@until_read
def show_element(
    name: Annotated[str, typer.Argument(metavar="ELEMENT", help="Id or alias of an element.")],
    taxonomy: TaxonomyFile = None,
    as_json: AsJson = False,
) -> None:
    """Show one element: definition, rubric, cues, worked examples."""
    from cogtrace.taxonomy import load_taxonomy

    element = load_taxonomy(taxonomy).element(name)
    if as_json:
        out_json(element)
    else:
        _print_element(element)


@app.command("lint")
@until_read
def lint(
    source: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Taxonomy file or folder; the bundled one by default."),
    ] = None,
    strict: Annotated[bool, option("--strict", help="Exit 1 on warnings too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a taxonomy: schema, names, quotes, scores, and cues against its own examples.

    Exit codes: 0 clean, 1 problems found, 2 the file cannot be read.
    """
    from cogtrace.taxonomy.lint import lint_taxonomy

    findings = lint_taxonomy(source)
    if as_json:
        out_json(findings)
    else:
        for finding in findings:
            out(printable(f"{finding.level}: {finding.place}: {finding.message}"))
    errors = sum(finding.level == "error" for finding in findings)
    err(f"{source or 'bundled taxonomy'}: {errors} errors, {len(findings) - errors} warnings")
    if errors or (strict and findings):
        raise typer.Exit(1)


def _print_element(element: Element) -> None:
    from rich.padding import Padding

    screen = console()
    place = " · ".join(p for p in (element.dimension, element.group, element.marr_level) if p)
    screen.print(f"[bold cyan]{_safe(element.name)}[/] ({_safe(element.id)}; {_safe(place)})")
    if element.aliases:
        screen.print(f"also called {_safe(', '.join(element.aliases))}", style="dim")
    screen.print()
    screen.print(Padding(_safe(element.definition), (0, 0, 1, 2)))
    _print_list("Indicators", [_safe(text) for text in element.indicators])
    _print_list("Scores", [f"[bold]{_safe(k)}[/] {_safe(v)}" for k, v in element.rubric.items()])
    by_strength = {
        strength: [cue.text for cue in element.cues if cue.strength == strength]
        for strength in ("strong", "medium", "weak")
    }
    _print_list(
        f"Cues ({len(element.cues)})",
        [f"[bold]{s}[/] {_safe(' · '.join(found))}" for s, found in by_strength.items() if found],
    )
    examples = []
    for example in element.examples:
        label = "hard negative" if example.hard_negative else f"score {example.score}"
        text = _safe(example.text)
        for quote in example.quotes:
            text = text.replace(_safe(quote), f"[green]{_safe(quote)}[/]")
        why = f"\n[dim]{_safe(example.why)}[/]" if example.why else ""
        examples.append(f"[bold]{label}[/] ({_safe(example.domain or '-')}) {text}{why}")
    _print_list("Examples", examples)
    _print_list(
        "Not to be confused with",
        [f"[cyan]{_safe(r.element)}[/] {_safe(r.difference)}" for r in element.related],
    )
    _print_list("Sources", [_safe(text) for text in element.sources])


def _print_list(title: str, items: list[str]) -> None:
    from rich.padding import Padding

    if not items:
        return
    screen = console()
    screen.print(f"[bold underline]{title}[/]")
    for item in items:
        screen.print(Padding(item, (0, 0, 0, 2)))
    screen.print()


def _safe(text: str) -> str:
    """Return text from a taxonomy as markup that shows it and does nothing else."""
    from rich.markup import escape

    return escape(printable(text))

"""The verbs of the program: a table, and a group of commands that loads only what is asked for.

Each verb is a module of this folder with a function of the same name, or with an `app` that
has verbs of its own. Showing the list of verbs loads none of them, so it stays quick however
many there are; running one loads its module alone.
"""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from cogtrace.cli.options import STYLE

if TYPE_CHECKING:
    from collections.abc import Iterator

_ANNOTATE: Final = "Annotate"
_LOOK: Final = "Look at a corpus"
_GUIDE: Final = "Guide models"
_TRUST: Final = "Trust"
_LEARN: Final = "What there is"


@dataclass(frozen=True, slots=True)
class Verb:
    """A verb as the list shows it; its own help says more."""

    name: str
    panel: str
    summary: str

    @property
    def module(self) -> str:
        """The module that holds it."""
        word = self.name.replace("-", "_")
        return f"cogtrace.cli.{word}_" if word == "import" else f"cogtrace.cli.{word}"


VERBS: Final = (
    Verb("annotate", _ANNOTATE, "Annotate traces with the elements of a taxonomy."),
    Verb("plan", _ANNOTATE, "Estimate requests, tokens, time and money of a job beforehand."),
    Verb("status", _ANNOTATE, "Show how far a job is, and what it cost."),
    Verb("verify", _ANNOTATE, "Prove that every row is dealt with, and none twice."),
    Verb("import", _ANNOTATE, "Make a job folder of annotations that were made elsewhere."),
    Verb("export", _ANNOTATE, "Write annotations in a form that other programs read."),
    Verb("show", _LOOK, "Show a trace with its spans, in the terminal or as a page."),
    Verb("stats", _LOOK, "Say how often elements are shown, where, and with what success."),
    Verb("structure", _LOOK, "Show which elements follow each other, and what goes with success."),
    Verb("report", _LOOK, "Make one page of it all, with charts and the traces themselves."),
    Verb("guide", _GUIDE, "Put tasks to a model with guidance plugins, and record all of it."),
    Verb("compare", _GUIDE, "Compare arms of guidance: gains, costs, changes in reasoning."),
    Verb("serve", _GUIDE, "Serve an OpenAI-compatible proxy that applies guidance."),
    Verb("plugins", _GUIDE, "See what packages add, check a plugin, begin one of your own."),
    Verb("evaluate", _TRUST, "Say how well annotations agree with a gold, element by element."),
    Verb("sample", _TRUST, "Choose the traces that people should label next."),
    Verb("train", _TRUST, "Train a small annotator on labels you have; it needs no GPU."),
    Verb("package-model", _TRUST, "Make a spaCy package of a trained model, for pip."),
    Verb("taxonomy", _LEARN, "Look at the elements, and check a taxonomy of your own."),
    Verb("formats", _LEARN, "List the formats that can be read and written."),
)


class VerbGroup(TyperGroup):
    """A group whose commands are loaded when they are run, not when they are listed."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = {
            verb.name: TyperCommand(verb.name, help=verb.summary, rich_help_panel=verb.panel)
            for verb in VERBS
        }
        self._listing = False

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a verb: loaded, or only its line while they are listed."""
        known = self.commands.get(cmd_name)
        return known if self._listing or known is None else load(cmd_name)

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Show the list of verbs."""
        self._listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self._listing = False

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Complete the name of a verb."""
        self._listing = True
        try:
            return super().shell_complete(ctx, incomplete)
        finally:
            self._listing = False


@functools.cache
def load(name: str) -> Any:
    """Return the command of a verb, its module imported."""
    verb = next(verb for verb in VERBS if verb.name == name)
    module = importlib.import_module(verb.module)
    inner = getattr(module, "app", None)
    if inner is None:
        # Needed by those that run a verb only.
        from cogtrace.cli.console import until_read
        from cogtrace.cli.flags import spread

        function = getattr(module, verb.module.rpartition(".")[2])
        inner = typer.Typer(**STYLE)
        inner.command(name)(until_read(spread(function)))
    command = typer.main.get_command(inner)
    command.name = name
    return command


def loaded() -> Iterator[tuple[Verb, Any]]:
    """Yield every verb with its command; for tests and documentation."""
    for verb in VERBS:
        yield verb, load(verb.name)

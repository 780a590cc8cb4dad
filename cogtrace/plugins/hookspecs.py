"""The hooks that a package may implement: the whole contract of cogtrace with its plugins.

A plugin is a module (or any object) with functions of these names, marked with
``@hookimpl`` of `cogtrace.extensions`. A package makes it known by an entry point::

    [project.entry-points.cogtrace]
    acme = "acme_cogtrace.plugin"

Hooks are called once, when extensions are first asked for. A plugin should import heavy
things only in the functions that build, not when it is loaded: it is loaded by each
command that needs any extension. A plugin that cannot be loaded, or whose hook raises or
returns something else than told here, is reported by name; what it would have provided is
missing, everything else works.
"""

from __future__ import annotations

import pluggy

from cogtrace.extensions import GROUP, AnnotatorKind, EngineKind, ReaderKind, WriterKind
from cogtrace.plugins.guidance import (
    Candidate,
    Choice,
    Clarification,
    Event,
    GuidanceKind,
    Scaffold,
    TaskRun,
    Verdict,
)
from cogtrace.sections import SectionKind

hookspec = pluggy.HookspecMarker(GROUP)


@hookspec
def cogtrace_annotators() -> list[AnnotatorKind]:
    """Offer annotators, to be chosen with ``--annotator NAME``.

    Return a list of `AnnotatorKind`; those of all plugins are kept. A name may be taken
    once only, and never from a built-in. ``build`` gets an `AnnotatorSetup` and returns
    an `Annotator`; it is called in the process that does the work, so it must be a
    function or class that is importable by name. It raises OptionError for options that
    it does not know.
    """
    raise NotImplementedError  # a specification; only implementations are called


@hookspec
def cogtrace_engines() -> list[EngineKind]:
    """Offer language models, to be chosen with ``--engine NAME``.

    Return a list of `EngineKind`; names as for annotators. ``build`` gets the
    `EngineSettings` and returns an `Engine`; it must be importable by name, and cheap:
    connecting and loading belong into the engine's ``start``. It raises OptionError for
    arguments (``--engine-arg``) that it does not know.
    """
    raise NotImplementedError  # a specification; only implementations are called


@hookspec
def cogtrace_readers() -> list[ReaderKind]:
    """Offer file formats, to be chosen with ``--format NAME`` or by a file's name.

    Return a list of `ReaderKind`; names as for annotators. ``read`` must be importable by
    name; it gets the path of an input and yields a `RawRow` for each of its rows, columns
    by name. One that ``gives`` annotations is chosen with ``cogtrace import --from NAME``;
    its rows carry `Labels` as well.
    """
    raise NotImplementedError  # a specification; only implementations are called


@hookspec
def cogtrace_writers() -> list[WriterKind]:
    """Offer forms of export, to be chosen with ``cogtrace export --to NAME``.

    Return a list of `WriterKind`; names as for annotators. ``write`` must be importable by
    name; it gets pairs of trace and annotation and the taxonomy, and yields text, or bytes
    if it is ``binary``.
    """
    raise NotImplementedError  # a specification; only implementations are called


@hookspec
def cogtrace_guidance() -> list[GuidanceKind]:
    """Offer guidance plugins, to be chosen with ``--with NAME`` or ``--with NAME:option=value``.

    Return a list of `GuidanceKind`; names as for annotators. ``build`` gets the options
    and returns an object that implements some of the hooks below. Those are called for
    each task, in the order in which they stand here, plugin by plugin in the order of
    ``--with``. Each may be a plain or an async function, and may leave out arguments that
    it does not need. A hook that raises, takes too long or returns something else than
    told here ends its task, which is recorded with plugin, hook and reason; other tasks
    go on.
    """
    raise NotImplementedError  # a specification; only implementations are called


@hookspec
def cogtrace_clarify(run: TaskRun) -> Clarification | None:
    """Ask back, if the task as it stands cannot be solved or means several things.

    Called first, once per task. Return a `Clarification`, or None to stay silent. One
    plugin of a run may implement this. The question goes to whoever answers for the run
    (a file, a function, a person); with an answer, both are put to the model with the
    task; without one, the question is what the run returns.

    Example: the task names a "second figure" and its context has only one.
    """
    raise NotImplementedError  # a specification; only implementations are called


@hookspec
def cogtrace_scaffolds(run: TaskRun) -> Scaffold | list[Scaffold] | str | None:
    """Offer blocks of text that stand with the question when the task is solved.

    Called once per task. Return one `Scaffold` or a list of them; a string is a block
    before the question; None adds nothing. Blocks of all plugins are kept, in the order
    of ``--with``; a later plugin sees those of earlier ones in ``run.scaffolds``. The
    question itself stands as it was given, after all blocks "before".

    Example: the problem in the model's own words, asked for with ``run.ask``.
    """
    raise NotImplementedError  # a specification; only implementations are called


@hookspec
def cogtrace_solve(run: TaskRun) -> list[Candidate] | None:
    """Solve the task in a way of your own: debate, several drafts, another model.

    Called once per task. Return candidates, at least one, their ids unique. One plugin of
    a run may implement this; where none does, ``run.sampling.samples`` answers to
    ``run.messages()`` are the candidates. The pipeline looks for the short answers that they
    lack; in a text that was cut off (``finish``) only for one that is stated whole.

    Example: three drafts with ``run.ask(run.messages(), samples=3)``, then one that is
    written with all three in view.
    """
    raise NotImplementedError  # a specification; only implementations are called


@hookspec
def cogtrace_judge(run: TaskRun, candidates: tuple[Candidate, ...]) -> list[Verdict] | None:
    """Say which candidates to keep, to drop or to weigh, and why.

    Called once per task, with all candidates. Return a `Verdict` for each candidate that
    there is something to say about; None says nothing. Verdicts of all plugins count: who
    is dropped by one is out, and weights are multiplied. Judges do not see each other's
    verdicts.

    Example: drop the candidates that break a rule of the domain.
    """
    raise NotImplementedError  # a specification; only implementations are called


@hookspec
def cogtrace_choose(
    run: TaskRun, candidates: tuple[Candidate, ...], verdicts: tuple[Verdict, ...]
) -> Choice | None:
    """Choose the answer among the candidates that were kept.

    Called once per task, with the candidates that no judge dropped and with all verdicts.
    One plugin of a run may implement this; where none does, or where it returns None, the
    answer with the greatest sum of weights is chosen.

    Example: the answer of the most confident candidate.
    """
    raise NotImplementedError  # a specification; only implementations are called


@hookspec
def cogtrace_observe(run: TaskRun, event: Event) -> None:
    """Watch what happens to a task; nothing can be changed here.

    Called after each step of a task with an `Event`, for all plugins. What is returned is
    ignored; what is raised is recorded with the task, which goes on.

    Example: count how often the model's restatement was cut off.
    """
    raise NotImplementedError  # a specification; only implementations are called


@hookspec
def cogtrace_report_sections() -> list[SectionKind]:
    """Offer sections of ``cogtrace report``, shown after the built-in ones.

    Return a list of `SectionKind`; names as for annotators. ``build`` must be importable by
    name; it gets a `cogtrace.corpora.report.ReportInput` and returns a `Section`, or None to
    leave it out. A section that raises is replaced by a notice that names its plugin.
    """
    raise NotImplementedError  # a specification; only implementations are called

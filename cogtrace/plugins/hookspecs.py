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
    name; it gets pairs of trace and annotation and the taxonomy, and yields text.
    """
    raise NotImplementedError  # a specification; only implementations are called

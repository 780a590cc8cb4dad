"""`cogtrace plugins`: see what is installed, look at a guidance plugin, check one, begin one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cogtrace.cli.console import err, out, out_json, until_read
from cogtrace.cli.options import STYLE, AsJson, option
from cogtrace.printable import printable

if TYPE_CHECKING:
    from cogtrace.plugins.describing import GuidanceShown, Listed
    from cogtrace.plugins.testing import Finding

app = typer.Typer(
    help="See what packages add to cogtrace, check a guidance plugin, begin one of your own.",
    no_args_is_help=True,
    **STYLE,
)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a guidance plugin.")]


@app.command("list")
@until_read
def list_plugins(as_json: AsJson = False) -> None:
    """List all plugins, built in and installed: what they offer, and what is wrong with them.

    A plugin that is broken stops nobody who does not need it. `COGTRACE_PLUGINS=a,b` loads
    only these of the installed ones, `COGTRACE_PLUGINS=` none. `COGTRACE_TRACE_HOOKS=1`
    shows every call of a guidance hook while a run goes on.
    """
    from cogtrace.plugins import extensions
    from cogtrace.plugins.describing import list_plugins

    plugins = list_plugins(extensions())
    if as_json:
        out_json(plugins)
        return
    for plugin in plugins:
        _print_listed(plugin)
    out("More on a guidance plugin: cogtrace plugins info NAME")
    for plugin in plugins:
        for problem in plugin.problems:
            err(f"warning: plugin {plugin.name!r} of {plugin.package}: {problem}")


@app.command("info")
@until_read
def info(name: Name, as_json: AsJson = False) -> None:
    """Show what a guidance plugin does, its options, what it costs, and how to run it.

    Example: `cogtrace plugins info restate`
    """
    from cogtrace.plugins import extensions
    from cogtrace.plugins.describing import describe

    found = extensions()
    kind = found.guidance(name, "guidance plugin")
    shown = describe(kind, found.package(kind))
    if as_json:
        out_json(shown)
    else:
        _print_info(shown)


@app.command("check")
@until_read
def check(
    plugin: Annotated[
        str, typer.Argument(metavar="NAME", help="As in --with: NAME or NAME:option=value.")
    ],
    as_json: AsJson = False,
) -> None:
    """Try whether a guidance plugin keeps what every plugin must keep.

    It is run on plain, empty, very long and hostile tasks, with a model that answers well
    and with many that do not; no real model is asked. The same properties are tests for
    pytest: `cogtrace.plugins.testing`.

    Example: `cogtrace plugins check restate`

    Exit codes: 0 it keeps all, 1 it breaks some, 2 there is no such plugin.
    """
    from cogtrace.errors import OptionError
    from cogtrace.plugins import extensions
    from cogtrace.plugins.pipeline import make_plan
    from cogtrace.plugins.pipeline.parsing import parse_with
    from cogtrace.plugins.testing import check_plugin

    wanted = parse_with(plugin)
    if len(wanted) > 1:
        raise OptionError(f"{plugin}: names {len(wanted)} plugins; check them one by one")
    name, options = wanted[0]
    kind = extensions().guidance(name, "guidance plugin")
    if options or kind.options.get("required"):
        make_plan([(kind, options)])  # impossible ones are the fault of who gives them
    findings = []
    for finding in check_plugin(kind, options):
        findings.append(finding)
        if not as_json:
            _print_finding(finding)
    if as_json:
        out_json(findings)
    failed = sum(not finding.passed for finding in findings)
    err(f"{name}: {len(findings) - failed} of {len(findings)} properties kept")
    if failed:
        raise typer.Exit(1)


@app.command("new")
@until_read
def new(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="In small letters, with hyphens: two-views.")
    ],
    folder: Annotated[
        Path,
        option("--dir", metavar="DIR", envvar="COGTRACE_NEW_DIR", help="Where to put the package."),
    ] = Path(),
) -> None:
    """Write a package with a guidance plugin in it, which works as it is written.

    `cogtrace plugins new two-views` makes the folder `cogtrace-two-views` with plugin,
    options, prompt and tests. Nothing that is there is overwritten.
    """
    from cogtrace.plugins.scaffolding import write_package

    made = write_package(name, folder)
    for path in made.files:
        out(printable(str(path)))
    err(
        f"Next: pip install -e {made.folder} && cogtrace plugins check {name}; "
        f"then edit {made.module / 'plugin.py'}"
    )


def _print_listed(plugin: Listed) -> None:
    state = "" if plugin.state == "loaded" else f" [{plugin.state}]"
    place = f" ({plugin.origin})" if plugin.origin else ""
    out(printable(f"{plugin.name}  from {plugin.package}{place}{state}"))
    if plugin.hooks:
        out(printable(f"  hooks: {', '.join(plugin.hooks)}"))
    width = max((len(offer.name) for offer in plugin.offers), default=0)
    for offer in plugin.offers:
        names = ", ".join(hook.removeprefix("cogtrace_") for hook in offer.hooks or ())
        hooks = "cannot be built" if offer.hooks is None else names or "needs options"
        more = f" (API {offer.api_version}; {hooks})" if offer.api_version else ""
        out(printable(f"  {offer.what:15}  {offer.name:{width}}  {offer.summary}{more}"))
    out("")


def _print_info(shown: GuidanceShown) -> None:
    solves = "cogtrace_solve" in shown.hooks
    own = "those for the answer among them" if solves else "besides those for the answer"
    lines = [
        f"{shown.name}: {shown.summary}",
        f"  from      {shown.package} ({shown.origin})",
        f"  version   {shown.version}, written for version {shown.api_version} of the hooks",
        f"  hooks     {', '.join(shown.hooks) or 'as its options say'}",
        f"  calls     {'as its options say' if shown.calls is None else shown.calls}"
        f" per task at most, {own}",
        f"  source    {shown.source or '-'}",
        "  raises    " + (", ".join(f"{name} ({id})" for id, name in shown.raises) or "-"),
        "  options",
    ]
    for one in shown.options:
        value = "required" if one.required else f"default {_value(one.default)}"
        lines += [f"    {one.name}: {one.form} ({value})", f"      {one.description}"]
    lines += [
        "    max_calls, max_tokens, timeout: bounds that every plugin has, per task",
        "  example",
        f"    {shown.example}",
    ]
    out(printable("\n".join(lines)))


def _print_finding(finding: Finding) -> None:
    import sys

    mark = "ok    " if finding.passed else "FAILED"
    out(printable(f"{mark}  {finding.statement}"))
    if not finding.passed:
        out(printable(f"        {finding.reason}"))
    sys.stdout.flush()  # the next one may take a while


def _value(value: object) -> str:
    import json

    return "none" if value is None else json.dumps(value, ensure_ascii=False)

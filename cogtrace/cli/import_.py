"""`cogtrace import`: annotations made elsewhere, made into a job folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cogtrace.cli.console import err, out_json
from cogtrace.cli.options import AsJson, Format, Mapping, TaxonomyFile, option

if TYPE_CHECKING:
    from cogtrace.annotator.job import JobFolder
    from cogtrace.corpora.importing import Crosswalk, Imported


def import_(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="Files, or folders of them; also .gz and .zst."),
    ],
    form: Annotated[
        str,
        option(
            "--from",
            metavar="NAME",
            help="Layout of the inputs: reference, label-studio, reasoningflow or schoenfeld; "
            "packages may add more (`cogtrace formats`).",
        ),
    ],
    out: Annotated[Path, option("--out", "-o", metavar="DIR", help="Folder for the result.")],
    traces: Annotated[
        list[str] | None,
        option(
            "--traces",
            metavar="FILE",
            help="The annotated traces, for a layout without their text: files as for annotate, "
            "or a job folder; repeat as needed. Joined by trace id, else by question and model.",
        ),
    ] = None,
    crosswalk: Annotated[
        Path | None,
        option(
            "--crosswalk",
            metavar="FILE",
            help="Rules that turn labels into elements of the taxonomy.",
        ),
    ] = None,
    relations: Annotated[
        str,
        option(
            "--relations",
            metavar="A,B,…",
            help="Which rules of the crosswalk to use: exact, close, broader, narrower, related.",
        ),
    ] = "exact,close",
    taxonomy: TaxonomyFile = None,
    mapping: Mapping = None,
    traces_format: Format = None,
    resume: Annotated[
        bool, option("--resume", help="Go on with the import in --out, or begin it.")
    ] = False,
    allow_quarantine: Annotated[
        bool, option("--allow-quarantine", help="Exit 0 even if something was quarantined.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a job folder of annotations that were made elsewhere.

    Each span is checked against the text. A record that cannot be used is quarantined with
    its file, line and reason, and so is an element of a record; the rest of the file goes
    on. Labels without scores become a taxonomy of their own (taxonomy.json in the folder),
    or elements of the taxonomy by the rules of a crosswalk.

    **Examples**

    - `cogtrace import annotations/ --from reference --traces traces.jsonl --out imported`

    - `cogtrace import labelled.jsonl --from schoenfeld --out own-labels`

    - `cogtrace import labelled.jsonl --from schoenfeld --crosswalk rules.json --out elements`

    **Exit codes**: 0 all of it imported, 1 some quarantined, 2 cannot start, 3 stopped early
    (resume), 130 interrupted (resume).
    """
    from cogtrace.annotator.job import JobFolder
    from cogtrace.corpora.importing import ImportPlan, run_import
    from cogtrace.corpora.readers import parse_mapping
    from cogtrace.plugins import extensions
    from cogtrace.taxonomy import load_taxonomy

    plan = ImportPlan(
        kind=extensions().reader(form, "annotations"),
        paths=tuple(inputs),
        folder=JobFolder(out),
        taxonomy=load_taxonomy(taxonomy),
        crosswalk=_rules(crosswalk, relations),
        texts=tuple(traces or ()),
        form=traces_format,
        overrides=parse_mapping(mapping or []),
        resume=resume,
    )
    done = run_import(plan)
    _tell(plan.folder, done, as_json)
    counts = done.manifest.counts
    if (counts.quarantined or counts.unanswered) and not allow_quarantine:
        raise typer.Exit(1)


def _rules(path: Path | None, relations: str) -> Crosswalk | None:
    if path is None:
        return None
    from cogtrace.corpora.importing.crosswalk import chosen_rules

    return chosen_rules(path, relations)


def _tell(folder: JobFolder, done: Imported, as_json: bool) -> None:
    """Say what came of it."""
    import msgspec

    mapping, counts = done.mapping, done.manifest.counts
    if as_json:
        found = {"out": str(folder.path), "unmapped": mapping.unmapped, "unseen": mapping.unseen}
        out_json(msgspec.to_builtins(done.manifest) | found)
        return
    if mapping.unmapped:
        err(f"labels that no rule names, left out: {', '.join(mapping.unmapped)}")
    if mapping.unseen:
        err(f"labels of rules that the input does not hold: {', '.join(mapping.unseen)}")
    for name, count in done.manifest.tally.items():
        err(f"{name}: {count:,}")
    err(
        f"{counts.traces:,} traces, {counts.spans:,} spans of {len(done.manifest.elements)} "
        f"elements, {counts.duplicates:,} duplicates, {counts.quarantined:,} quarantined"
    )
    _quarantine(folder)
    err(f"written to {folder.path}; look at one with: cogtrace show {folder.path}")


def _quarantine(folder: JobFolder) -> None:
    from cogtrace.annotator.job import JobReader
    from cogtrace.cli.job_summary import losses

    lost = losses(JobReader(folder).quarantined())
    for reason, count in lost.reasons.items():
        err(f"  quarantined {count:,} {reason}, first at {lost.first[reason]}")
    if lost.reasons:
        err(f"  all of them with their reasons: {folder.quarantine}")

"""Where labels come from: the gold corpus, job folders, files of passages."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from cogtrace.annotator.job import JobFolder, JobReader
from cogtrace.corpora.gold import GoldPassage, read_gold
from cogtrace.corpora.readers.streams import open_bytes
from cogtrace.errors import InputError, ModelError, OptionError
from cogtrace.taxonomy import Taxonomy, load_taxonomy
from cogtrace.training.labels import LabelledTrace, of_annotation, of_examples, of_passages

GOLD: Final = "@gold"
EXAMPLES: Final = "@examples"
_LONGEST: Final = 64_000_000  # bytes of a line


@dataclass(frozen=True, slots=True)
class Sources:
    """Labels to learn from and to tune on, and the taxonomy that both are of."""

    taxonomy: Taxonomy
    train: list[LabelledTrace]
    dev: list[LabelledTrace]


def read_sources(
    names: Sequence[str],
    dev: Sequence[str] = (),
    *,
    taxonomy: Path | None = None,
    elements: Sequence[str] = (),
    dev_share: float = 0.2,
    seed: int = 0,
) -> Sources:
    """Read labels, by names of sources.

    Each is @gold, @examples (the worked examples of the taxonomy), a job folder, or a file
    of passages as JSON lines.

    Without ``dev``, labels of the gold corpus are split as it is split, and others by a
    hash of the id of their trace.

    Raises:
        InputError: a source cannot be read.
        JobError: a folder is no job.
        OptionError: sources of several taxonomies, and none is given.
        UnknownElement: a label is not in the taxonomy.
        ModelError: nothing is left to learn from.
    """
    jobs = {name: JobReader(JobFolder(name)) for name in (*names, *dev) if Path(name).is_dir()}
    found = load_taxonomy(taxonomy) if taxonomy is not None else _common(jobs)
    if elements:
        found = found.only(list(elements))
    train: list[LabelledTrace] = []
    tuning: list[LabelledTrace] = []
    for name in names:
        if name == GOLD:
            train += of_passages(read_gold("train"), found)
            if not dev:
                tuning += of_passages(read_gold("dev"), found)
            continue
        if name == EXAMPLES:
            train += of_examples(found)
            continue
        labelled = _read(name, jobs, found)
        for each in labelled:
            held = not dev and _drawn(each.trace.trace_id, seed) < dev_share
            (tuning if held else train).append(each)
    for name in dev:
        tuning += of_passages(read_gold("dev"), found) if name == GOLD else _read(name, jobs, found)
    for role, part in (("learn from", train), ("tune on", tuning)):
        if not any((each.scores > 0).any() for each in part):
            raise ModelError(f"no label to {role} in {', '.join(names)}")
    return Sources(found, train, tuning)


def _common(jobs: dict[str, JobReader]) -> Taxonomy:
    """Return the taxonomy of all jobs; the bundled one where there is no job."""
    taxonomies = {job.manifest.taxonomy.sha256: job.taxonomy() for job in jobs.values()}
    if len(taxonomies) > 1:
        raise OptionError("the sources are of several taxonomies; say which with --taxonomy")
    return next(iter(taxonomies.values()), None) or load_taxonomy()


def _read(name: str, jobs: dict[str, JobReader], taxonomy: Taxonomy) -> list[LabelledTrace]:
    if name in jobs:
        return [of_annotation(*pair, taxonomy) for pair in jobs[name].pairs()]
    return of_passages(_passages(name, taxonomy), taxonomy)


def _passages(name: str, taxonomy: Taxonomy) -> Iterable[GoldPassage]:
    decoder = msgspec.json.Decoder(GoldPassage)
    with open_bytes(name) as stream:
        number = 0
        while line := stream.readline(_LONGEST):
            number += 1
            if not line.strip():
                continue
            try:
                passage = decoder.decode(line)
            except (msgspec.MsgspecError, RecursionError) as error:
                raise InputError(f"{name}:{number}: no passage ({error})") from error
            for sentence in passage.sentences:
                for label in sentence.labels:
                    taxonomy.element(label)
            yield passage


def _drawn(trace_id: str, seed: int) -> float:
    """Return a number from 0 to 1 that rests on the id and the seed alone."""
    digest = hashlib.sha256(f"dev\0{seed}\0{trace_id}".encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:6], "big") / 256**6

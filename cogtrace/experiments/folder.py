"""The folder of an experiment: a guidance job per arm, what was judged and annotated of them.

::

    manifest.json           the arms, what was declared beforehand, how far it got
    arms/NAME/              the guidance job of an arm (`cogtrace guide`)
    annotated/NAME/         its generations, annotated (`cogtrace annotate`)
    judged/, tournament/    what a model was asked about answers, as guidance jobs
    comparison.json         what came of it (schema "comparison")
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Final, Literal

import msgspec

from cogtrace import __version__
from cogtrace.errors import JobDamaged, JobError
from cogtrace.experiments.power import Forecast
from cogtrace.jobs.files import write_atomically
from cogtrace.jobs.folder import Folder, kind_of
from cogtrace.jobs.provenance import Status, now

KIND: Final = "experiment"


class ExperimentFolder(Folder):
    """The folder of an experiment by its path. Making one touches nothing on disk."""

    VERB: ClassVar[str] = "compare"

    def arm(self, name: str) -> Path:
        """Return the folder of an arm's guidance job."""
        return self.path / "arms" / name

    def annotated(self, name: str) -> Path:
        """Return the folder of an arm's annotations."""
        return self.path / "annotated" / name

    @property
    def judged(self) -> Path:
        """The folder of the judgements by a rubric."""
        return self.path / "judged"

    @property
    def tournament(self) -> Path:
        """The folder of the judgements of pairs."""
        return self.path / "tournament"

    @property
    def comparison(self) -> Path:
        """The file of what came of it."""
        return self.path / "comparison.json"

    def is_experiment(self) -> bool:
        """Say whether there is an experiment here."""
        return kind_of(self.path) == KIND


class ArmEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An arm of an experiment."""

    name: str
    folder: str  # under arms/
    like: list[str] | None = None  # of a control arm: whose tokens it spends


class ExperimentManifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an experiment is, declared before it began; its schema is "experiment"."""

    kind: Literal["experiment"] = "experiment"
    format: Literal[1] = 1
    cogtrace: str = __version__
    status: Status = "running"
    created: str
    updated: str
    arms: list[ArmEntry]
    reference: str
    seed: int
    repeats: int = 1
    stop: Literal["none"] = "none"
    forecast: Forecast
    options: dict[str, Any]

    def write(self, folder: ExperimentFolder, status: Status) -> None:
        """Write the manifest into its folder, atomically."""
        content = msgspec.structs.replace(self, status=status, updated=now())
        write_atomically(
            folder.manifest, msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"
        )


def read_experiment(folder: ExperimentFolder) -> ExperimentManifest:
    """Return the manifest of a folder.

    Raises:
        JobError: there is no experiment in it.
        JobDamaged: the manifest cannot be read.
    """
    if not folder.is_experiment():
        raise JobError(f"{folder.path}: no experiment here; give --out of `cogtrace compare`")
    try:
        return msgspec.json.decode(folder.manifest.read_bytes(), type=ExperimentManifest)
    except msgspec.MsgspecError as error:
        raise JobDamaged(f"{folder.manifest}: unreadable ({error})") from error


def opened(folder: ExperimentFolder, wanted: ExperimentManifest) -> ExperimentManifest:
    """Return the manifest to go on under: the one in the folder, or a new one.

    Raises:
        JobError: the experiment was begun otherwise.
    """
    if not folder.is_job():
        return wanted
    found = read_experiment(folder)
    for what in ("arms", "reference", "seed", "repeats", "stop"):
        if getattr(found, what) != getattr(wanted, what):
            raise JobError(
                f"{folder.path}: the experiment was begun with other {what}; go on with the "
                "same, or choose another --out"
            )
    return found  # what was declared beforehand stands

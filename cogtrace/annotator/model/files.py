"""A trained model as a folder: ``config.json`` and ``weights.npz``.

No pickle: the config is checked field by field, the weights are plain arrays whose hash
stands in the config. A folder from anywhere can be opened without trusting it.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from cogtrace.annotator.cues.annotator import VERSION as CUES_VERSION
from cogtrace.annotator.cues.page import FloatArray
from cogtrace.annotator.model.features import VERSION, FeatureSettings
from cogtrace.errors import ModelError

CONFIG: Final = "config.json"
WEIGHTS: Final = "weights.npz"
FORMAT: Final = 1

_LARGEST: Final = 2**30  # bytes of a file of weights, and of what it unpacks to
_MOST_BUCKETS: Final = 2**22


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From which evidence on an element scores, and which sentences are its spans."""

    partial: float  # evidence of the whole trace from which the score is 1
    present: float  # the same for score 2
    span: float  # probability from which a sentence belongs to a span


class TrainedConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is said of any trained annotator: what it looks for, and from where on it speaks."""

    format: int
    cues_version: str  # of the code that finds cues, which are among the features
    taxonomy: str  # id
    taxonomy_version: str
    cues_sha256: str  # of its elements and cues, and of the bundled ones
    cues: int  # elements whose cues are features
    elements: tuple[str, ...]
    exclusive: bool  # each sentence shows exactly one element
    limits: tuple[Limits, ...]  # one per element
    weights_sha256: str
    training: dict[str, Any] = {}  # how it was made: data, seed, figures


class ModelConfig(TrainedConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a model but its weights."""

    features_version: int
    features: FeatureSettings


@dataclass(frozen=True, slots=True)
class Weights:
    """The arrays of a model; K elements.

    The margin of a sentence is ``bias`` + the sum over families of the rows of ``table``
    times ``step``, over the root of their number, + ``cues`` @ its cues; its probability is
    the logistic function of ``slope`` * margin + ``shift``.
    """

    table: npt.NDArray[np.int8]  # buckets x K
    step: FloatArray  # K
    cues: FloatArray  # row of a cue's element, column of the element it speaks for
    bias: FloatArray
    slope: FloatArray
    shift: FloatArray
    follows: FloatArray  # K x K: logarithm of how much more often than by chance one follows
    common: FloatArray  # K: logarithm of how common each is; both 0 unless exclusive


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model."""

    config: ModelConfig
    weights: Weights

    @property
    def fingerprint(self) -> str:
        """Equal fingerprints give equal annotations."""
        return hashlib.sha256(msgspec.json.encode(self.config)).hexdigest()[:16]


def pack(weights: Weights) -> bytes:
    """Return weights as a file, the same bytes for the same weights."""
    return pack_arrays({name: getattr(weights, name) for name in Weights.__slots__})


def pack_arrays(arrays: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Return arrays as an .npz file, the same bytes for the same arrays."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, array in arrays.items():
            part = io.BytesIO()
            np.save(part, np.ascontiguousarray(array), allow_pickle=False)
            # A fixed date, so that the bytes rest on the weights alone.
            archive.writestr(_entry(name), part.getvalue())
    return buffer.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def digest(weights: bytes) -> str:
    """Return the hash of a file of weights, as a config names it."""
    return hashlib.sha256(weights).hexdigest()


def save_model(model: Model, folder: Path) -> None:
    """Write a model into a folder, which is made where there is none.

    Raises:
        ModelError: it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        packed = pack(model.weights)
        config = msgspec.structs.replace(model.config, weights_sha256=digest(packed))
        (folder / WEIGHTS).write_bytes(packed)
        text = msgspec.json.format(msgspec.json.encode(config), indent=2)
        (folder / CONFIG).write_bytes(text + b"\n")
    except OSError as error:
        raise ModelError(f"{error.filename}: cannot be written ({error.strerror})") from error


def load_model(folder: Path | Traversable) -> Model:
    """Return the model in a folder.

    Raises:
        ModelError: there is none, it is damaged, or from a release that counts differently.
    """
    config = _config(folder)
    try:
        packed = folder.joinpath(WEIGHTS).read_bytes()
    except OSError as error:
        raise ModelError(f"{folder}: {WEIGHTS} cannot be read ({error.strerror})") from error
    if digest(packed) != config.weights_sha256:
        raise ModelError(f"{folder}: {WEIGHTS} is not the file that {CONFIG} names (its hash)")
    return Model(config, _weights(packed, config, str(folder)))


def _config(folder: Path | Traversable) -> ModelConfig:
    try:
        data = folder.joinpath(CONFIG).read_bytes()
        config = msgspec.json.decode(data, type=ModelConfig)
    except FileNotFoundError as error:
        raise ModelError(f"{folder}: no {CONFIG} in it; make one with cogtrace train") from error
    except OSError as error:
        raise ModelError(f"{folder}: {CONFIG} cannot be read ({error.strerror})") from error
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ModelError(f"{folder}/{CONFIG}: no model ({error})") from error
    found = (config.format, config.features_version, config.cues_version)
    if found != (FORMAT, VERSION, CUES_VERSION):
        raise ModelError(
            f"{folder}: made by another release of cogtrace, whose features count differently; "
            "train it again"
        )
    size = config.features.buckets
    if not 1 <= size <= _MOST_BUCKETS or size & (size - 1):
        raise ModelError(f"{folder}/{CONFIG}: {size} buckets; a power of two, 2**22 at most")
    if not config.elements or len(config.limits) != len(config.elements):
        raise ModelError(f"{folder}/{CONFIG}: limits and elements do not go together")
    return config


def _weights(packed: bytes, config: ModelConfig, name: str) -> Weights:
    count = len(config.elements)
    square, row = (count, count), (count,)
    shapes = {
        "table": (config.features.buckets, count),
        "step": row,
        "cues": (config.cues, count),
        "bias": row,
        "slope": row,
        "shift": row,
        "follows": square,
        "common": row,
    }
    return Weights(**unpack_arrays(packed, shapes, f"{name}/{WEIGHTS}", {"table": np.int8}))


def unpack_arrays(
    packed: bytes,
    shapes: Mapping[str, tuple[int, ...]],
    name: str,
    kinds: Mapping[str, npt.DTypeLike],
) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of an .npz file, float64 unless ``kinds`` says otherwise.

    Raises:
        ModelError: it is no such file, too large, or an array is not what it should be;
            ``name`` says which file it was.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _LARGEST:
                raise ModelError(f"{name}: larger than {_LARGEST:,} bytes")
        with np.load(io.BytesIO(packed), allow_pickle=False) as arrays:
            found = {field: arrays[field] for field in shapes}
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise ModelError(f"{name}: no weights of a model ({error})") from error
    for field, array in found.items():
        kind = np.dtype(kinds.get(field, np.float64))
        if array.shape != shapes[field] or array.dtype != kind or not np.isfinite(array).all():
            raise ModelError(f"{name}: {field} has not the shape or type it should have")
    return found

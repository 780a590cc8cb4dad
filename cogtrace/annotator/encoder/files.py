"""A trained encoder as a folder: ``encoder.json``, ``head.npz``, and the transformer beside them.

The transformer is in the layout of Hugging Face (config, tokenizer, weights as safetensors:
no pickle, and no code of its own is ever run).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from cogtrace.annotator.cues.annotator import VERSION as CUES_VERSION
from cogtrace.annotator.cues.page import FloatArray
from cogtrace.annotator.model.files import TrainedConfig, digest, pack_arrays, unpack_arrays
from cogtrace.errors import ModelError

CONFIG: Final = "encoder.json"
HEAD: Final = "head.npz"
TRANSFORMER: Final = "transformer"
FORMAT: Final = 1

_WEIGHTS: Final = f"{TRANSFORMER}/model.safetensors"
_SMALLEST: Final = 16  # tokens of a window
_LARGEST: Final = 2**16


class EncoderConfig(TrainedConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of a trained encoder but its weights."""

    window: int  # tokens that are read together, at most
    width: int  # of what the transformer says of a token
    transformer_sha256: str  # of its weights


@dataclass(frozen=True, slots=True)
class Head:
    """What makes margins of vectors of sentences; K elements.

    The margin of a sentence is ``weight`` @ (the mean of its tokens' vectors, its cues)
    + ``bias``; its probability is the logistic function of ``slope`` * margin + ``shift``.
    """

    weight: FloatArray  # K x (width + cues)
    bias: FloatArray
    slope: FloatArray
    shift: FloatArray
    follows: FloatArray  # as in `Weights` of a model
    common: FloatArray


def save_head(config: EncoderConfig, head: Head, folder: Path) -> EncoderConfig:
    """Write all but the transformer, which is in the folder already; return the config with hashes.

    Raises:
        ModelError: something cannot be read or written.
    """
    packed = pack_arrays({field.name: getattr(head, field.name) for field in fields(Head)})
    try:
        transformer = digest((folder / _WEIGHTS).read_bytes())
        found = msgspec.structs.replace(
            config, weights_sha256=digest(packed), transformer_sha256=transformer
        )
        (folder / HEAD).write_bytes(packed)
        text = msgspec.json.format(msgspec.json.encode(found), indent=2)
        (folder / CONFIG).write_bytes(text + b"\n")
    except OSError as error:
        raise ModelError(f"{error.filename}: cannot be written ({error.strerror})") from error
    return found


def load_head(folder: Path) -> tuple[EncoderConfig, Head]:
    """Return config and head of a trained encoder; its transformer is checked, not loaded.

    Raises:
        ModelError: there is none, it is damaged, or from a release that counts differently.
    """
    try:
        config = msgspec.json.decode((folder / CONFIG).read_bytes(), type=EncoderConfig)
        packed = (folder / HEAD).read_bytes()
        transformer = digest((folder / _WEIGHTS).read_bytes())
    except OSError as error:
        raise ModelError(f"{error.filename}: cannot be read ({error.strerror})") from error
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ModelError(f"{folder / CONFIG}: no trained encoder ({error})") from error
    for name, found, wanted in (
        (HEAD, digest(packed), config.weights_sha256),
        (_WEIGHTS, transformer, config.transformer_sha256),
    ):
        if found != wanted:
            raise ModelError(f"{folder}: {name} is not the file that {CONFIG} names (its hash)")
    if (config.format, config.cues_version) != (FORMAT, CUES_VERSION):
        raise ModelError(f"{folder}: made by another release of cogtrace; train it again")
    if not config.elements or len(config.limits) != len(config.elements):
        raise ModelError(f"{folder / CONFIG}: limits and elements do not go together")
    if not _SMALLEST <= config.window <= _LARGEST or config.width < 1 or config.cues < 0:
        raise ModelError(f"{folder / CONFIG}: sizes that no encoder has")
    return config, _head(packed, config, str(folder / HEAD))


def _head(packed: bytes, config: EncoderConfig, name: str) -> Head:
    count = len(config.elements)
    shapes: dict[str, tuple[int, ...]] = {
        field.name: (count, count) if field.name == "follows" else (count,)
        for field in fields(Head)
    }
    shapes["weight"] = (count, config.width + config.cues)
    return Head(**unpack_arrays(packed, shapes, name, {}))


def fresh_head(weight: FloatArray, bias: FloatArray) -> Head:
    """Return a head that is not calibrated yet."""
    count = len(bias)
    zeros = np.zeros(count)
    return Head(weight, bias, np.ones(count), zeros, np.zeros((count, count)), zeros.copy())

"""Training a small transformer on labels of sentences, in their passage.

The transformer is fine-tuned whole, with one layer on top that also sees the cues of the
taxonomy. Importing this module loads torch (``pip install 'cogtrace[encoder]'``).
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
import numpy as np
import torch

from cogtrace.annotator.cues.annotator import VERSION as CUES_VERSION
from cogtrace.annotator.cues.page import FloatArray, IntArray, make_page
from cogtrace.annotator.encoder.files import (
    FORMAT,
    EncoderConfig,
    Head,
    fresh_head,
)
from cogtrace.annotator.encoder.reading import TrainedEncoder, cue_rows, margins
from cogtrace.annotator.encoder.transformer import (
    Transformer,
    load_transformer,
    read,
    windows,
)
from cogtrace.annotator.model.reading import PageReader, cues_sha256
from cogtrace.annotator.sentences import sentence_ranges
from cogtrace.taxonomy import Taxonomy
from cogtrace.training.calibrating import ALWAYS, Calibration, calibrated
from cogtrace.training.figures import DevFigures, dev_figures, quality
from cogtrace.training.finetuning import Learner, batches
from cogtrace.training.labels import NOT_JUDGED, LabelledTrace, require_same_sentences

_TELL: Final = 20.0  # seconds between two words on how far it is


class EncoderSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an encoder is trained."""

    transformer: str  # folder, or repository at Hugging Face
    epochs: int = 5  # the best of them on dev is kept
    rate: float = 1e-4  # of learning, for the transformer
    head_rate: float = 2e-3
    batch: int = 16  # windows
    window: int = 224  # tokens
    exclusive: bool = False  # each sentence shows exactly one element
    unjudged: float = 0.05  # weight of what was not judged, as absent
    bfloat16: bool | None = None  # numbers of 16 bits while learning; None: on a GPU
    seed: int = 0


@dataclass(frozen=True, slots=True)
class _Labels:
    """Labelled traces as an encoder sees them; rows are sentences."""

    texts: list[list[str]]
    scores: IntArray
    cues: FloatArray
    lengths: IntArray


def train_encoder(
    labelled: Sequence[LabelledTrace],
    dev: Sequence[LabelledTrace],
    taxonomy: Taxonomy,
    settings: EncoderSettings,
    said: Callable[[str], None] = lambda _: None,
) -> tuple[TrainedEncoder, DevFigures]:
    """Train an encoder on labelled traces, and tune it on others.

    The best epoch, the calibration and the limits come from ``dev``, and so do the figures.
    ``said`` is told how far it is. The same labels, settings and machine give the same
    encoder.

    Raises:
        ModelError: there is no such transformer, or labels do not fit their traces.
    """
    torch.manual_seed(settings.seed)
    transformer = load_transformer(settings.transformer, settings.window)
    if settings.bfloat16 is None:
        settings = msgspec.structs.replace(settings, bfloat16=transformer.on_gpu)
    pages = PageReader(taxonomy)
    fit, tuning = _seen(labelled, pages), _seen(dev, pages)
    width = transformer.width + fit.cues.shape[1]
    layer = torch.nn.Linear(width, len(taxonomy.elements)).to(transformer.device)
    best = (-math.inf, 0)
    kept: tuple[dict[str, Any], Head, Calibration] | None = None
    for epoch in _epochs(transformer, layer, fit, settings, said):
        head = _head(layer)
        calibration = _calibration(transformer, head, fit, tuning, settings.exclusive)
        found = quality(calibration.rows, tuning.scores, settings.exclusive)
        said(f"epoch {epoch} of {settings.epochs}: {found:.3f} on what it is tuned on")
        if found >= best[0]:  # of equals the later one, which is surer
            best = (found, epoch)
            kept = copy.deepcopy(transformer.encoder.state_dict()), head, calibration
    if kept is None:
        raise ValueError("no epoch to train")
    weights, head, calibration = kept
    transformer.encoder.load_state_dict(weights)
    config = _config(taxonomy, settings, transformer, fit.cues.shape[1])
    notes = _notes(fit, tuning, settings, best)
    config = msgspec.structs.replace(config, training=notes)
    config, head, figures = _tuned(config, head, calibration, tuning.scores)
    return TrainedEncoder(config, head, transformer), figures


def _seen(labelled: Sequence[LabelledTrace], pages: PageReader) -> _Labels:
    texts, cues = [], []
    for each in labelled:
        ranges = sentence_ranges(each.trace.text)
        require_same_sentences(each, len(ranges))
        texts.append([each.trace.text[a:b] for a, b in ranges])
        cues.append(cue_rows(pages, make_page([each.trace])))
    scores = np.concatenate([each.scores for each in labelled])
    lengths = np.array([len(rows) for rows in texts], dtype=np.int64)
    return _Labels(texts, scores, np.concatenate(cues), lengths)


def _epochs(
    transformer: Transformer,
    layer: torch.nn.Linear,
    fit: _Labels,
    settings: EncoderSettings,
    said: Callable[[str], None],
) -> Iterator[int]:
    """Train; yield after each epoch."""
    found = windows(transformer, fit.texts)
    ends = np.cumsum([0, *(window.count for window in found)])
    shown = fit.scores > 0
    weight = np.where(fit.scores == NOT_JUDGED, settings.unjudged, 1.0)
    lift = np.sqrt((weight * ~shown).sum(axis=0) / np.maximum((weight * shown).sum(axis=0), 1.0))
    size = -(-len(found) // settings.batch)
    learner = Learner(
        transformer,
        layer,
        lift,
        rates=(settings.rate, settings.head_rate),
        steps=settings.epochs * size,
        half=bool(settings.bfloat16),
    )
    draw = np.random.default_rng(settings.seed)
    for epoch in range(1, settings.epochs + 1):
        transformer.encoder.train()
        told = time.monotonic()
        for number, chosen in enumerate(batches(found, settings.batch, draw)):
            rows = np.concatenate([np.arange(ends[k], ends[k + 1]) for k in chosen])
            learner.step([found[k] for k in chosen], fit.cues[rows], shown[rows], weight[rows])
            if time.monotonic() - told > _TELL:
                told = time.monotonic()
                said(f"epoch {epoch} of {settings.epochs}, {number / size:.0%}")
        yield epoch


def _head(layer: torch.nn.Linear) -> Head:
    weight, bias = (
        each.detach().cpu().double().numpy().copy() for each in (layer.weight, layer.bias)
    )
    return fresh_head(weight, bias)


def _calibration(
    transformer: Transformer, head: Head, fit: _Labels, tuning: _Labels, exclusive: bool
) -> Calibration:
    raw = _margins(transformer, head, tuning)
    learnt = (fit.scores, fit.lengths) if exclusive else None
    return calibrated(raw, tuning.scores, tuning.lengths, learnt)


def _margins(transformer: Transformer, head: Head, labels: _Labels) -> FloatArray:
    found = np.asarray(read(transformer, labels.texts), dtype=np.float64)
    return margins(head, found, labels.cues)


def _tuned(
    config: EncoderConfig, head: Head, found: Calibration, scores: IntArray
) -> tuple[EncoderConfig, Head, DevFigures]:
    """Return config and head with a calibration, and how good that is on what it was made on."""
    head = Head(head.weight, head.bias, found.slope, found.shift, found.follows, found.common)
    config = msgspec.structs.replace(config, limits=found.limits)
    figures = dev_figures(found.rows, scores, config)
    notes = {"dev": {"f1": round(figures.macro_f1, 4), "accuracy": figures.accuracy}}
    return msgspec.structs.replace(config, training=config.training | notes), head, figures


def _config(
    taxonomy: Taxonomy, settings: EncoderSettings, transformer: Transformer, cues: int
) -> EncoderConfig:
    return EncoderConfig(
        format=FORMAT,
        cues_version=CUES_VERSION,
        taxonomy=taxonomy.id,
        taxonomy_version=taxonomy.version,
        cues_sha256=cues_sha256(taxonomy),
        cues=cues,
        elements=taxonomy.element_ids,
        exclusive=settings.exclusive,
        limits=(ALWAYS,) * len(taxonomy.elements),
        weights_sha256="",
        window=settings.window,
        width=transformer.width,
        transformer_sha256="",
    )


def _notes(
    fit: _Labels, tuning: _Labels, settings: EncoderSettings, best: tuple[float, int]
) -> dict[str, Any]:
    return {
        "traces": len(fit.lengths),
        "sentences": len(fit.scores),
        "dev_traces": len(tuning.lengths),
        "dev_sentences": len(tuning.scores),
        "epoch": best[1],
        **msgspec.structs.asdict(settings),
    }

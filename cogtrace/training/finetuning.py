"""Fine-tuning a transformer with one layer on top, batch by batch.

Importing this module loads torch (``pip install 'cogtrace[encoder]'``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import torch

from cogtrace.annotator.cues.page import BoolArray, FloatArray, IntArray
from cogtrace.annotator.encoder.transformer import Transformer, Window, vectors

_WARM: Final = 0.1  # share of the steps in which the rate rises
_LAST: Final = 0.02  # of the rate, at the end
_DROPOUT: Final = 0.2  # of the vectors of sentences
_CLIP: Final = 1.0  # largest norm of a gradient
_DECAY: Final = 0.01
_SORTED: Final = 20  # batches that are sorted by length together


class Learner:
    """A transformer and the layer on top of it, which learn together.

    The layer sees the vector of a sentence and its cues. The rate of learning rises at
    first and then falls to nothing over ``steps``.
    """

    def __init__(
        self,
        transformer: Transformer,
        layer: torch.nn.Linear,
        lift: FloatArray,
        *,
        rates: tuple[float, float],
        steps: int,
        half: bool,
    ) -> None:
        """Begin.

        ``lift`` says per element how much more a sentence counts that shows it, ``rates``
        are those of the transformer and of the layer, ``half`` asks for numbers of 16 bits.
        """
        self._transformer = transformer
        self._layer = layer
        self._half = half
        self._loss = torch.nn.BCEWithLogitsLoss(
            reduction="none", pos_weight=self._tensor(lift.astype(np.float32))
        )
        inner, outer = list(transformer.encoder.parameters()), list(layer.parameters())
        self._parameters = [*inner, *outer]
        self._optimiser = torch.optim.AdamW(
            [{"params": inner, "lr": rates[0]}, {"params": outer, "lr": rates[1]}],
            weight_decay=_DECAY,
        )
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._optimiser,
            lambda step: min((step + 1) / (_WARM * steps), max(_LAST, 1 - step / steps)),
        )

    def step(
        self, chosen: Sequence[Window], cues: FloatArray, shown: BoolArray, weight: FloatArray
    ) -> None:
        """Learn from windows; the arrays have a row for each of their sentences.

        ``shown`` says which elements a sentence shows, ``weight`` how much that counts.
        """
        with torch.autocast(self._transformer.device.type, torch.bfloat16, enabled=self._half):
            rows = vectors(self._transformer, chosen)
        rows = torch.nn.functional.dropout(rows.float(), _DROPOUT)
        output = self._layer(torch.cat([rows, self._tensor(cues.astype(np.float32))], dim=1))
        each = self._loss(output, self._tensor(shown.astype(np.float32)))
        error = (each * self._tensor(weight.astype(np.float32))).sum(dim=1).mean()
        self._optimiser.zero_grad()
        error.backward()
        torch.nn.utils.clip_grad_norm_(self._parameters, _CLIP)
        self._optimiser.step()
        self._schedule.step()

    def _tensor(self, values: FloatArray) -> torch.Tensor:
        return torch.from_numpy(values).to(self._transformer.device)


def batches(found: Sequence[Window], size: int, draw: np.random.Generator) -> Iterator[IntArray]:
    """Yield windows in groups, at random, but those of like length together.

    A group is as long as its longest window, and the rest of it is computed in vain.
    """
    lengths = np.array([len(window.tokens) for window in found])
    groups = []
    order = draw.permutation(len(found))
    for start in range(0, len(order), size * _SORTED):
        part = order[start : start + size * _SORTED]
        part = part[np.argsort(lengths[part], kind="stable")]
        groups += [part[k : k + size] for k in range(0, len(part), size)]
    for k in draw.permutation(len(groups)):
        yield groups[k]

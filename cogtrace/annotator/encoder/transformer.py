"""The transformer at work: windows of sentences in, a vector for each sentence out.

Importing this module loads torch and transformers (``pip install 'cogtrace[encoder]'``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

from cogtrace.errors import ModelError

_BATCH: Final = {"cuda": 128, "cpu": 16}  # windows at a time
_MARKS: Final = 2  # tokens that every window begins and ends with
_EMPTY: Final = "."  # read where a sentence has no token


@dataclass(frozen=True, slots=True)
class Window:
    """Tokens that are read together.

    ``sentence`` says of each token to which sentence of the window it belongs, -1 to none
    that counts here: the marks at the ends, and the sentence before, which is read along.
    """

    tokens: list[int]
    sentence: list[int]
    count: int  # sentences


@dataclass(frozen=True, slots=True)
class Transformer:
    """A tokenizer and an encoder, on a device."""

    tokenizer: Any
    encoder: Any
    device: torch.device
    window: int  # tokens

    @property
    def width(self) -> int:
        """Length of the vector of a token."""
        return int(self.encoder.config.hidden_size)

    @property
    def on_gpu(self) -> bool:
        """Whether it runs on a GPU."""
        return bool(self.device.type == "cuda")


def load_transformer(name: str | Path, window: int) -> Transformer:
    """Return an encoder by the name of its folder, or of its repository at Hugging Face.

    It runs on a GPU where there is one.

    Raises:
        ModelError: there is none, or none that reads windows of ``window`` tokens.
    """
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(name), trust_remote_code=False)
        encoder = AutoModel.from_pretrained(
            str(name), trust_remote_code=False, use_safetensors=True
        )
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{name}: no encoder that transformers can load ({error})") from error
    if not getattr(tokenizer, "is_fast", False) or None in _ends(tokenizer):
        raise ModelError(f"{name}: its tokenizer marks no beginning and end; take one like BERT's")
    room = min(
        int(getattr(encoder.config, "max_position_embeddings", window)),
        int(tokenizer.model_max_length),
    )
    if window > room:
        raise ModelError(f"{name}: reads {room} tokens at once, and {window} are asked for")
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    # Learning needs 32 bits, whatever the weights were stored in.
    return Transformer(tokenizer, encoder.float().to(device), device, window)


def save_transformer(transformer: Transformer, folder: Path) -> None:
    """Write tokenizer and encoder into a folder.

    Raises:
        ModelError: they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        transformer.tokenizer.save_pretrained(str(folder))
        transformer.encoder.save_pretrained(str(folder), safe_serialization=True)
    except OSError as error:
        raise ModelError(f"{folder}: cannot be written ({error})") from error


def windows(transformer: Transformer, traces: Sequence[Sequence[str]]) -> list[Window]:
    """Return the windows of traces: as many sentences as fit, one after the other.

    Each window begins with the last sentence of the one before, where there is room: that
    much of what went before can be seen. A sentence that is too long is cut at its end.
    """
    # All at once, which the tokenizer does on several cores.
    ids = iter(_tokens(transformer, [sentence for sentences in traces for sentence in sentences]))
    return [
        window
        for sentences in traces
        for window in _windows(transformer, list(islice(ids, len(sentences))))
    ]


def _windows(transformer: Transformer, sentences: list[list[int]]) -> list[Window]:
    """Return the windows of one trace, from the tokens of its sentences."""
    room = transformer.window - _MARKS
    first, last = _ends(transformer.tokenizer)
    found: list[Window] = []
    tokens, owner, count, before = [first], [-1], 0, list[int]()
    for ids in sentences:
        if len(tokens) - 1 + len(ids) > room:
            found.append(Window([*tokens, last], [*owner, -1], count))
            kept = before if len(before) + len(ids) <= room else []
            tokens, owner, count = [first, *kept], [-1] * (1 + len(kept)), 0
        tokens += ids
        owner += [count] * len(ids)
        count, before = count + 1, ids
    if count:
        found.append(Window([*tokens, last], [*owner, -1], count))
    return found


def vectors(transformer: Transformer, found: Sequence[Window]) -> torch.Tensor:
    """Return the mean vector of the tokens of each sentence, a row each."""
    length = max(len(window.tokens) for window in found)
    tokens = np.full((len(found), length), transformer.tokenizer.pad_token_id or 0, dtype=np.int64)
    seen = np.zeros_like(tokens)
    place = np.full_like(tokens, -1)
    total = 0
    for row, window in enumerate(found):
        size = len(window.tokens)
        tokens[row, :size] = window.tokens
        seen[row, :size] = 1
        mine = np.array(window.sentence)
        place[row, :size] = np.where(mine >= 0, mine + total, mine)
        total += window.count
    ids, mask, owner = (
        torch.from_numpy(each).to(transformer.device) for each in (tokens, seen, place)
    )
    output = transformer.encoder(input_ids=ids, attention_mask=mask)
    inside = owner >= 0
    rows = output.last_hidden_state[inside]
    sums = torch.zeros((total, rows.shape[1]), dtype=rows.dtype, device=rows.device)
    sums = sums.index_add(0, owner[inside], rows)
    counts = torch.bincount(owner[inside], minlength=total).clamp(min=1)
    return sums / counts[:, None]


def read(transformer: Transformer, traces: Sequence[Sequence[str]]) -> torch.Tensor:
    """Return the vectors of all sentences of all traces, in order, without learning."""
    found = windows(transformer, traces)
    if not found:
        return torch.zeros((0, transformer.width))
    # Windows of like length go together, so that little is read in vain.
    order = sorted(range(len(found)), key=lambda k: len(found[k].tokens))
    parts: dict[int, torch.Tensor] = {}
    size = _BATCH[transformer.device.type]
    transformer.encoder.eval()
    with torch.inference_mode(), _rounded(transformer):
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            rows = vectors(transformer, [found[k] for k in chosen]).cpu()
            parts |= zip(chosen, rows.split([found[k].count for k in chosen]), strict=True)
    return torch.cat([parts[k] for k in range(len(found))])


@contextmanager
def _rounded(transformer: Transformer) -> Iterator[None]:
    """Let a GPU round the factors of products to 19 bits (TF32): three times as fast."""
    before = torch.get_float32_matmul_precision()
    if transformer.on_gpu:
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _ends(tokenizer: Any) -> tuple[Any, Any]:
    """Return the tokens that a text begins and ends with; None where there is none."""
    first = tokenizer.cls_token_id if tokenizer.cls_token_id is not None else tokenizer.bos_token_id
    last = tokenizer.sep_token_id if tokenizer.sep_token_id is not None else tokenizer.eos_token_id
    return first, last


def _tokens(transformer: Transformer, sentences: Sequence[str]) -> list[list[int]]:
    if not sentences:
        return []
    room = transformer.window - _MARKS
    tokenizer = transformer.tokenizer
    kwargs = {
        "add_special_tokens": False,
        "truncation": True,
        "max_length": room,
        "return_attention_mask": False,
        "return_token_type_ids": False,
    }
    found: list[list[int]] = tokenizer(list(sentences), **kwargs)["input_ids"]
    blank: list[int] = tokenizer(_EMPTY, **kwargs)["input_ids"]
    return [ids or blank for ids in found]

"""A tiny encoder with random weights, for the tests of trained encoders.

Needs torch and transformers; they are imported only when an encoder is made.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Final

_SPECIAL: Final = ("[PAD]", "[UNK]", "[CLS]", "[SEP]")
_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789.,?!:;()'-"
POSITIONS: Final = 64  # tokens that it reads at once


def build_encoder(folder: Path, *, words: tuple[str, ...] = ("blue", "red", "today")) -> Path:
    """Write tokenizer and encoder into ``folder`` and return it; the same weights each time."""
    torch = importlib.import_module("torch")
    tokenizers = importlib.import_module("tokenizers")
    transformers = importlib.import_module("transformers")
    pieces = [*_SPECIAL, *_LETTERS, *(f"##{letter}" for letter in _LETTERS), *words]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    model = tokenizers.models.WordPiece(vocabulary, unk_token="[UNK]")
    tokenizer = tokenizers.Tokenizer(model)
    tokenizer.normalizer = tokenizers.normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    fast = transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=POSITIONS,
    )
    transformers.BertModel(config).save_pretrained(folder, safe_serialization=True)
    return folder

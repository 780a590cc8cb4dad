"""A tiny language model with random weights, made on the spot for the real vLLM engine.

    python tests/support/tiny_model.py FOLDER [--hidden 64] [--layers 2] [--context 32768]

A byte-level tokenizer is trained on the project's own texts and a Llama of two layers is
filled with random numbers, the same ones each time. The model knows nothing: what it
writes is valid only because a schema forces it. Needs torch and transformers, which come
with vLLM; they are imported only when a model is made.
"""

from __future__ import annotations

import argparse
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parents[2]
VOCABULARY: Final = 4096
CONTEXT: Final = 32_768  # tokens, prompt and answer together
_SPECIAL: Final = ("<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
_TEMPLATE: Final = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"
)
# Words and runs of up to three digits are tokens of their own, as in larger models.
_PIECES: Final = (
    r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def build(
    folder: Path,
    *,
    hidden: int = 64,
    layers: int = 2,
    context: int = CONTEXT,
    template: bool = True,
    seed: int = 0,
) -> Path:
    """Write tokenizer and model into ``folder`` and return it; takes a few seconds.

    ``hidden`` is a multiple of 64; ``context`` counts tokens; without ``template`` the
    tokenizer knows no layout for chats. The same arguments give the same weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer(context)
    if template:
        tokenizer.chat_template = _TEMPLATE
    tokenizer.save_pretrained(folder)
    _model(tokenizer, hidden, layers, context, seed).save_pretrained(folder)
    return folder


def _tokenizer(context: int) -> Any:
    tokenizers = importlib.import_module("tokenizers")
    parts = tokenizers.pre_tokenizers
    raw = tokenizers.Tokenizer(tokenizers.models.BPE())
    raw.pre_tokenizer = parts.Sequence(
        [
            parts.Split(tokenizers.Regex(_PIECES), behavior="isolated"),
            parts.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    raw.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(_SPECIAL),
        initial_alphabet=parts.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(_texts(), trainer)
    return importlib.import_module("transformers").PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token=_SPECIAL[0],
        eos_token=_SPECIAL[1],
        additional_special_tokens=list(_SPECIAL[2:]),
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )


def _texts() -> Iterator[str]:
    """Give the project's own texts, and the numbers so often that each is one token.

    Not its documentation: a model that changes with each page answers otherwise each time.
    """
    sample = ROOT / "cogtrace" / "corpora" / "sample" / "traces.jsonl"
    for line in sample.read_text(encoding="utf-8").splitlines():
        yield from (value for value in json.loads(line).values() if isinstance(value, str))
    for element in sorted((ROOT / "cogtrace" / "taxonomy" / "cognitive").rglob("*.json")):
        yield element.read_text(encoding="utf-8")
    for number in range(1000):
        yield f"[{number}]" * 50
    yield '{"evidence":[{"first":1,"last":2}],"reason":"","score":0},' * 50


def _model(tokenizer: Any, hidden: int, layers: int, context: int, seed: int) -> Any:
    torch = importlib.import_module("torch")
    transformers = importlib.import_module("transformers")
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        # vLLM's attention on the CPU wants heads of at least 32.
        num_attention_heads=hidden // 32,
        num_key_value_heads=hidden // 64,
        max_position_embeddings=context,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )
    return transformers.LlamaForCausalLM(config).to(torch.bfloat16)


def main() -> None:
    """Build a model from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--context", type=int, default=CONTEXT)
    options = parser.parse_args()
    build(options.folder, hidden=options.hidden, layers=options.layers, context=options.context)


if __name__ == "__main__":
    main()

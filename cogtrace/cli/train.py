"""`cogtrace train`: labels in, a small annotator out that needs no GPU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cogtrace.cli.console import err, out, out_json
from cogtrace.cli.options import AsJson, Elements, TaxonomyFile, option
from cogtrace.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cogtrace.training import TrainSettings
    from cogtrace.training.figures import DevFigures
    from cogtrace.training.sources import Sources


def train(
    labels: Annotated[
        list[str],
        typer.Argument(
            metavar="LABELS...",
            help="What to learn from: folders that were --out of `cogtrace annotate` or `import`, "
            "files of passages (.jsonl, schema gold-passage), @gold for the bundled ones, "
            "@examples for the worked examples of the taxonomy.",
        ),
    ],
    folder: Annotated[
        Path, option("--out", "-o", metavar="DIR", help="Folder for the model; must be free.")
    ],
    taxonomy: TaxonomyFile = None,
    elements: Elements = None,
    dev: Annotated[
        list[str] | None,
        option(
            "--dev",
            metavar="LABELS",
            help="What to tune on, in the same forms; repeat as needed [default: a share of "
            "LABELS, for @gold its own].",
        ),
    ] = None,
    dev_share: Annotated[
        float,
        option("--dev-share", min=0.05, max=0.5, help="Of the traces, where --dev is not given."),
    ] = 0.2,
    exclusive: Annotated[
        bool,
        option(
            "--exclusive",
            help="Each sentence has exactly one label, as in schemes of episodes; the labels of "
            "neighbours then count as well.",
        ),
    ] = False,
    strength: Annotated[
        list[float] | None,
        option(
            "--strength",
            min=0.001,
            max=1000.0,
            help="Inverse of the regularisation; of several the best on dev is taken "
            "[default: 1, 3, 10 and 30].",
        ),
    ] = None,
    unjudged: Annotated[
        float,
        option(
            "--unjudged",
            min=0.0,
            max=1.0,
            help="Weight of a sentence as a counter-example where nobody judged it.",
        ),
    ] = 0.05,
    around: Annotated[
        float | None,
        option(
            "--around",
            min=0.0,
            max=2.0,
            help="Weight of the sentences before and after [default: 0.5].",
        ),
    ] = None,
    position: Annotated[
        bool,
        option("--position", help="Look also at where a sentence stands, and at the question."),
    ] = False,
    refit: Annotated[
        bool | None,
        option(
            "--refit/--no-refit",
            help="In the end, fit the weights to what the model was tuned on as well "
            "[default: --refit].",
        ),
    ] = None,
    encoder: Annotated[
        str | None,
        option(
            "--encoder",
            metavar="NAME",
            help="Fine-tune this transformer instead: a folder, or a name at Hugging Face, e.g. "
            "sentence-transformers/all-MiniLM-L6-v2. Much better on fresh wording, much slower "
            "without a GPU.",
        ),
    ] = None,
    epochs: Annotated[
        int, option("--epochs", min=1, max=100, help="Of --encoder; the best on dev is kept.")
    ] = 5,
    window: Annotated[
        int,
        option("--window", min=16, max=8192, help="Tokens that --encoder reads together."),
    ] = 224,
    rate: Annotated[
        float,
        option(
            "--rate",
            min=1e-7,
            max=0.1,
            help="How fast --encoder learns; large ones want less than small ones.",
        ),
    ] = 1e-4,
    bfloat16: Annotated[
        bool | None,
        option(
            "--bfloat16/--no-bfloat16",
            help="Learn --encoder in numbers of 16 bits: 1.5 times as fast on processors that have "
            "such numbers, slower on others [default: on a GPU].",
        ),
    ] = None,
    seed: Annotated[int, option("--seed", help="Of the fitting and of the split.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Train a small annotator on labels of people or of a strong annotator.

    The model looks at words, their pieces, the shape of sentences, their neighbours and
    the cues of the taxonomy. It is a folder of plain arrays without pickle that runs with
    numpy alone, at about a megabyte of text a second. With --encoder it is a small
    transformer that reads each sentence in its passage, and needs torch to run.

    **Examples**

    - `cogtrace train @gold -o my-model` (the bundled passages), then
      `cogtrace annotate traces.jsonl --annotator model:my-model -o out`

    - `cogtrace import labelled.jsonl --from schoenfeld -o people`, then
      `cogtrace train people -o episodes --exclusive --position`

    - `cogtrace train @gold @examples --encoder sentence-transformers/all-MiniLM-L6-v2 -o reader`
    """
    from msgspec import structs

    from cogtrace.annotator.model.saving import save_with_taxonomy
    from cogtrace.training import train as run
    from cogtrace.training.requiring import require_free, require_learning
    from cogtrace.training.sources import read_sources

    if encoder is not None:
        _require_encoder(
            {
                "--strength": bool(strength),
                "--around": around is not None,
                "--position": position,
                "--refit and --no-refit": refit is not None,
            }
        )
    require_learning()
    require_free(folder)
    names = [name.strip() for name in (elements or "").split(",") if name.strip()]
    sources = read_sources(
        labels, dev or (), taxonomy=taxonomy, elements=names, dev_share=dev_share, seed=seed
    )
    said = (lambda _: None) if as_json else (lambda text: err(f"  {text}"))
    if encoder is not None:
        chosen = {
            "transformer": encoder,
            "epochs": epochs,
            "exclusive": exclusive,
            "unjudged": unjudged,
            "window": window,
            "rate": rate,
            "bfloat16": bfloat16,
            "seed": seed,
        }
        notes, figures = _train_encoder(sources, chosen, folder, said)
    else:
        settings = _settings(exclusive, strength, unjudged, around, position)
        settings = structs.replace(settings, refit=refit is not False, seed=seed)
        trained = run(sources.train, sources.dev, sources.taxonomy, settings, said)
        save_with_taxonomy(trained.model, sources.taxonomy, folder)
        notes, figures = trained.model.config.training, trained.figures
    if as_json:
        report: dict[str, Any] = {"model": str(folder), "training": notes}
        out_json(report | structs.asdict(figures))
        return
    for line in _lines(notes, figures):
        out(line)
    err(f"written to {folder}; use it with --annotator model:{folder}")


def _require_encoder(others: dict[str, bool]) -> None:
    """Make sure that an encoder can be trained, before anything is read.

    ``others`` are the options of the other kind of model, and whether they were given.

    Raises:
        OptionError: something is not installed, or an option is for the other kind of model.
    """
    from cogtrace.annotator.encoder.annotator import require_torch

    for name, given in others.items():
        if given:
            raise OptionError(f"{name}: not with --encoder; leave it out")
    require_torch()


def _train_encoder(
    sources: Sources, settings: dict[str, Any], folder: Path, said: Callable[[str], None]
) -> tuple[dict[str, Any], DevFigures]:
    from cogtrace.annotator.encoder.saving import save_encoder
    from cogtrace.training.encoding import EncoderSettings, train_encoder

    chosen = EncoderSettings(**settings)
    model, figures = train_encoder(sources.train, sources.dev, sources.taxonomy, chosen, said)
    save_encoder(model, sources.taxonomy, folder)
    return model.config.training, figures


def _settings(
    exclusive: bool,
    strength: list[float] | None,
    unjudged: float,
    around: float | None,
    position: bool,
) -> TrainSettings:
    from msgspec import structs

    from cogtrace.annotator.model.features import FeatureSettings
    from cogtrace.training import TrainSettings
    from cogtrace.training.running import STRENGTHS

    features = FeatureSettings(position=position, question=position)
    if around is not None:
        features = structs.replace(features, around=around)
    return TrainSettings(
        features=features,
        exclusive=exclusive,
        strengths=tuple(strength) if strength else STRENGTHS,
        unjudged=unjudged,
    )


def _lines(notes: dict[str, Any], figures: DevFigures) -> list[str]:
    """Return the figures on dev as a table."""
    chosen = f"epoch {notes['epoch']}" if "epoch" in notes else f"strength {notes['strength']:g}"
    lines = [
        f"{notes['traces']:,} traces ({notes['sentences']:,} sentences), tuned on "
        f"{notes['dev_traces']:,} ({notes['dev_sentences']:,}); {chosen}",
        f"{'on the labels it was tuned on':34}{'judged':>8}{'shown':>7}{'P':>7}{'R':>7}{'F1':>7}"
        f"{'always':>8}{'ranking':>9}",
    ]
    lines += [
        f"{each.element[:33]:34}{each.judged:>8,}{each.shown:>7,}{each.precision:7.3f}"
        f"{each.recall:7.3f}{each.f1:7.3f}{each.f1_of_always:8.3f}{each.ranking:9.3f}"
        for each in figures.elements
    ]
    tail = "" if figures.accuracy is None else f", accuracy {figures.accuracy:.3f}"
    lines.append(f"mean F1 {figures.macro_f1:.3f}{tail}")
    return lines

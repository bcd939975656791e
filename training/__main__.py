"""`python -m training`: prepare the data, train, export a model, evaluate it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from training.config import CONFIGS, ConfigError, load_config


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it succeeded, 2 with one sentence when it could not."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    if given[:1] == ["evaluate"]:  # has a parser of its own
        return _evaluate(given[1:])
    options = _parser().parse_args(given)
    try:
        options.run(options)
    except (ConfigError, OSError, ValueError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    prepare = commands.add_parser("prepare", help="make labelled training data from the sources")
    prepare.add_argument("--data", type=Path, required=True, help="folder with cryosection/, mri/")
    prepare.add_argument("--out", type=Path, required=True, help="folder for the prepared data")
    prepare.add_argument("--pictures", type=Path, help="folder for a picture of every step")
    prepare.set_defaults(run=_prepare)

    train = commands.add_parser("train", help="train a generator; goes on where it stopped")
    train.add_argument("--prepared", type=Path, required=True, help="folder made by prepare")
    train.add_argument("--run", type=Path, required=True, dest="folder", help="folder of the run")
    train.add_argument("--config", type=Path, default=CONFIGS / "default.toml")
    train.add_argument("--minutes", type=float, default=float("inf"), help="stop after this time")
    train.add_argument("overrides", nargs="*", metavar="key=value", help="e.g. losses.color=2")
    train.set_defaults(run=_train)

    export = commands.add_parser("export", help="write a run's averaged weights with their card")
    export.add_argument("--run", type=Path, required=True, dest="folder")
    export.add_argument("--prepared", type=Path, required=True)
    export.add_argument("--out", type=Path, required=True, help="folder of the model")
    export.add_argument("--config", type=Path, default=CONFIGS / "default.toml")
    export.add_argument("--version", required=True, help="of the model, for its card")
    export.add_argument("--hardware", default="CPU", help="what it was trained on, for its card")
    export.add_argument("--notes", default="", help="what the settings do not say, for its card")
    export.add_argument("overrides", nargs="*", metavar="key=value")
    export.set_defaults(run=_export)

    commands.add_parser("evaluate", help="measure a model on MRI that it never saw")
    return parser


def _prepare(options: argparse.Namespace) -> None:
    from training.data.cryosection import prepare_cryosections
    from training.data.mri_labels import prepare_mri

    volumes = [
        *prepare_cryosections(options.data / "cryosection", options.out, options.pictures),
        *prepare_mri(options.data, options.out, options.pictures),
    ]
    print(f"{len(volumes)} labelled volumes are in {options.out}.")


def _train(options: argparse.Namespace) -> None:
    import torch

    from training.data.prepared import load_all
    from training.trainer import Trainer

    config = load_config(options.config, options.overrides)
    torch.set_num_threads(config.threads)
    trainer = Trainer(config, load_all(options.prepared), options.folder)
    trainer.run(seconds=options.minutes * 60)
    print(f"Step {trainer.step} of {config.steps}; the run is in {options.folder}.")


def _export(options: argparse.Namespace) -> None:
    from training.data.prepared import read_manifest
    from training.export import export_model

    config = load_config(options.config, options.overrides)
    manifest = read_manifest(options.prepared)
    card = export_model(
        options.folder,
        config,
        manifest,
        options.out,
        options.version,
        options.hardware,
        options.notes,
    )
    print(f"{card.name} {card.version}: {card.weights_bytes} bytes of weights in {options.out}.")


def _evaluate(arguments: Sequence[str]) -> int:
    from training.evaluate.__main__ import main as evaluate

    return evaluate(arguments)


if __name__ == "__main__":
    sys.exit(main())

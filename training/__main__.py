"""`python -m training`: prepare data, train, export, evaluate, and run the experiments."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from MRIColorizeLib.errors import MRIColorizeError
from training.config import CONFIGS
from training.curves import add_curves_command
from training.data.commands import add_data_commands
from training.errors import TrainingError
from training.measure.report.commands import add_measure_commands

DEFAULT = CONFIGS / "default.toml"
INTERRUPTED = 130  # the shell's exit status for Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it succeeded, 2 with one sentence when it could not."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(given)
    try:
        options.run(options)
    except (TrainingError, MRIColorizeError, OSError, ValueError) as error:
        print(f"training: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("training: interrupted; nothing half-made was kept.", file=sys.stderr)
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    add_data_commands(commands)

    segnet = commands.add_parser("segnet", help="train the segmentation network on cryosections")
    segnet.add_argument("--prepared", type=Path, required=True, help="folder made by prepare")
    segnet.add_argument("--out", type=Path, required=True, help="folder for it and its score")
    _add_settings(segnet, DEFAULT)
    segnet.set_defaults(run=_segnet)

    train = commands.add_parser("train", help="train a generator; goes on where it stopped")
    train.add_argument("--prepared", type=Path, required=True, help="folder made by prepare")
    train.add_argument("--run", type=Path, required=True, dest="folder", help="folder of the run")
    train.add_argument("--minutes", type=float, default=float("inf"), help="stop after this time")
    _add_settings(train, DEFAULT)
    train.set_defaults(run=_train)

    export = commands.add_parser("export", help="write a run's averaged weights with their card")
    export.add_argument("--run", type=Path, required=True, dest="folder")
    export.add_argument("--prepared", type=Path, required=True)
    export.add_argument("--out", type=Path, required=True, help="folder of the model")
    export.add_argument("--weights", choices=("best", "last"), default="best")
    export.add_argument("--version", required=True, help="of the model, for its card")
    export.add_argument("--hardware", default="", help="for its card; default: what the run noted")
    export.add_argument("--notes", default="", help="what the settings do not say, for its card")
    export.add_argument("--limits", default="", help="what it does badly, added to its card")
    _add_settings(export, None)
    export.set_defaults(run=_export)

    add_curves_command(commands)
    add_measure_commands(commands)
    return parser


def _add_settings(command: argparse.ArgumentParser, default: Path | None) -> None:
    shown = default.name if default else "the run's own"
    command.add_argument(
        "--config", type=Path, default=default, help=f"settings, TOML; default: {shown}"
    )
    command.add_argument("overrides", nargs="*", metavar="key=value", help="losses.color=2")


def _segnet(options: argparse.Namespace) -> None:
    import torch

    from training.data.prepared import load_all
    from training.segmentation import train_segnet
    from training.settings import load_config

    config = load_config(options.config, options.overrides)
    torch.set_num_threads(config.threads)
    trained = train_segnet(config, load_all(options.prepared), options.out)
    score = trained.card["validation"]
    print(f"Dice on {score['slices']} held-out slices, mean and spread over those that show it:")
    for name, dice in score["dice"].items():
        spread = "" if dice["sd"] is None else f" +- {dice['sd']:.2f}"
        print(f"  {name:20} {dice['mean']:.2f}{spread}  ({dice['slices']} slices)")
    print(f"SegNet is in {options.out}; give it to train as segnet.path={options.out}.")


def _train(options: argparse.Namespace) -> None:
    import torch

    from training.data.prepared import load_all
    from training.settings import load_config
    from training.trainer import Trainer

    config = load_config(options.config, options.overrides)
    torch.set_num_threads(config.threads)
    trainer = Trainer(config, load_all(options.prepared), options.folder)
    done = trainer.run(seconds=options.minutes * 60)
    rest = "" if done else "; the same command goes on from there"
    trainer.fabric.print(
        f"Step {trainer.step} of {config.steps}; the run is in {options.folder}{rest}."
    )


def _export(options: argparse.Namespace) -> None:
    from training.checkpoint import CONFIG
    from training.data.prepared import read_manifest
    from training.export import ExportNotes, export_model
    from training.settings import load_config

    own = options.folder / CONFIG
    config = load_config(options.config or (own if own.exists() else DEFAULT), options.overrides)
    about = ExportNotes(options.version, options.hardware, options.notes, options.limits)
    manifest = read_manifest(options.prepared)
    card = export_model(options.folder, config, manifest, options.out, about, options.weights)
    step = card.details["training"]["steps"]
    print(
        f"{card.name} {card.version} of step {step}: {card.weights_bytes} bytes of weights in "
        f"{options.out}."
    )


if __name__ == "__main__":
    sys.exit(main())

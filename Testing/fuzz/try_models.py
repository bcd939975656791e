"""A hostile model folder loaded, and where it loads a volume coloured with it."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from pathlib import Path

import numpy as np

from cli.made import made_head
from fuzz.choices import Choices, Seeded
from fuzz.hostile import HARMS
from fuzz.outcome import Outcome, require, sentence_of
from MRIColorizeLib.command.console import one_line
from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.errors import MRIColorizeError
from MRIColorizeLib.network.model import load_model
from MRIColorizeLib.volume import Volume


def model_trial(job: tuple[int, Path]) -> Outcome:
    """The trial of a seed with a good model's folder, which is copied. Raises BrokenPromise."""
    seed, good = job
    return hostile_model(Seeded(seed), good)


def hostile_model(choices: Choices, good: Path) -> Outcome:
    """Harm a copy of a model, and use it. Raises BrokenPromise."""
    how = choices.pick(tuple(HARMS))
    root = Path(tempfile.mkdtemp(prefix="fuzz-model-"))
    refusal = None
    try:
        folder = Path(shutil.copytree(good, root / "model"))
        HARMS[how](folder, choices)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                engine = Colorizer(load_model(folder), "cpu")
                color = engine.colorize(Volume(made_head((4, 9, 8)), np.diag((2.0, 2, 2, 1))))
            except MRIColorizeError as error:
                # The command prints it so; names in it may be anything.
                refusal = sentence_of(one_line(str(error)))
            else:
                require(color.array.shape == (4, 9, 8, 3), "not whole")
        require(not (folder / "sprung").exists(), "a pickle was loaded")
        harmless = how in ("field of the card", "other tensors", "text of the card")
        harmless |= how.endswith("of the weights")
        require(refusal or harmless, f"{how} was not noticed")
    finally:
        shutil.rmtree(root)
    return Outcome(how, refusal)

"""Curves: what a run logged is what is drawn; what is no run is refused."""

import pytest
from PIL import Image

from training.__main__ import main
from training.curves import read_curves
from training.journal import LOG, VALIDATION, append_row


def _run(folder, steps, **extra):
    folder.mkdir()
    for step in steps:
        append_row(folder / LOG, {"step": step, "seconds": step, "color": 1 / step, **extra})
        append_row(folder / VALIDATION, {"step": step, "score": step / 100, "dice_fat": 0.5})
    return folder


def test_what_a_later_start_wrote_again_counts(tmp_path):
    run = _run(tmp_path / "run", (10, 20, 30))
    append_row(run / LOG, {"step": 20, "seconds": 99, "color": 7.0})
    curves = read_curves(run)
    assert curves["loss: color"] == pytest.approx({10: 0.1, 20: 7.0, 30: 1 / 30}, rel=1e-5)
    assert curves["validation: score"] == pytest.approx({10: 0.1, 20: 0.2, 30: 0.3})
    assert "loss: seconds" not in curves


def test_every_loss_of_any_run_gets_a_panel(tmp_path, capsys):
    runs = [_run(tmp_path / "a", (1, 2)), _run(tmp_path / "b", (1, 2, 3), cycle=0.4)]
    picture = tmp_path / "curves.png"
    assert main(["curves", *map(str, runs), "--out", str(picture)]) == 0
    assert "3 curves of 2 runs" in capsys.readouterr().out  # color, cycle, score; no tissue
    with Image.open(picture) as image:
        colors = {color for _, color in image.convert("RGB").getcolors(1 << 24)}
    assert {(31, 119, 180), (255, 127, 14)} <= colors  # a line of each run


@pytest.mark.parametrize(
    ("steps", "told"), [(None, "no log.csv"), ((), "no step yet"), ((5,), "one each")]
)
def test_a_folder_without_curves_is_refused_with_one_sentence(tmp_path, capsys, steps, told):
    run = tmp_path / "run"
    if steps is not None:
        _run(run, steps)
        (run / LOG).touch()
    assert main(["curves", str(run), "--out", str(tmp_path / "curves.png")]) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "curves.png").exists()


def test_a_damaged_log_is_refused(tmp_path, capsys):
    run = _run(tmp_path / "run", (1, 2))
    (run / LOG).write_text("step,color\n1,many\n")
    assert main(["curves", str(run), "--out", str(tmp_path / "curves.png")]) == 2
    assert "damaged" in capsys.readouterr().err

"""Claims about the web page's file: what it holds, how large it is, what its text cannot do."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from cli.made_page import PALETTE, made_result
from MRIColorizeLib.errors import OutputError
from MRIColorizeLib.files import webpage
from MRIColorizeLib.files.webpage import compose, thinning, what_is_shown, write_page
from MRIColorizeLib.orientation import in_patient_axes
from MRIColorizeLib.volume import ColorVolume, Volume

EVIL = "</script><script>alert(1)</script>"
LPS_STORED = np.array([[0, -1.5, 0, 20], [0, 0, -2.0, 30], [1.0, 0, 0, -5], [0, 0, 0, 1]])


def held(page: str, name: str) -> bytes:
    """What an element of the page holds, unpacked."""
    (text,) = re.findall(rf'<script type="text/plain" id="{name}">(.*?)</script>', page)
    return gzip.decompress(base64.b64decode(text))


def facts(page: str) -> dict:
    (text,) = re.findall(r'id="facts">(.*?)</script>', page)
    return json.loads(text)


def noise(size: int) -> tuple[Volume, ColorVolume]:
    """A body of noise, which packs badly."""
    draw = np.random.default_rng(3)
    volume, color = made_result()
    shape = (size, size, size)
    rgb = draw.integers(0, 256, (*shape, 3), dtype=np.uint8)
    mask = np.ones(shape, dtype=bool)
    tissue = draw.integers(1, 9, shape, dtype=np.uint8)
    grey = draw.random(shape, dtype=np.float32)
    return Volume(grey, volume.ijk_to_ras), replace(color, array=rgb, mask=mask, tissue=tissue)


def test_the_page_holds_colours_and_tissues_voxel_for_voxel():
    volume, color = made_result(LPS_STORED, order=(1, 2, 0))
    page = compose(volume, color, PALETTE, "head")
    colors, _ = in_patient_axes(color.array, color.ijk_to_ras)
    tissue, _ = in_patient_axes(color.tissue, color.ijk_to_ras)
    red, green, blue = np.frombuffer(held(page, "colors"), np.uint8).reshape(3, *tissue.shape)
    assert np.array_equal(np.stack([red + green, green, blue + green], axis=-1), colors)
    assert np.array_equal(np.frombuffer(held(page, "labels"), np.uint8), tissue.ravel())
    assert facts(page)["size"] == [16, 24, 20]
    assert facts(page)["spacing"] == pytest.approx([1.5, 2.0, 1.0])


def test_the_viewer_is_the_one_that_was_published():
    page = compose(*made_result(), PALETTE, "head")
    assert hashlib.sha256(held(page, "niivue")).hexdigest() == webpage.NIIVUE_SHA256
    assert webpage.NIIVUE_VERSION.encode() in held(page, "niivue")
    assert "Copyright (c) 2021, Niivue" in page


def test_a_result_gives_the_same_bytes_again(tmp_path):
    for name in ("one.html", "two.html"):
        write_page(*made_result(), PALETTE, tmp_path / name, "head")
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_no_text_of_an_input_becomes_a_part_of_the_page():
    plain = compose(*made_result(), PALETTE, "head")
    page = compose(*made_result(palette_name=EVIL), PALETTE, EVIL)
    assert page.count("<script") == plain.count("<script")
    assert page.count("&lt;script&gt;alert(1)") == 3  # title, heading, palette


def test_words_in_braces_are_text_like_any_other():
    assert "<h1>{{niivue}} {{x}}</h1>" in compose(*made_result(), PALETTE, "{{niivue}} {{x}}")


def test_the_page_names_nothing_on_the_net():
    page = compose(*made_result(), PALETTE, "head")
    around = re.sub(r'<script type="text/plain".*?</script>', "", page)
    assert "//" not in re.sub(r"(^|\n|>)\s*// .*", "", around)
    assert "default-src 'none'" in page


@pytest.mark.parametrize(("share", "steps"), [(0.95, 128), (0.84, 64), (0.76, 32)])
def test_a_page_too_large_loses_shades_and_says_so(monkeypatch, share, steps):
    volume, color = noise(48)
    fixed = len(compose(*made_result(), PALETTE, "head"))
    full = len(compose(volume, color, PALETTE, "head"))
    monkeypatch.setattr(webpage, "MAX_BYTES", int(fixed + (full - fixed) * share))
    page = compose(volume, color, PALETTE, "head")
    assert len(page) <= webpage.MAX_BYTES
    assert f"Its colours have {steps} steps a channel" in page


def test_what_cannot_fit_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(webpage, "MAX_BYTES", 1_200_000)
    with pytest.raises(OutputError, match="crop it"):
        write_page(*noise(48), PALETTE, tmp_path / "head.html", "head")
    assert not list(tmp_path.iterdir())


def test_coarser_colours_keep_black_and_white():
    for bits in (5, 6, 7):
        levels = webpage._coarser(np.arange(256, dtype=np.uint8), bits)
        assert (levels[0], levels[-1], len(set(levels))) == (0, 2**bits - 1, 2**bits)
        assert (
            np.abs(levels.astype(float) * 255 / (2**bits - 1) - np.arange(256)).max()
            <= 2 ** (7 - bits) + 0.5
        )


@pytest.mark.parametrize(
    ("shape", "spacing", "steps"),
    [
        ((256, 256, 256), (1, 1, 1), (1, 1, 1)),
        ((512, 512, 512), (0.5, 0.5, 0.5), (2, 2, 2)),
        ((30, 512, 512), (5, 0.5, 0.5), (1, 1, 1)),
        ((192, 512, 512), (1, 0.5, 0.5), (1, 2, 2)),
        ((4, 3000, 10), (1, 1, 1), (1, 3, 1)),
    ],
)
def test_the_finest_axes_are_thinned_out_first(shape, spacing, steps):
    assert thinning(shape, spacing) == steps


def test_what_is_thinned_out_stays_where_it_was(monkeypatch):
    cubic = LPS_STORED / [1, 1.5, 2, 1]
    volume, color = made_result(cubic, order=(1, 2, 0))
    monkeypatch.setattr(webpage, "MAX_VOXELS", 1000)
    shown = what_is_shown(volume, color)
    assert shown.steps == (2, 2, 2)

    def middle(array, matrix):
        """Of the bright right side, in mm."""
        places = np.argwhere(array[..., 0] > 100)[:, ::-1].mean(axis=0)
        return matrix[:3, :3] @ places + matrix[:3, 3]

    assert middle(shown.colors, shown.ijk_to_ras) == pytest.approx(
        middle(color.array, color.ijk_to_ras), abs=0.6
    )
    assert "thinned out from voxels of" in compose(volume, color, PALETTE, "head")


def test_a_model_without_tissues_gives_a_page_without_a_legend():
    volume, color = made_result()
    page = compose(volume, replace(color, tissue=None), None, "head")
    assert facts(page)["tissues"] == []
    assert set(held(page, "labels")) == {0, webpage.UNTOLD}


def test_the_legend_names_what_occurs_in_the_palette_s_colours():
    page = compose(*made_result(), PALETTE, "head")
    muscle = facts(page)["tissues"][2]
    assert muscle["name"] == "Muscle"
    assert muscle["rgb"] == [round(255 * value) for value in PALETTE.rgb[3]]
    assert len(facts(page)["tissues"]) == 8

"""Bodies of the validation part: scans made of their maps, and how much of each tissue is right."""

import dataclasses

import numpy as np
import pytest

import phantoms
from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.network.card import ModelCard
from MRIColorizeLib.network.config import GeneratorConfig
from MRIColorizeLib.network.generator import DualDecoderGenerator
from MRIColorizeLib.network.model import Model
from MRIColorizeLib.scale import Scale
from MRIColorizeLib.tissue import Tissue
from training.data.prepared import PreparedVolume
from training.measure.cases.body_scan import CONTRASTS, scan_body
from training.measure.report.regions import measure_regions, tissue_shares
from training.measure.report.scans import difference


@pytest.fixture
def colorizer(tmp_path):
    network = DualDecoderGenerator(GeneratorConfig(width=4, branch_width=4, blocks=1)).eval()
    card = ModelCard("made", "", "", "", Scale.fixed(3.0), 1.0, {}, "", 0, tmp_path, {})
    return Colorizer(Model(card, network), "cpu")


def _map(**changes):
    volume = phantoms.mri("body", "val", shape=(12, 50, 44))
    labels = volume.labels.copy()
    labels[labels == Tissue.GREY_MATTER] = Tissue.MUSCLE
    labels[labels == Tissue.WHITE_MATTER] = Tissue.FAT
    entry = dataclasses.replace(volume.entry, region="body")
    image = np.zeros(labels.shape, np.uint8)
    return PreparedVolume(entry, image, labels, volume.spacing, **changes)


def test_a_map_is_scanned_in_its_contrast_and_the_same_each_time():
    volume = _map()
    means = {}
    for contrast in CONTRASTS:
        scan = scan_body(volume, contrast)
        np.testing.assert_array_equal(scan.array, scan_body(volume, contrast).array)
        means[contrast] = {
            tissue: scan.array[volume.labels == tissue].mean()
            for tissue in (Tissue.FAT, Tissue.MUSCLE)
        }
    assert means["T1"][Tissue.FAT] > 1.5 * means["T1"][Tissue.MUSCLE]
    for contrast in ("T2, fat suppressed", "T1, Dixon water"):
        assert means[contrast][Tissue.FAT] < means[contrast][Tissue.MUSCLE]


def test_the_shares_are_those_of_the_voxels_that_get_their_tissue(colorizer, monkeypatch):
    volume = _map()
    truth = volume.labels.copy()
    truth[:6][truth[:6] == Tissue.FAT] = Tissue.MUSCLE  # half of the fat is wrong

    def answer(scan, options):
        return dataclasses.make_dataclass("Told", ["tissue"])(truth)

    monkeypatch.setattr(colorizer, "colorize", answer)
    rows = list(measure_regions(colorizer, [volume, phantoms.mri()], planes=("axial",)))
    assert [row.contrast for row in rows] == list(CONTRASTS)
    for row in rows:
        assert row.shares[Tissue.MUSCLE] == 1
        assert row.shares[Tissue.FAT] == pytest.approx(0.5, abs=0.02)


def test_a_scan_is_coloured_as_it_is(colorizer):
    scanned = dataclasses.replace(_map(), image=phantoms.mri(shape=(12, 50, 44)).image)
    (row,) = measure_regions(colorizer, [scanned])
    assert (row.contrast, row.plane) == ("as scanned", "auto")


def test_shares_of_a_scan_leave_out_what_has_no_label():
    labels = np.zeros((4, 20, 20), np.uint8)
    labels[:2], labels[2] = Tissue.LIVER, 255
    tissue = np.where(labels == 255, Tissue.FAT, labels)
    tissue[0] = Tissue.SPLEEN
    assert tissue_shares(tissue, labels) == {Tissue.LIVER: 0.5}


def test_colourings_differ_by_their_colours_inside_both_bodies(colorizer):
    first = colorizer.colorize(scan_body(_map(), "T1"))
    array = first.array.copy()
    array[~first.mask] = 255
    assert difference(first, dataclasses.replace(first, array=array), 1) == 0
    array[first.mask] = 255 - array[first.mask]
    assert difference(first, dataclasses.replace(first, array=array), 1) > 5

"""The full Visible Human: downloaded whole, put in order, cut out, and kept apart from tests."""

import sys
from pathlib import Path

import numpy as np
import pydicom
import pytest
import torch
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage, generate_uid

from MRIColorizeLib.tissue import CLASSES, Tissue
from training.__main__ import main
from training.data.cryosection import TEST_SLABS, VALIDATION_FRAMES
from training.data.cryosection_read import CryosectionError
from training.data.prepared import load_all
from training.data.visible_human import (
    ATTEMPTS,
    CHECKSUMS,
    COLLECTION,
    Series,
    VisibleHumanError,
    download_series,
    find_series,
    open_index,
)
from training.data.visible_human_prepare import prepare_visible_human, split_body
from training.data.visible_human_read import read_photographs

UID = generate_uid()
GEL, TISSUE, FAT, CARD = (20, 60, 120), (150, 90, 60), (220, 190, 140), (200, 215, 205)
HEIGHTS = (30.0, 10.0, 20.0, 0.0)  # in the order of the files' names


def photograph(marker):
    """A body in gel with its left front corner fat, a gel-filled cavity, and a pale card."""
    rgb = np.full((80, 100, 3), GEL, np.uint8)
    rgb[20:60, 30:70] = TISSUE
    rgb[20:30, 60:70] = FAT  # row 20 is anterior, column 69 the left side, before any turn
    rgb[40:50, 44:54] = GEL
    rgb[66:78, 20:60] = CARD
    rgb[55:60, 30 : 32 + marker] = FAT
    return rgb


def write_photograph(path, number, rgb, **changes):
    """A secondary capture like those of the collection, turned by half as they are."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    image = pydicom.Dataset()
    image.file_meta = meta
    image.SOPClassUID = SecondaryCaptureImageStorage
    image.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    image.SeriesInstanceUID, image.PatientID, image.Modality = UID, "VHP-M", "XC"
    image.Rows, image.Columns = rgb.shape[:2]
    image.PixelSpacing = [2, 2]
    image.ImagePositionPatient = [0, 0, HEIGHTS[number]]
    image.ImageOrientationPatient = [-1, 0, 0, 0, -1, 0]
    image.SamplesPerPixel, image.PhotometricInterpretation = 3, "RGB"
    image.PlanarConfiguration, image.PixelRepresentation = 0, 0
    image.BitsAllocated, image.BitsStored, image.HighBit = 8, 8, 7
    image.PixelData = rgb[::-1, ::-1].tobytes()
    for name, value in changes.items():
        setattr(image, name, value)
    image.save_as(path, enforce_file_format=True)


@pytest.fixture
def remote(tmp_path):
    """The series as the archive has it: four photographs, names not in the order of heights."""
    folder = tmp_path / "remote"
    folder.mkdir()
    for number in range(len(HEIGHTS)):
        write_photograph(folder / f"{number}.dcm", number, photograph(number))
    return folder


class Archive:
    """Stands for idc_index.IDCClient: copies what is missing, `at_once` files a call."""

    def __init__(self, folder, at_once=99, damage=None):
        self.files = sorted(folder.glob("*.dcm"))
        self.at_once, self.damage = at_once, damage
        self.asked, self.queries = [], []

    @property
    def series(self):
        return Series(UID, len(self.files), sum(path.stat().st_size for path in self.files))

    def sql_query(self, query):
        self.queries.append(query)
        series = self.series
        row = {"SeriesInstanceUID": UID, "instanceCount": series.files}
        return Table([row | {"series_size_MB": series.bytes / 1e6}])

    def download_from_selection(self, downloadDir, seriesInstanceUID, **options):
        assert seriesInstanceUID == [UID]
        assert options["use_s5cmd_sync"]
        self.asked.append(downloadDir)
        missing = [
            path
            for path in self.files
            if not (Path(downloadDir) / path.name).is_file()
            or (Path(downloadDir) / path.name).stat().st_size != path.stat().st_size
        ]
        for path in missing[: self.at_once]:
            content = path.read_bytes()
            if path.name == self.damage:
                content = content[:-100]
            (Path(downloadDir) / path.name).write_bytes(content)


class Table(list):
    """Stands for a pandas data frame."""

    def to_dict(self, orient):
        assert orient == "records"
        return list(self)


def bring(archive, folder):
    return download_series(archive, archive.series, folder, report=lambda _: None)


def test_the_series_is_found_by_body_and_camera(remote):
    archive = Archive(remote)
    assert find_series(archive, "female", "film") == archive.series
    for word in (COLLECTION, "VHP-F", "70mm film - digitized", "'XC'"):
        assert word in archive.queries[0]
    archive.sql_query = lambda _: Table([])
    with pytest.raises(VisibleHumanError, match="0 series"):
        find_series(archive, "male")


def test_a_download_goes_on_until_the_series_is_whole(remote, tmp_path):
    archive = Archive(remote, at_once=2)
    files = bring(archive, tmp_path / "dicom")
    assert [path.read_bytes() for path in files] == [path.read_bytes() for path in archive.files]
    assert len(archive.asked) == 2
    bring(archive, tmp_path / "dicom")
    assert len(archive.asked) == 2  # nothing was missing


def test_a_file_that_changed_later_is_brought_again(remote, tmp_path):
    archive = Archive(remote)
    first = bring(archive, tmp_path / "dicom")[1]
    content = first.read_bytes()
    first.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))  # same size
    bring(archive, tmp_path / "dicom")
    assert first.read_bytes() == content
    assert len(archive.asked) == 2


def test_a_series_that_stays_short_is_told_and_gets_no_checksums(remote, tmp_path):
    archive = Archive(remote, damage="2.dcm")
    with pytest.raises(VisibleHumanError, match="run the same command again"):
        bring(archive, tmp_path / "dicom")
    assert len(archive.asked) == ATTEMPTS
    assert not (tmp_path / "dicom" / CHECKSUMS).exists()


def test_files_that_do_not_belong_are_told(remote, tmp_path):
    archive = Archive(remote)
    folder = tmp_path / "dicom"
    bring(archive, folder)
    (folder / "9.dcm").write_bytes(b"more")
    with pytest.raises(VisibleHumanError, match="holds 5 files, the series has 4"):
        bring(archive, folder)
    (folder / "9.dcm").unlink()
    (folder / CHECKSUMS).unlink()
    (folder / "0.dcm").write_bytes(bytes((folder / "0.dcm").stat().st_size))
    with pytest.raises(VisibleHumanError, match=r"0\.dcm is no DICOM image"):
        bring(archive, folder)


def test_without_idc_index_the_command_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "idc_index", None)
    with pytest.raises(VisibleHumanError, match="pip install idc-index"):
        open_index()
    assert main(["visible-human", "--out", str(tmp_path / "dicom")]) == 2
    assert "idc-index" in capsys.readouterr().err
    assert not (tmp_path / "dicom").exists()


def test_photographs_are_ordered_turned_and_freed_of_gel_and_card(remote):
    stack = read_photographs(sorted(remote.glob("*.dcm")), working_mm=2.0, every_mm=10.0)
    assert stack.spacing.tolist() == [10.0, 2.0, 2.0]
    assert stack.patient == "VHP-M"
    # The marker grows with the file's number: 0 lies highest, then 2, 1 and 3.
    markers = (stack.rgb[:, 56, 60:70, 0] > 200).sum(axis=1)
    assert np.argsort(np.argsort(markers)).tolist() == [0, 2, 1, 3]
    expected = np.zeros((80, 100), bool)
    expected[21:59, 31:69] = True  # half a millimetre of skin seen through gel is off: one pixel
    expected[[[21], [58]], [31, 68]] = False  # corners are rounded
    for k in range(4):
        np.testing.assert_array_equal(stack.body[k], expected)
        assert stack.cavity[k][42:48, 48:54].all()
        assert (stack.rgb[k][~expected] == 0).all()
    np.testing.assert_array_equal(stack.rgb[0, 25, 34], FAT)  # anterior left, seen from above


def test_every_so_many_millimetres_the_nearest_photograph_is_taken(remote):
    stack = read_photographs(sorted(remote.glob("*.dcm")), working_mm=4.0, every_mm=15.0)
    assert len(stack.rgb) == 3
    assert stack.rgb.shape[1:3] == (40, 50)
    assert stack.spacing[0] == 15


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"PatientID": "VHP-F"}, "mixes"),
        ({"PixelSpacing": [3, 3]}, "mixes"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "no axial photograph"),
        ({"ImagePositionPatient": None}, "with a position"),
        (
            {
                "PhotometricInterpretation": "MONOCHROME2",
                "SamplesPerPixel": 1,
                "PixelData": bytes(8000),
            },
            r"0\.dcm is no colour photograph",
        ),
    ],
)
def test_other_files_are_told(remote, changes, words):
    write_photograph(remote / "0.dcm", 0, photograph(0), **changes)
    with pytest.raises(CryosectionError, match=words):
        read_photographs(sorted(remote.glob("*.dcm")))


def test_a_downloaded_body_is_prepared_with_a_network_s_labels(remote, tmp_path):
    archive = Archive(remote)
    bring(archive, tmp_path / "dicom")

    def network(picture):
        """Bright is fat; everything else stays what it should not: background."""
        bright = (picture.mean(1, keepdim=True) > 0.6).float()
        logits = torch.zeros(1, CLASSES, *picture.shape[2:])
        logits[:, Tissue.FAT : Tissue.FAT + 1] = 2 * bright
        logits[:, Tissue.BACKGROUND] = 1
        return logits

    made = prepare_visible_human(tmp_path / "dicom", tmp_path / "out", network, lambda _: None)
    (volume,) = load_all(tmp_path / "out")
    np.testing.assert_array_equal(volume.labels, made.labels)
    assert volume.entry.name == "visible_human_male"
    assert volume.spacing.tolist() == [10.0, 1.0, 1.0]
    codes = volume.labels[0]
    assert codes[50, 69] == Tissue.FAT
    assert codes[90, 101] == Tissue.AIR
    assert codes[70, 129] == Tissue.OTHER
    assert ((codes == Tissue.BACKGROUND) == (volume.image[0] == 0).all(axis=-1)).all()


def test_a_folder_without_a_whole_series_is_told(tmp_path):
    with pytest.raises(VisibleHumanError, match="no whole series"):
        prepare_visible_human(tmp_path, tmp_path / "out", lambda picture: picture)


def test_the_male_s_training_slices_keep_away_from_the_coarse_stack_s_test_levels():
    body = np.zeros((480, 2, 2), bool)
    body[3:470] = True  # from crown to toe
    parts = split_body(body, "male")
    frame = {k: (k - 3) / 466 * 145 for k in range(3, 470)}
    held = [number for slab in TEST_SLABS for number in slab]
    train = np.array([frame[k] for k in parts["train"]])
    assert np.abs(np.subtract.outer(train, [*held, *VALIDATION_FRAMES])).min() >= 1.5
    test = np.array([frame[k] for k in parts["test"]])
    assert np.abs(np.subtract.outer(test, held)).min(axis=1).max() <= 0.5
    assert len(parts["train"]) > 0.4 * 467


def test_of_the_female_the_head_is_for_tests_alone():
    parts = split_body(np.ones((400, 1, 1), bool), "female")
    assert max(parts["test"]) < min(parts["train"]) - 5
    assert 0 in parts["test"]
    assert "val" not in parts

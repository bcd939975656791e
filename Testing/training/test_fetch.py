"""fetch: every listed file in its place, from where it can be had."""

import base64
import hashlib
import io
import os

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from file_server import FileServer
from PIL import Image
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

from training.__main__ import main
from training.data.derived import derive
from training.data.fetch import fetch
from training.data.sources import (
    DicomSeries,
    NotebookImage,
    SourceError,
    load_sources,
)

ONE = b"one" * 1000
TWO = np.random.default_rng(1).bytes(4000)
PLACE = "/someone/things/0123abc"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def listed(name, content, path, more=""):
    return (
        f'[[file]]\nname = "{name}"\nrepository = "https://github.com/someone/things"\n'
        f'commit = "0123abc"\npath = "{path}"\nlicence = "CC0"\n'
        f'bytes = {len(content)}\nsha256 = "{sha256(content)}"\n{more}\n'
    )


@pytest.fixture
def manifest(tmp_path):
    path = tmp_path / "list.toml"
    path.write_text(
        listed("mri/one.nii", ONE, "raw data/one.nii") + listed("labels/two.mgz", TWO, "two")
    )
    return path


@pytest.fixture
def server():
    server = FileServer()
    server.files = {f"{PLACE}/raw%20data/one.nii": ONE, f"{PLACE}/two": TWO}
    yield server
    server.close()


def bring(out, manifest, server, **options):
    said = []
    done = fetch(out, host=server.address, manifest=manifest, report=said.append, **options)
    return done, said


def test_files_are_downloaded_once_into_the_folder_that_prepare_reads(manifest, server, tmp_path):
    out = tmp_path / "data"
    done, said = bring(out, manifest, server)
    assert (done.kept, done.copied, done.downloaded) == (0, 0, 2)
    assert (out / "mri" / "one.nii").read_bytes() == ONE
    assert (out / "labels" / "two.mgz").read_bytes() == TWO
    assert (out / "sources.toml").read_bytes() == manifest.read_bytes()
    assert len(said) == 2
    asked = len(server.asked)
    assert bring(out, manifest, server)[0].kept == 2
    assert len(server.asked) == asked


def test_a_damaged_file_is_brought_again(manifest, server, tmp_path):
    bring(tmp_path, manifest, server)
    (tmp_path / "labels" / "two.mgz").write_bytes(TWO[:-1] + b"?")
    done, _ = bring(tmp_path, manifest, server)
    assert (done.kept, done.downloaded) == (1, 1)
    assert (tmp_path / "labels" / "two.mgz").read_bytes() == TWO


def test_the_same_bytes_are_found_in_local_folders_under_any_name(manifest, server, tmp_path):
    here = tmp_path / "here" / "below"
    here.mkdir(parents=True)
    (here / "renamed").write_bytes(TWO)
    (here / "same size").write_bytes(TWO[::-1])
    os.symlink(here / "renamed", here / "link")
    done, _ = bring(tmp_path / "data", manifest, server, folders=[tmp_path / "here"])
    assert (done.copied, done.downloaded) == (1, 1)
    copied = tmp_path / "data" / "labels" / "two.mgz"
    assert copied.read_bytes() == TWO
    assert not copied.is_symlink()


def test_names_choose(manifest, server, tmp_path):
    bring(tmp_path, manifest, server, names=["labels/*"])
    assert not (tmp_path / "mri").exists()
    with pytest.raises(SourceError, match=r"mri/three\.nii"):
        bring(tmp_path, manifest, server, names=["mri/three.nii"])


def test_one_bad_answer_does_not_keep_the_others_away(manifest, server, tmp_path):
    server.files[f"{PLACE}/raw%20data/one.nii"] = ONE[::-1]
    with pytest.raises(SourceError, match=r"1 of 2 files are missing.*mri/one\.nii.*SHA-256"):
        bring(tmp_path, manifest, server)
    assert list((tmp_path / "mri").iterdir()) == []
    assert (tmp_path / "labels" / "two.mgz").read_bytes() == TWO


def page_with(pictures):
    """A page with embedded PNG pictures, as notebooks are published."""
    encoded = []
    for picture in pictures:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "PNG")
        encoded.append(base64.encodebytes(file.getvalue()))
    images = b"".join(b'<img src="data:image/png;base64,' + one + b'">' for one in encoded)
    return b"<html>" + images + b"</html>"


def test_a_picture_comes_out_of_a_page(server, tmp_path):
    pictures = [np.full((9, 9, 3), n, np.uint8) for n in (10, 20)]
    pictures[1][2:6, 3:8] = np.random.default_rng(0).integers(0, 255, (4, 5, 3), dtype=np.uint8)
    page = page_with(pictures)
    file = io.BytesIO()
    Image.fromarray(pictures[1][2:6, 3:8]).save(file, "PNG")
    made = f'[file.notebook_image]\nsha256 = "{sha256(page)}"\nimage = 1\ncrop = [3, 2, 8, 6]\n'
    manifest = tmp_path / "list.toml"
    manifest.write_text(listed("cryosection/p.png", file.getvalue(), "page's.html", made))
    server.files = {f"{PLACE}/page%27s.html": page}
    out = tmp_path / "data"
    assert bring(out, manifest, server)[0].downloaded == 1
    assert (out / "cryosection" / "p.png").read_bytes() == file.getvalue()
    assert [path.name for path in (out / "cryosection").iterdir()] == ["p.png"]
    server.files = {f"{PLACE}/page%27s.html": page + b" "}
    (out / "cryosection" / "p.png").unlink()
    with pytest.raises(SourceError, match="than the recipe was written for"):
        bring(out, manifest, server)
    assert list((out / "cryosection").iterdir()) == []


def test_other_bytes_from_a_recipe_are_refused(server, tmp_path):
    page = page_with([np.zeros((4, 4, 3), np.uint8)])
    made = f'[file.notebook_image]\nsha256 = "{sha256(page)}"\nimage = 0\ncrop = [0, 0, 4, 4]\n'
    manifest = tmp_path / "list.toml"
    manifest.write_text(listed("cryosection/p.png", b"what it was once", "page", made))
    server.files = {f"{PLACE}/page": page}
    with pytest.raises(SourceError, match="--from"):
        bring(tmp_path / "data", manifest, server)
    assert list((tmp_path / "data" / "cryosection").iterdir()) == []


def write_mr(path, number, series, array):
    """One MR slice of 2 mm pixels, 5 mm above the one before."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = MRImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    image = pydicom.Dataset()
    image.file_meta = meta
    image.SOPClassUID, image.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
    image.SeriesInstanceUID, image.StudyInstanceUID, image.Modality = series, series, "MR"
    image.PatientID, image.InstanceNumber = "made", number
    image.Rows, image.Columns = array.shape
    image.PixelSpacing, image.SliceThickness = [2, 2], 5
    image.ImagePositionPatient, image.ImageOrientationPatient = (
        [0, 0, 5 * number],
        [1, 0, 0, 0, 1, 0],
    )
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation = 15, 0
    image.PixelData = array.tobytes()
    image.save_as(path, enforce_file_format=True)


def test_a_volume_comes_out_of_dicom_files(tmp_path):
    array = np.random.default_rng(0).integers(0, 900, (3, 6, 7), dtype=np.uint16)
    series, files = generate_uid(), []
    for k, place in enumerate((2, 0, 1)):  # the names do not follow the positions
        files.append(tmp_path / f"IM-{k + 1:04}.dcm")
        write_mr(files[-1], place, series, array[place])
    together = sha256(b"".join(path.read_bytes() for path in files))
    derive(DicomSeries(together, 3), files, tmp_path / "made.nii.gz")
    image = sitk.ReadImage(str(tmp_path / "made.nii.gz"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), array)
    assert image.GetSpacing() == pytest.approx((2, 2, 5))


def test_the_committed_list_names_every_file_once_and_both_recipes():
    sources = load_sources()
    names = [source.name for source in sources]
    assert len(names) == len(set(names)) > 40
    assert {name.split("/")[0] for name in names} == {"cryosection", "mri", "labels"}
    for source in sources:
        assert len(source.sha256) == 64
        assert len(source.commit) == 40
        assert source.repository.startswith("https://github.com/")
        assert source.licence
    recipes = {source.name: source.recipe for source in sources if source.recipe}
    assert {type(recipe) for recipe in recipes.values()} == {NotebookImage, DicomSeries}
    chest = next(source for source in sources if source.name.startswith("mri/chest"))
    assert chest.paths[0].endswith("IM-0001-0001.dcm")
    assert len(chest.paths) == 44


@pytest.mark.parametrize("text", ["[[file", "x = 1", '[[file]]\nname = "../a"\n'])
def test_a_bad_list_is_told(tmp_path, text):
    (tmp_path / "list.toml").write_text(text)
    with pytest.raises(SourceError, match="no list of sources"):
        load_sources(tmp_path / "list.toml")


def test_the_command_takes_files_from_a_folder_and_says_what_it_did(tmp_path, capsys):
    """The tests' own copies of two listed files."""
    names = ["mri/head_t1_tiny.nii.gz", "cryosection/vhf_orbit_small.png"]
    here = os.path.join(os.path.dirname(__file__), "..", "data")
    out = tmp_path / "data"
    assert main(["fetch", "--out", str(out), "--from", here, *names]) == 0
    assert "2 copied" in capsys.readouterr().out
    assert all((out / name).is_file() for name in names)
    assert main(["fetch", "--out", str(out), "--from", str(tmp_path / "none")]) == 2
    assert "is no folder" in capsys.readouterr().err
    assert main(["prepare", "--data", str(tmp_path / "none"), "--out", str(out)]) == 2
    assert "cannot be read" in capsys.readouterr().err

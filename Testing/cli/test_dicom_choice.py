"""Claims about folders with several volumes of DICOM: which is coloured, and what is told."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from cli.made import made_head, oblique, write_nifti
from cli.made_dicom import write_dose, write_series
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.files.dicom.folder import list_series
from MRIColorizeLib.files.reading import read_volume

HEAD = made_head()
GRID = oblique(left_handed=False)
ACROSS = np.diag((1.0, 1.0, 2.0, 1.0))[[2, 0, 1, 3]]


def over_time(folder, description="dwi", number=2):
    """Four volumes of the same places: more bytes than any scan beside it."""
    places = [n % len(HEAD) for n in range(4 * len(HEAD))]
    several = np.concatenate([HEAD + 9 * n for n in range(4)])
    write_series(folder, several, GRID, description, places, SeriesNumber=number)


def exam(folder):
    write_series(folder / "t1", HEAD, GRID, "T1 mprage", SeriesNumber=3)
    write_series(folder / "t2", HEAD[:9], GRID, "T2 tse", SeriesNumber=5)
    over_time(folder / "dwi", number=7)
    return folder


def test_the_largest_scan_is_taken_and_the_others_are_told(tmp_path):
    expected = (
        r"3 volumes; coloured is 3 'T1 mprage', 16x18x14; not 5 'T2 tse', 16x18x9; "
        r"7 'dwi', 16x18x14: 4 volumes in one .*--series chooses"
    )
    with pytest.warns(UserWarning, match=expected):
        volume = read_volume(exam(tmp_path))
    np.testing.assert_array_equal(volume.array, HEAD)


@pytest.mark.parametrize("wanted", ["5", "T2 tse", "t2"])
def test_a_series_is_chosen_by_number_or_name(tmp_path, wanted):
    with pytest.warns(UserWarning, match="coloured is 5 'T2 tse'"):
        volume = read_volume(exam(tmp_path), series=wanted)
    np.testing.assert_array_equal(volume.array, HEAD[:9])


@pytest.mark.parametrize(
    ("wanted", "words"),
    [("4", "has no series '4'; it has 3 'T1"), ("dwi", "4 volumes in one"), ("t", "give a number")],
)
def test_a_choice_that_is_none_is_refused(tmp_path, wanted, words):
    with pytest.raises(InputError, match=words):
        read_volume(exam(tmp_path), series=wanted)


def test_series_that_share_a_number_are_counted(tmp_path):
    write_series(tmp_path / "a", HEAD, GRID, "one")
    write_series(tmp_path / "b", HEAD, GRID, "two")
    assert sorted(one.number for one in list_series(tmp_path).series) == ["1", "2"]


def test_the_list_names_every_volume_and_why_it_is_not_used(tmp_path, command):
    exam(tmp_path)
    write_dose(tmp_path / "dose.dcm")
    answer = command(tmp_path, "--list")
    assert answer.code == 0
    head, *rows = answer.out.splitlines()
    assert head.split() == ["number", "description", "size", "spacing", "in", "mm", "remarks"]
    assert rows[0].split() == ["3", "T1", "mprage", "16x18x14", "0.90x1.10x2.00"]
    assert rows[1].split()[:5] == ["5", "T2", "tse", "16x18x9", "0.90x1.10x2.00"]
    assert rows[2].startswith("7       dwi")
    assert "cannot be used: 4 volumes in one" in rows[2]
    assert rows[3] == f"Left out: {tmp_path / 'dose.dcm'} (RTDOSE)"
    assert not list(tmp_path.glob("*color*"))


def test_what_is_no_folder_has_no_list(tmp_path, command):
    answer = command(write_nifti(tmp_path / "a.nii"), "--list")
    assert answer.code == 2
    assert "is no folder" in answer.sentence()


def test_results_tell_the_series_that_was_asked_for(tmp_path, command):
    answer = command(exam(tmp_path / "exam"), "--series", "T2 tse", "--quiet")
    assert answer.code == 0
    assert sorted(path.name for path in tmp_path.glob("*color*")) == [
        "exam_T2-tse_color.nrrd",
        "exam_T2-tse_color.png",
    ]


def test_a_file_that_is_no_dicom_has_no_series(tmp_path, command):
    answer = command(write_nifti(tmp_path / "a.nii"), "--series", "2")
    assert answer.code == 2
    assert "leave out --series" in answer.sentence()


def two_contrasts(folder, **elements):
    """Two images of each place in one series, that differ in these elements."""

    def differ(number, image):
        for keyword, values in elements.items():
            setattr(image, keyword, values[number % 2])

    both = np.stack((HEAD, HEAD[:, ::-1] + 5), 1).reshape(-1, *HEAD.shape[1:])
    places = [n // 2 for n in range(len(both))]
    write_series(folder, both, GRID, positions=places, change=differ)


def test_echoes_of_one_series_are_volumes_of_their_own(tmp_path):
    two_contrasts(tmp_path, EchoTime=("10", "80"), EchoNumbers=(1, 2))
    with pytest.warns(UserWarning, match=r"coloured is 1\.1 't1 e1'.* not 1\.2 't1 e2'"):
        np.testing.assert_array_equal(read_volume(tmp_path).array, HEAD)
    with pytest.warns(UserWarning, match=r"coloured is 1\.2"):
        second = read_volume(tmp_path, series="1.2").array
    np.testing.assert_array_equal(second, HEAD[:, ::-1] + 5)


def test_phase_images_are_told_from_magnitudes(tmp_path):
    kinds = (["ORIGINAL", "PRIMARY", "M", "SE"], ["ORIGINAL", "PRIMARY", "P", "SE"])
    two_contrasts(tmp_path, ImageType=kinds)
    with pytest.warns(UserWarning, match="a phase, real or imaginary image"):
        np.testing.assert_array_equal(read_volume(tmp_path).array, HEAD)


def test_slices_of_two_sizes_are_two_volumes(tmp_path):
    def halve(number, image):
        if number >= 9:
            image.Rows, image.Columns = 9, 8
            image.PixelSpacing = [2 * step for step in image.PixelSpacing]
            image.PixelData = HEAD[number, ::2, ::2].astype("<u2").tobytes()

    write_series(tmp_path, HEAD, GRID, change=halve)
    with pytest.warns(UserWarning, match=r"coloured is 1\.\d .*16x18x9; not 1\.\d .*8x9x5"):
        np.testing.assert_array_equal(read_volume(tmp_path).array, HEAD[:9])


def turned(folder, affines, count):
    """One series of stacks of `count` slices, each on a grid of its own."""
    for n, affine in enumerate(affines):
        write_series(
            folder,
            HEAD[:count],
            affine,
            names=f"{n}{{number:03d}}",
            SeriesInstanceUID="1.2.3",
            change=lambda number, image, first=n * count: setattr(
                image, "InstanceNumber", first + number + 1
            ),
        )


def test_two_stacks_of_one_series_are_two_volumes(tmp_path):
    turned(tmp_path, (GRID, oblique(left_handed=False) @ ACROSS), 6)
    with pytest.warns(UserWarning, match=r"2 volumes; coloured is 1\.1"):
        volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, HEAD[:6])
    np.testing.assert_allclose(volume.ijk_to_ras, GRID, atol=1e-4)


def test_three_directions_in_one_series_are_a_localizer(tmp_path):
    turned(tmp_path, (np.eye(4), ACROSS, ACROSS @ ACROSS), 5)
    with pytest.raises(InputError, match=r"a localizer: three directions.*--series 1\.1 colours"):
        read_volume(tmp_path)
    with pytest.warns(UserWarning, match="a localizer"):
        assert read_volume(tmp_path, series="1.1").array.shape == (5, 18, 16)


@pytest.mark.parametrize(
    ("elements", "words"),
    [
        ({"Modality": "CT"}, "modality CT, not MRI"),
        ({"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]}, "a derived map"),
        ({"ImageType": ["DERIVED", "PRIMARY", "PERFUSION", "CBF"]}, "a derived map"),
        (
            {"ImageType": ["DERIVED", "SECONDARY"], "SeriesDescription": "Ax DWI FA map"},
            "a derived map",
        ),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "P", "FFE"]}, "a phase"),
        ({"ImageType": ["DERIVED", "SECONDARY", "PROJECTION IMAGE"]}, "a projection"),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, "a localizer"),
        ({"SeriesDescription": "3-plane Localizer"}, "a localizer"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "a screenshot"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "a screenshot or secondary capture"),
    ],
)
def test_what_is_no_scan_is_coloured_when_it_is_asked_for_only(tmp_path, elements, words):
    write_series(tmp_path / "a", HEAD, GRID, "other", SeriesNumber=2, **elements)
    with pytest.raises(InputError, match=f"{words}.* --series 2 colours it all the same"):
        read_volume(tmp_path)
    with pytest.warns(UserWarning, match=words):
        np.testing.assert_array_equal(read_volume(tmp_path, series="2").array, HEAD)
    write_series(tmp_path / "b", HEAD[:4], GRID, "t1", SeriesNumber=3)
    with pytest.warns(UserWarning, match=f"coloured is 3 't1'.*{words}"):
        assert len(read_volume(tmp_path).array) == 4


def test_screenshots_in_colour_are_passed_over_and_refused_when_alone(tmp_path):
    shots = np.repeat(np.repeat(np.repeat(HEAD[..., None] // 8, 3, 3), 3, 1), 3, 2)
    write_series(tmp_path, shots, GRID, "shot", SeriesNumber=9)
    with pytest.raises(InputError, match="colour pictures"):
        read_volume(tmp_path)
    write_series(tmp_path, HEAD, GRID)
    with pytest.warns(UserWarning, match="9 'shot': colour pictures"):
        np.testing.assert_array_equal(read_volume(tmp_path).array, HEAD)


def test_files_that_cannot_be_read_are_named_and_veto_nothing(tmp_path):
    write_series(tmp_path, HEAD, GRID)
    write_dose(tmp_path / "dose.dcm")
    for name in ("t1012", "t1013"):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:900])
    (tmp_path / "broken.dcm").write_bytes(b"no DICOM at all")
    (tmp_path / "damaged").write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 40)
    with pytest.warns(UserWarning, match="Left out") as told:
        volume = read_volume(tmp_path)
    np.testing.assert_array_equal(volume.array, HEAD[:12])
    sentence = str(told[0].message)
    assert "broken.dcm (no DICOM)" in sentence
    assert "dose.dcm (RTDOSE)" in sentence
    assert "t1012 (cut off before its pixels end)" in sentence
    assert "t1013 (cut off before its pixels end)" in sentence
    assert "damaged (" in sentence


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "names", ["E1S2I{number}.MR", "IM{number}.IMA", "{number}", "1.2.{number}"]
)
def test_names_do_not_matter_nor_does_what_else_lies_there(tmp_path, names):
    write_series(tmp_path, HEAD, GRID, names=names)
    (tmp_path / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "._IM1.dcm").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    (tmp_path / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0" * 99)
    (tmp_path / "README.txt").write_text("a viewer")
    np.testing.assert_array_equal(read_volume(tmp_path).array, HEAD)


def test_a_folder_without_dicom_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no DICOM images"):
        read_volume(tmp_path)


def test_a_missing_converter_is_told_and_nifti_needs_none(tmp_path, command, monkeypatch):
    write_series(tmp_path / "dicom", HEAD, GRID)
    monkeypatch.setitem(sys.modules, "dcm2niix", None)
    answer = command(tmp_path / "dicom")
    assert answer.code == 2
    assert answer.sentence() == (
        "Python packages are missing; install them with: pip install dcm2niix."
    )
    assert command(write_nifti(tmp_path / "a.nii")).code == 0


@pytest.mark.parametrize(
    ("script", "words"),
    [("kill -11 $$", "broke down at it .signal 11"), ("sleep 9", "did not end in 0 s")],
)
def test_a_converter_that_breaks_down_is_told(tmp_path, monkeypatch, script, words):
    import dcm2niix

    from MRIColorizeLib.files.dicom import converter as dicom_converter

    write_series(tmp_path / "dicom", HEAD, GRID)
    false = tmp_path / "converter"
    false.write_text(f"#!/bin/sh\n{script}\n")
    false.chmod(0o755)
    monkeypatch.setattr(dcm2niix, "bin", str(false))
    monkeypatch.setattr(dicom_converter, "SECONDS", 0.3)
    with pytest.raises(InputError, match=words):
        read_volume(tmp_path / "dicom")


def test_nothing_is_left_in_the_temporary_folder(tmp_path, monkeypatch):
    import tempfile

    write_series(tmp_path / "dicom", HEAD, GRID)
    (tmp_path / "room").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "room"))
    read_volume(tmp_path / "dicom")
    assert not list((tmp_path / "room").iterdir())

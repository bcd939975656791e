"""Prepared volumes keep what they are given, and say no to what breaks their form."""

import dataclasses
import tempfile
import unittest
from pathlib import Path

import numpy as np

from training.data.prepared import (
    ManifestEntry,
    PreparedDataError,
    PreparedVolume,
    load_all,
    load_prepared,
    read_manifest,
    save_prepared,
    write_manifest,
)


def entry(name="slice", **changes):
    fields = {
        "name": name,
        "file": f"{name}.npz",
        "kind": "cryosection",
        "split": "train",
        "source": "https://example.org/a",
        "source_sha256": "ab" * 32,
        "licence": "public domain",
        "recipe": "Made for a test.",
    }
    return ManifestEntry(**(fields | changes))


def volume(described, slices=4):
    rng = np.random.default_rng(0)
    shape = (slices, 5, 6)
    tail = (3,) if described.kind == "cryosection" else ()
    image = rng.integers(0, 255, shape + tail, dtype=np.uint8)
    labels = rng.integers(0, 13, shape, dtype=np.uint8)
    return PreparedVolume(described, image, labels, np.array([12.8, 0.5, 0.5], np.float32))


class PreparedFilesTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name) / "made" / "on demand"

    def test_a_saved_volume_comes_back_the_same(self):
        frames = {"train": (0, 1), "test": (3,)}
        for described in (entry("a", frames=frames), entry("b", kind="mri")):
            with self.subTest(described.kind):
                saved = volume(described)
                save_prepared([saved], self.folder)
                loaded = load_prepared(self.folder, described)
                np.testing.assert_array_equal(loaded.image, saved.image)
                np.testing.assert_array_equal(loaded.labels, saved.labels)
                np.testing.assert_array_equal(loaded.spacing, saved.spacing)
                self.assertIn(described, read_manifest(self.folder))

    def test_saving_replaces_entries_of_the_same_name_and_keeps_the_others(self):
        save_prepared([volume(entry("a")), volume(entry("b"))], self.folder)
        save_prepared([volume(entry("a", split="val"))], self.folder)
        splits = {e.name: e.split for e in read_manifest(self.folder)}
        self.assertEqual(splits, {"a": "val", "b": "train"})
        self.assertEqual([v.entry.name for v in load_all(self.folder)], ["a", "b"])

    def test_only_the_volumes_and_the_manifest_are_left_in_the_folder(self):
        save_prepared([volume(entry("a"))], self.folder)
        names = {path.name for path in self.folder.iterdir()}
        self.assertEqual(names, {"a.npz", "manifest.toml"})

    def test_any_text_survives_the_manifest(self):
        odd = entry(recipe='He said "no\\yes",\nthen\tleft. Größe µm')
        self.folder.mkdir(parents=True)
        write_manifest(self.folder, [odd])
        self.assertEqual(read_manifest(self.folder), [odd])

    def test_broken_files_are_named_in_the_error(self):
        save_prepared([volume(entry("a"))], self.folder)
        (self.folder / "a.npz").write_bytes(b"not a zip")
        with self.assertRaisesRegex(PreparedDataError, "a.npz"):
            load_prepared(self.folder, entry("a"))
        (self.folder / "manifest.toml").write_text("[[volume")
        with self.assertRaisesRegex(PreparedDataError, "manifest.toml"):
            read_manifest(self.folder)

    def test_a_file_of_another_kind_than_the_manifest_says_is_refused(self):
        save_prepared([volume(entry("a"))], self.folder)
        with self.assertRaisesRegex(PreparedDataError, "cryosection"):
            load_prepared(self.folder, entry("a", kind="mri"))


class PreparedVolumeTest(unittest.TestCase):
    def test_malformed_volumes_are_refused(self):
        good = volume(entry())
        for name, change in {
            "float image": {"image": good.image.astype(np.float32)},
            "no colour": {"image": good.image[..., 0]},
            "labels of another grid": {"labels": good.labels[1:]},
            "signed labels": {"labels": good.labels.astype(np.int64)},
            "spacing of two": {"spacing": good.spacing[:2]},
            "no spacing": {"spacing": np.zeros(3, np.float32)},
            "frame too far": {"entry": entry(frames={"test": (9,)})},
        }.items():
            with self.subTest(name), self.assertRaises(PreparedDataError):
                dataclasses.replace(good, **change)

    def test_malformed_entries_are_refused(self):
        for change in (
            {"kind": "ct"},
            {"split": "all"},
            {"frames": {"rest": (1,)}},
            {"frames": {"train": (1,), "test": (1,)}},
        ):
            with self.subTest(change), self.assertRaises(PreparedDataError):
                entry(**change)

    def test_frames_decide_the_split_where_they_are_listed(self):
        listed = volume(entry(frames={"train": (0, 1), "test": (3,)}))
        self.assertEqual(listed.indices("train"), (0, 1))
        self.assertEqual(listed.indices("val"), ())
        self.assertEqual(listed.indices("test"), (3,))

    def test_a_volume_without_frames_belongs_to_its_split_as_a_whole(self):
        whole = volume(entry(split="val"))
        self.assertEqual(whole.indices("val"), (0, 1, 2, 3))
        self.assertEqual(whole.indices("train"), ())

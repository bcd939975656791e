"""Palettes: those that ship, files that Slicer reads and writes, and files that are none."""

import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np
import slicer
from made_model import small_model, write_model
from stand_ins import python

from MRIColorizeLib.cielab import lab_to_rgb, rgb_to_lab
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.network import palettes
from MRIColorizeLib.network.card import read_card
from MRIColorizeLib.network.model import load_model
from MRIColorizeLib.tissue import CLASSES, NAMES, PALETTE_LAB

# What a person with a missing cone type sees, on linear RGB: Machado, Oliveira and Fernandes,
# "A Physiologically-based Model for Simulation of Color Vision Deficiency" (2009), severity 1.
DICHROMATS = {
    "protanope": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranope": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanope": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def as_seen_by(rgb, cones):
    """sRGB (n, 3) as CIELAB of what a dichromat sees."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.array(cones).T, 0, 1)
    return rgb_to_lab(np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055))


class FolderTest(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.folder = Path(place.name)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path


class ShippedTest(FolderTest):
    def test_the_visible_human_male_comes_first_and_is_the_default_model_s(self):
        shipped = palettes.list_palettes()
        names = [palette.name for palette in shipped]
        self.assertEqual(names[0], "Visible Human Male")
        self.assertEqual(len(names), len(set(names)))
        for other in ("Visible Human Female", "Vivid", "Colour-blind safe"):
            self.assertIn(other, names)
        np.testing.assert_array_equal(shipped[0].lab, PALETTE_LAB)
        model = load_model()
        for source in (model, model.card):
            own = palettes.model_palette(source)
            self.assertEqual(own.name, names[0])
            classes = model.generator.config.classes
            np.testing.assert_array_equal(own.lab[:classes], PALETTE_LAB[:classes])

    def test_a_palette_is_found_by_its_name_in_any_case(self):
        self.assertEqual(palettes.find_palette("vivid").name, "Vivid")
        with self.assertRaisesRegex(InputError, "Visible Human Female"):
            palettes.find_palette("no such palette")

    def test_vivid_keeps_tissues_further_apart_than_the_cadaver(self):
        def mean_chroma(name):
            return np.hypot(*palettes.find_palette(name).lab[1:, 1:].T).mean()

        self.assertGreater(mean_chroma("vivid"), 1.5 * mean_chroma("Visible Human Male"))

    def test_colour_blind_safe_is_told_apart_without_any_one_kind_of_cone(self):
        rgb = palettes.find_palette("Colour-blind safe").rgb[1:]
        for name, cones in DICHROMATS.items():
            lab = as_seen_by(rgb, cones)
            distance = np.linalg.norm(lab[:, None] - lab, axis=2)[np.triu_indices(len(lab), 1)]
            self.assertGreater(distance.min(), 12, name)

    def test_a_model_of_another_palette_names_it_its_own(self):
        directory = write_model(self.folder / "mine", "mine")
        self.assertEqual(palettes.model_palette(read_card(directory)).name, "Visible Human Male")
        model = small_model()
        model.generator.palette_lab.mul_(0.5)
        self.assertEqual(palettes.model_palette(model).name, "small's own")

    def test_a_model_that_paints_without_a_palette_has_none(self):
        with self.assertRaisesRegex(InputError, "no palette"):
            palettes.model_palette(small_model(head="rgb", decoders="single"))

    def test_palettes_need_no_torch(self):
        code = (
            "import sys; from MRIColorizeLib.network import model, palettes; "
            "palettes.list_palettes(); "
            "palettes.model_palette(model.list_models()[0]); sys.exit('torch' in sys.modules)"
        )
        path = str(Path(palettes.__file__).resolve().parents[2])
        done = subprocess.run([python(), "-c", code], env={"PYTHONPATH": path}, check=False)
        self.assertEqual(done.returncode, 0)


class FileTest(FolderTest):
    def test_saved_colours_come_back(self):
        # Bright and dark, inside what a screen can show.
        rgb = np.random.default_rng(5).random((CLASSES, 3))
        mine = palettes.Palette("My colours, by hand", rgb_to_lab(rgb))
        for ending in (".ctbl", ".txt", ".csv"):
            path = self.folder / f"mine{ending}"
            palettes.save_palette(path, mine)
            loaded = palettes.load_palette(path)
            np.testing.assert_allclose(loaded.rgb, rgb, atol=2e-3 if ending == ".csv" else 1e-3)
            if ending != ".csv":  # which holds whole levels only
                np.testing.assert_allclose(loaded.lab, mine.lab, atol=0.05)
            self.assertEqual(loaded.name, "mine" if ending == ".csv" else mine.name)

    def test_a_cielab_colour_of_whole_numbers_survives_exactly(self):
        palettes.save_palette(self.folder / "a.ctbl", palettes.Palette("a", PALETTE_LAB))
        loaded = palettes.load_palette(self.folder / "a.ctbl")
        shown = lab_to_rgb(PALETTE_LAB)
        inside = ((shown > 0) & (shown < 1)).all(axis=1)
        np.testing.assert_allclose(loaded.lab[inside], PALETTE_LAB[inside], atol=0.011)

    def slicer_table(self):
        """A colour table with its storage node, in the scene."""
        table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode")
        storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableStorageNode")
        self.addCleanup(slicer.mrmlScene.RemoveNode, table)
        self.addCleanup(slicer.mrmlScene.RemoveNode, storage)
        return table, storage

    def test_slicer_opens_what_is_saved(self):
        vivid = palettes.find_palette("vivid")
        for ending in (".ctbl", ".csv"):
            path = self.folder / f"vivid{ending}"
            palettes.save_palette(path, vivid)
            table, storage = self.slicer_table()
            storage.SetFileName(str(path))
            self.assertEqual(storage.ReadData(table), 1)
            self.assertEqual(table.GetNumberOfColors(), CLASSES)
            for code, (name, rgb) in enumerate(zip(NAMES, vivid.rgb, strict=True)):
                self.assertEqual(table.GetColorName(code), name)
                color = [0.0] * 4
                table.GetColor(code, color)
                np.testing.assert_allclose(color[:3], rgb, atol=0.5 / 255 + 1e-6)
                self.assertEqual(color[3], float(code > 0))

    def test_what_slicer_saves_is_opened(self):
        rgb = np.random.default_rng(6).integers(0, 256, (CLASSES, 3))
        for ending in (".ctbl", ".csv"):
            table, storage = self.slicer_table()
            table.SetTypeToUser()
            table.SetNumberOfColors(CLASSES)
            for code, color in enumerate(rgb / 255):
                table.SetColor(code, NAMES[code], *color, 1)
            path = self.folder / f"hand made{ending}"
            storage.SetFileName(str(path))
            self.assertEqual(storage.WriteData(table), 1)
            loaded = palettes.load_palette(path)
            self.assertEqual(loaded.name, "hand made")
            np.testing.assert_array_equal(np.rint(loaded.rgb * 255), rgb)

    def test_files_that_are_no_palette_are_refused_with_a_sentence(self):
        good = (palettes.palettes_directory() / "vivid.ctbl").read_text(encoding="utf-8")
        lines = good.splitlines()
        short = "\n".join(lines[:-1])
        cases = {
            "lacks.ctbl": (short, "no colour for gland"),
            "words.ctbl": ("these are\nno colours\n", "damaged"),
            "empty.ctbl": ("", "no colour for background"),
            "bright.ctbl": (good.replace("12 other_tissue 1", "12 other_tissue 999"), "outside"),
            "nan.ctbl": (f"{short}\n19 x nan 1 1 1", "no colour for gland"),
            "infinite.ctbl": (f"{short}\n19 x inf 1 1 1", "outside"),
            "headless.csv": ("1,skin,1,2,3,4\n2,fat,1,2,3,4\n", "damaged"),
            "large.ctbl": ("# " + "x" * palettes.MAX_FILE_BYTES, "too large"),
        }
        for name, (text, words) in cases.items():
            with self.subTest(name), self.assertRaisesRegex(InputError, words) as caught:
                palettes.load_palette(self.write(name, text))
            self.assertNotIn("\n", str(caught.exception))
        (self.folder / "binary.ctbl").write_bytes(b"\xff\xfe\x00\x81")
        for path in (self.folder / "binary.ctbl", self.folder / "none.ctbl", self.folder):
            with self.assertRaisesRegex(InputError, "cannot be read"):
                palettes.load_palette(path)

    def test_another_file_format_is_not_written(self):
        with self.assertRaisesRegex(InputError, "ctbl"):
            palettes.save_palette(self.folder / "a.json", palettes.find_palette("vivid"))
        self.assertEqual(list(self.folder.iterdir()), [])


if __name__ == "__main__":
    unittest.main()

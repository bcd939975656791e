"""Claims about saving a colour volume of the scene as a web page."""

import base64
import gzip
import json
import re
import tempfile
import unittest
from pathlib import Path

import numpy as np
import slicer
from stand_ins import StandInEngine, add_mri, clear_scene, colors_of, made_array, tissue_of

import MRIColorize
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.orientation import in_patient_axes
from MRIColorizeLib.scene import nodes as scene


def held(page, name):
    (text,) = re.findall(rf'<script type="text/plain" id="{name}">(.*?)</script>', page)
    return np.frombuffer(gzip.decompress(base64.b64decode(text)), np.uint8)


class WebPageTest(unittest.TestCase):
    def setUp(self):
        clear_scene()
        self.logic = MRIColorize.MRIColorizeLogic(StandInEngine())
        self.mri = add_mri("head")
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = Path(self.folder.name) / "head.html"

    def page(self, colors, **choices):
        self.logic.saveWebPage(colors, self.path, **choices)
        return self.path.read_text(encoding="utf-8")

    def test_the_page_holds_colours_and_tissues_of_the_scene(self):
        colors = self.logic.colorize(self.mri, tissue=True, palette="vivid")
        page = self.page(colors)
        matrix = scene.ijk_to_ras(colors)
        rgb, _ = in_patient_axes(colors_of(made_array().astype(np.float32)), matrix)
        red, green, blue = held(page, "colors").reshape(3, *rgb.shape[:3])
        np.testing.assert_array_equal(np.stack([red + green, green, blue + green], axis=-1), rgb)
        codes, _ = in_patient_axes(tissue_of(made_array().astype(np.float32)), matrix)
        body = rgb.any(axis=-1)
        labels = held(page, "labels").reshape(codes.shape)
        np.testing.assert_array_equal(labels[body], codes[body])
        (text,) = re.findall(r'id="facts">(.*?)</script>', page)
        names = [tissue["name"] for tissue in json.loads(text)["tissues"]]
        self.assertEqual(names, ["Fat", "Muscle"])

    def test_the_page_says_how_the_colours_were_made(self):
        page = self.page(self.logic.colorize(self.mri, saturation=1.5))
        self.assertIn("<dd>stand-in</dd>", page)
        self.assertIn("<dt>Saturation</dt><dd>1.5</dd>", page)

    def test_the_name_of_a_volume_is_no_part_of_the_page_s_code(self):
        evil = "<script>alert(1)</script>"
        page = self.page(self.logic.colorize(self.mri, name=evil))
        self.assertNotIn(evil, page)
        self.assertIn("&lt;script&gt;alert(1)", page)

    def test_colours_whose_mri_is_gone_are_refused_until_one_is_given(self):
        colors = self.logic.colorize(self.mri)
        slicer.mrmlScene.RemoveNode(self.mri)
        with self.assertRaisesRegex(InputError, "choose the MRI"):
            self.page(colors)
        self.assertFalse(self.path.exists())
        self.assertIn("<h1>head_color</h1>", self.page(colors, inputVolume=add_mri("again")))

    def test_an_mri_is_no_colour_volume(self):
        with self.assertRaisesRegex(InputError, "Only a colour volume"):
            self.page(self.mri)

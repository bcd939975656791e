"""Tissue labels of cryosections follow colour, outline and position."""

import dataclasses
import unittest
from pathlib import Path

import numpy as np
from skimage.color import lab2rgb

from MRIColorizeLib.tissue import Tissue
from training.data.cryosection_fluid import RIM_MM, add_rim, add_sulci
from training.data.cryosection_labels import (
    SliceMasks,
    label_brain,
    label_by_colour,
    label_photograph,
    label_skin,
    majority,
    remove_spots,
)
from training.data.cryosection_outlines import ColourRules, load_photographs
from training.data.cryosection_read import BodyPicture, cut_photograph, read_rgb

DATA = Path(__file__).parents[1] / "data"
RULES = ColourRules(10, 40, 8, 47, 10, 30, 40)
GREY, WHITE, FAT = (55, 9, 28), (74, -2, 31), (66, 3, 28)
MUSCLE, BONE, MARROW = (25, 19, 16), (62, 3, 23), (50, 16, 21)


def disc(shape, radius):
    rows, columns = np.indices(shape) - (np.array(shape).reshape(2, 1, 1) - 1) / 2
    return rows**2 + columns**2 <= radius**2


def paint(shape, layers):
    """A CIELAB picture (H, W, 3): each layer is (mask, colour), later ones on top."""
    lab = np.zeros((*shape, 3))
    for mask, colour in layers:
        lab[mask] = colour
    return lab


def to_rgb(lab):
    return np.rint(lab2rgb(lab) * 255).astype(np.uint8)


class ColourTest(unittest.TestCase):
    def test_each_colour_gets_its_tissue(self):
        lab = np.array([[FAT, MUSCLE, (30, 2, 10), (4, 2, 2), FAT]], float)
        body = np.array([[True, True, True, True, False]])
        expected = [
            Tissue.FAT,
            Tissue.MUSCLE,
            Tissue.OTHER,
            Tissue.BLOOD,
            Tissue.BACKGROUND,
        ]
        self.assertEqual(label_by_colour(lab, body, RULES)[0].tolist(), expected)

    def test_skin_is_the_surface_and_goes_deeper_where_it_is_dark(self):
        body = np.zeros((41, 41), bool)
        body[:, 2:39] = True
        lab = paint(body.shape, [(body, FAT)])
        lab[:, :20] = (45, 5, 17)
        labels = np.where(body, Tissue.FAT, Tissue.BACKGROUND).astype(np.uint8)
        label_skin(labels, lab, body, RULES, spacing=0.5)
        dark, pale = (labels[20, :20] == Tissue.SKIN).sum(), (labels[20, 20:] == Tissue.SKIN).sum()
        # 1.7 mm and 2.6 mm in pixels of half a millimetre; the picture's edge is no surface.
        self.assertEqual((pale, dark), (3, 5))
        self.assertEqual(labels[20, 20], Tissue.FAT)


class BrainTest(unittest.TestCase):
    def test_grey_and_white_are_told_apart_under_uneven_exposure(self):
        shape = (120, 120)
        brain = disc(shape, 55)
        columns = np.indices(shape)[1]
        white = brain & (columns // 10 % 2 == 0)
        lab = paint(shape, [(brain, GREY), (white, WHITE)])
        # From left to right the film gets darker by more than half of what tells them apart.
        lab[..., 0] -= 14 * columns / shape[1]
        labels = label_brain(lab, brain, dataclasses.replace(RULES, white_floor=0), 0.5)
        deep = disc(shape, 50)
        agree = (labels == np.where(white, Tissue.WHITE_MATTER, Tissue.GREY_MATTER))[deep]
        self.assertGreater(agree.mean(), 0.98)

    def test_what_is_dark_in_the_brain_is_fluid(self):
        brain = disc((60, 60), 25)
        lab = paint((60, 60), [(brain, GREY), (disc((60, 60), 12), WHITE), (disc((60, 60), 5), 9)])
        labels = label_brain(lab, brain, RULES, 0.5)
        self.assertTrue((labels[disc((60, 60), 4)] == Tissue.CSF).all())
        self.assertTrue((labels[~brain] == 0).all())

    def test_the_border_of_the_brain_is_never_white(self):
        brain = disc((60, 60), 25)
        lab = paint(
            (60, 60), [(disc((60, 60), 28), BONE), (brain, WHITE), (disc((60, 60), 9), GREY)]
        )
        labels = label_brain(lab, brain, RULES, 0.5)
        self.assertFalse((labels[brain & ~disc((60, 60), 24)] == Tissue.WHITE_MATTER).any())
        self.assertTrue((labels[disc((60, 60), 20) & ~disc((60, 60), 10)] == 7).all())

    def test_no_white_matter_is_found_below_its_floor(self):
        brain = disc((60, 60), 25)
        lab = paint((60, 60), [(brain, GREY), (disc((60, 60), 12), (50, 12, 28))])
        labels = label_brain(lab, brain, dataclasses.replace(RULES, white_floor=60), 0.5)
        self.assertFalse((labels == Tissue.WHITE_MATTER).any())

    def test_no_brain_gives_no_labels(self):
        none = np.zeros((9, 9), bool)
        self.assertFalse(label_brain(np.zeros((9, 9, 3)), none, RULES, 1.0).any())


class HeadTest(unittest.TestCase):
    def made_head(self):
        shape = (160, 160)
        body, muscle, skull, diploe, brain, core = (
            disc(shape, r) for r in (75, 68, 62, 58, 52, 30)
        )
        lab = paint(
            shape,
            [(body, FAT), (muscle, MUSCLE), (skull, BONE), (diploe, MARROW), (brain, GREY)],
        )
        lab[core] = WHITE
        lab[disc(shape, 53) & ~brain] = BONE
        empty = {field.name: np.zeros(shape, bool) for field in dataclasses.fields(SliceMasks)}
        masks = SliceMasks(**(empty | {"skull": skull, "brain_parts": (brain,)}))
        return BodyPicture(to_rgb(lab), body, np.zeros(shape, bool), 1.0), masks

    def test_the_layers_of_a_head_come_in_their_order(self):
        picture, masks = self.made_head()
        labels = label_photograph(picture, masks, RULES)
        ray = labels[80, 80:156]
        layers = [int(ray[0])] + [int(b) for a, b in zip(ray, ray[1:], strict=False) if a != b]
        self.assertEqual(
            layers,
            [
                Tissue.WHITE_MATTER,
                Tissue.GREY_MATTER,
                Tissue.BONE,
                Tissue.MARROW,
                Tissue.BONE,
                Tissue.MUSCLE,
                Tissue.FAT,
                Tissue.SKIN,
                Tissue.BACKGROUND,
            ],
        )

    def test_a_real_head_has_its_brain_inside_its_skull(self):
        # The small picture is an eighth of the large one upside down, and so are its outlines.
        large = next(p for p in load_photographs() if p.name == "vhf_head_slice")
        rgb = read_rgb(DATA / "vhf_head_slice_small.png")[::-1]
        small = dataclasses.replace(
            large,
            crop=(0, 0, 142, 153),
            spacing_mm=8 * large.spacing_mm,
            scale=1.0,
            outlines={k: tuple(p / 8 for p in v) for k, v in large.outlines.items()},
        )
        picture = cut_photograph(rgb, small)
        masks = SliceMasks.of_photograph(small, picture.body.shape)
        labels = label_photograph(picture, masks, small.rules)
        self.assertTrue((labels[~picture.body] == Tissue.BACKGROUND).all())
        self.assertFalse((labels[picture.body] == Tissue.BACKGROUND).any())
        in_brain = labels[masks.brain]
        matter = np.isin(in_brain, (Tissue.GREY_MATTER, Tissue.WHITE_MATTER))
        self.assertGreater(matter.mean(), 0.9)
        self.assertTrue(0.1 < (in_brain == Tissue.WHITE_MATTER).mean() < 0.5)
        bony = np.isin(labels[masks.skull & ~masks.brain], (Tissue.BONE, Tissue.MARROW))
        self.assertGreater(bony.mean(), 0.7)
        self.assertGreater((labels[masks.eye & ~masks.lens] == Tissue.CSF).mean(), 0.85)


class SmoothingTest(unittest.TestCase):
    def test_majority_drops_specks_and_keeps_the_body(self):
        body = disc((31, 31), 13)
        labels = np.where(body, Tissue.MUSCLE, 0).astype(np.uint8)
        labels[15, 15] = Tissue.FAT
        smooth = majority(labels, body, 0.8)
        np.testing.assert_array_equal(smooth, np.where(body, Tissue.MUSCLE, 0))

    def test_small_islands_join_the_nearest_region(self):
        labels = np.full((20, 20), Tissue.FAT, np.uint8)
        labels[:, 10:] = Tissue.MUSCLE
        labels[5, 3] = Tissue.BONE
        labels[12:16, 14:18] = Tissue.BONE
        cleaned = remove_spots(labels, smallest=4)
        self.assertEqual(cleaned[5, 3], Tissue.FAT)
        self.assertEqual((cleaned == Tissue.BONE).sum(), 16)


class FluidTest(unittest.TestCase):
    def setUp(self):
        self.brain = disc((80, 80), 35)
        lab = paint((80, 80), [(disc((80, 80), 39), BONE), (self.brain, GREY)])
        lab[38:40, 20:60] = (44, 10, 24)
        lab[50:52, 20:60] = WHITE
        self.rgb = to_rgb(lab)
        self.labels = np.where(self.brain, Tissue.GREY_MATTER, Tissue.BONE).astype(np.uint8)
        self.labels[50:52, 20:60] = Tissue.WHITE_MATTER

    def test_the_rim_lies_inside_the_brain_and_has_its_width(self):
        rgb, labels = add_rim(self.rgb, self.labels, self.brain, spacing=0.5)
        fluid = labels == Tissue.CSF
        self.assertFalse((fluid & ~self.brain).any())
        self.assertEqual(fluid[40, :20].sum(), RIM_MM / 0.5)
        self.assertTrue((rgb[fluid].mean(1) < self.rgb[fluid].mean(1)).all())
        np.testing.assert_array_equal(rgb[~self.brain], self.rgb[~self.brain])

    def test_a_dark_line_in_grey_matter_is_a_sulcus_and_a_bright_one_is_not(self):
        _, labels = add_sulci(self.rgb, self.labels, self.brain, spacing=0.5)
        self.assertGreater((labels[38:40, 22:58] == Tissue.CSF).mean(), 0.9)
        self.assertFalse((labels[48:54] == Tissue.CSF).any())
        self.assertFalse((labels[~self.brain] == Tissue.CSF).any())

    def test_without_a_brain_nothing_changes(self):
        none = np.zeros_like(self.brain)
        for add in (add_rim, add_sulci):
            rgb, labels = add(self.rgb, self.labels, none, 0.5)
            np.testing.assert_array_equal(rgb, self.rgb)
            np.testing.assert_array_equal(labels, self.labels)

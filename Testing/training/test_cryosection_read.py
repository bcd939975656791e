"""Reading cryosections: the gel goes, the body stays, outlines land where they were drawn."""

import dataclasses
import tempfile
import unittest
from pathlib import Path

import numpy as np
from scipy.ndimage import label
from skimage.color import rgb2lab

from training.data.cryosection_outlines import (
    OutlineError,
    StackOutlines,
    load_photographs,
    load_stack_outlines,
    load_stack_source,
)
from training.data.cryosection_read import (
    CAVITY_RGB,
    CryosectionError,
    cut_photograph,
    find_stack_body,
    read_frames,
    read_rgb,
)
from training.data.cryosection_stack import STACK_FRAMES

DATA = Path(__file__).parents[1] / "data"
GEL = (20, 60, 120)
TISSUE = (190, 150, 110)


def disc(shape, center, radius):
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - center[0]) ** 2 + (columns - center[1]) ** 2 <= radius**2


def photograph(**changes):
    first = load_photographs()[0]
    fields = {"crop": (10, 10, 90, 90), "spacing_mm": 0.5, "scale": 0.5, "body_parts": 1}
    return dataclasses.replace(first, **(fields | {"outlines": {}} | changes))


def gel_picture():
    """A body of radius 30 with a gel-filled cavity of radius 8, in gel, and a stray label."""
    rgb = np.full((100, 100, 3), GEL, np.uint8)
    rgb[disc((100, 100), (50, 50), 30)] = TISSUE
    rgb[disc((100, 100), (50, 50), 8)] = GEL
    rgb[12:16, 12:16] = (250, 240, 120)
    return rgb


class PhotographTest(unittest.TestCase):
    def test_the_body_is_cut_out_with_its_cavity(self):
        picture = cut_photograph(gel_picture(), photograph())
        self.assertEqual(picture.body.shape, (40, 40))
        self.assertEqual(picture.spacing_mm, 1.0)
        self.assertAlmostEqual(picture.body.sum(), np.pi * 14.5**2, delta=60)
        self.assertAlmostEqual(picture.cavity.sum(), np.pi * 4**2, delta=12)
        self.assertFalse(picture.body[:4, :4].any())

    def test_no_gel_is_left_in_the_colours(self):
        picture = cut_photograph(gel_picture(), photograph())
        self.assertTrue((picture.rgb[~picture.body] == 0).all())
        np.testing.assert_array_equal(picture.rgb[20, 20], CAVITY_RGB)
        self.assertGreater(rgb2lab(picture.rgb)[..., 2].min(), -4)

    def test_skin_is_not_darkened_by_the_black_beside_it(self):
        picture = cut_photograph(gel_picture(), photograph())
        outer = picture.body & ~disc((40, 40), (20, 20), 10)
        brightness = picture.rgb[outer].mean(axis=1)
        self.assertGreater(brightness.min(), 0.9 * np.mean(TISSUE))

    def test_a_picture_smaller_than_its_crop_is_refused(self):
        with self.assertRaisesRegex(CryosectionError, "smaller"):
            cut_photograph(gel_picture()[:50], photograph())

    def test_a_real_head_comes_out_of_its_gel_in_one_piece(self):
        rgb = read_rgb(DATA / "vhf_head_slice_small.png")
        whole = (0, 0, rgb.shape[1], rgb.shape[0])
        picture = cut_photograph(rgb, photograph(crop=whole, scale=1.0, spacing_mm=1.32))
        self.assertEqual(label(picture.body)[1], 1)
        self.assertTrue(0.5 < picture.body.mean() < 0.8, picture.body.mean())
        # The sinuses behind the nose are filled with gel; the brain is not.
        self.assertGreater(picture.cavity[35:75, 55:85].sum(), 100)
        self.assertFalse(picture.cavity[80:].any())

    def test_unreadable_files_are_named_in_the_error(self):
        with self.assertRaisesRegex(CryosectionError, "nowhere.png"):
            read_rgb(Path("nowhere.png"))
        with self.assertRaisesRegex(CryosectionError, "nowhere.gif"):
            read_frames(Path("nowhere.gif"))


class StackBodyTest(unittest.TestCase):
    def test_cavities_are_told_from_black_specks(self):
        rgb = np.zeros((60, 60, 3), np.uint8)
        rgb[disc((60, 60), (30, 30), 25)] = TISSUE
        rgb[disc((60, 60), (30, 40), 5)] = 0
        rgb[20:40:4, 15:25:4] = 0
        body, cavity = find_stack_body(rgb)
        self.assertTrue(body[30, 30] and body[30, 40] and body[20, 15])
        self.assertTrue(cavity[30, 40])
        self.assertFalse(cavity[:, :30].any())

    def test_the_pale_outermost_pixel_is_taken_off(self):
        rgb = np.zeros((60, 60, 3), np.uint8)
        rgb[10:50, 10:50] = TISSUE
        body, _ = find_stack_body(rgb)
        self.assertFalse(body[10].any())
        self.assertTrue(body[11, 15:45].all())


class OutlinesTest(unittest.TestCase):
    def test_an_outline_is_moved_and_scaled_with_the_picture(self):
        square = np.array([[30, 50], [50, 50], [50, 70], [30, 70]], float)
        mask = photograph(outlines={"brain": (square,)}).mask("brain", (40, 40))
        rows, columns = np.nonzero(mask)
        self.assertEqual((rows.min(), rows.max()), (20, 30))
        self.assertEqual((columns.min(), columns.max()), (10, 20))

    def test_an_outline_that_was_not_drawn_is_empty(self):
        self.assertFalse(photograph().mask("eye", (40, 40)).any())

    def test_between_drawn_frames_the_shape_is_interpolated(self):
        def square(half):
            return (np.array([[-half, -half], [half, -half], [half, half], [-half, half]]) + 30.0,)

        stack = StackOutlines({"lung": {4: square(10), 8: square(20), 9: ()}})
        widths = [int(stack.mask("lung", k, (60, 60))[30].sum()) for k in (4, 6, 8)]
        self.assertEqual(widths[1], (widths[0] + widths[2]) // 2)
        self.assertFalse(stack.mask("lung", 3, (60, 60)).any())
        self.assertFalse(stack.mask("lung", 9, (60, 60)).any())

    def test_the_shipped_outlines_lie_inside_their_pictures(self):
        for drawn in load_photographs():
            x0, y0, x1, y1 = drawn.crop
            for name, polygons in drawn.outlines.items():
                for points in polygons:
                    with self.subTest(slice=drawn.name, outline=name):
                        self.assertTrue((points >= (x0, y0)).all() and (points < (x1, y1)).all())
        for name, frames in load_stack_outlines().regions.items():
            for frame, polygons in frames.items():
                with self.subTest(outline=name, frame=frame):
                    self.assertTrue(0 <= frame < STACK_FRAMES)
                    for points in polygons:
                        self.assertTrue((points >= 0).all() and (points < (347, 200)).all())

    def test_the_second_cadavers_head_is_kept_for_the_test(self):
        splits = {drawn.name: drawn.split for drawn in load_photographs()}
        self.assertEqual(splits.pop("vhf_head_slice"), "test")
        self.assertEqual(set(splits.values()), {"train"})

    def test_malformed_outline_files_are_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "outlines.toml"
            for text, load in {
                "[[photograph": load_photographs,
                "[[photograph]]\nname = 'a'": load_photographs,
                "[[region]]\nname='a'\nframe=1\npolygons=[[[1, 2], [3, 4]]]": load_stack_outlines,
                "[stack]\nname = 'a'": load_stack_source,
            }.items():
                path.write_text(text)
                with self.subTest(text), self.assertRaises(OutlineError):
                    load(path)
            with self.assertRaisesRegex(OutlineError, "missing.toml"):
                load_photographs(Path(folder) / "missing.toml")

"""Codes of FreeSurfer, GIF and CHARM mean the tissues that their tables say."""

import unittest

import numpy as np

from MRIColorizeLib.tissue import Tissue
from training.data.mri_codes import (
    tissues_from_charm,
    tissues_from_freesurfer,
    tissues_from_gif,
)


class FreeSurferCodes(unittest.TestCase):
    def check(self, codes, tissue):
        found = tissues_from_freesurfer(np.array(codes, dtype=np.int32))
        self.assertTrue((found == tissue).all(), f"{codes} became {found}, not {tissue!r}")

    def test_cerebral_cerebellar_and_callosal_white_matter_and_brain_stem_are_white(self):
        self.check([2, 41, 7, 46, 16, 251, 255], Tissue.WHITE_MATTER)

    def test_cerebellar_cortex_and_deep_nuclei_are_grey(self):
        self.check([8, 47, 10, 49, 11, 50, 12, 51, 17, 53], Tissue.GREY_MATTER)

    def test_cortical_parcels_of_both_atlases_are_grey(self):
        self.check([1001, 2035, 11101, 12175], Tissue.GREY_MATTER)

    def test_ventricles_and_csf_are_fluid(self):
        self.check([4, 43, 14, 15, 5, 44, 24], Tissue.CSF)

    def test_choroid_plexus_is_blood_rich(self):
        self.check([31, 63], Tissue.BLOOD)

    def test_unknown_codes_are_background(self):
        self.check([0, 200, 3000, 99999, -1], Tissue.BACKGROUND)


class GifCodes(unittest.TestCase):
    def check(self, codes, tissue):
        found = tissues_from_gif(np.array(codes, dtype=np.uint8))
        self.assertTrue((found == tissue).all(), f"{codes} became {found}, not {tissue!r}")

    def test_lobes_and_brain_stem_are_white(self):
        self.check([35, 36, 41, 42, 45, 46, 81, 94], Tissue.WHITE_MATTER)

    def test_cortex_cerebellum_exterior_and_deep_nuclei_are_grey(self):
        self.check([101, 208, 39, 40, 37, 38, 58, 59, 60, 61], Tissue.GREY_MATTER)

    def test_ventricles_are_fluid(self):
        self.check([5, 12, 50, 51, 52, 53], Tissue.CSF)

    def test_what_lies_outside_the_brain_is_background(self):
        self.check([0, 1, 2, 3, 4], Tissue.BACKGROUND)


class CharmCodes(unittest.TestCase):
    def check(self, codes, tissue):
        found = tissues_from_charm(np.array(codes, dtype=np.int32))
        self.assertTrue((found == tissue).all(), f"{codes} became {found}, not {tissue!r}")

    def test_the_brain_keeps_freesurfers_codes(self):
        self.check([2, 41, 16], Tissue.WHITE_MATTER)
        self.check([3, 42, 10, 47], Tissue.GREY_MATTER)
        self.check([24, 4, 14], Tissue.CSF)

    def test_skull_skin_and_vessels(self):
        self.check([515], Tissue.BONE)
        self.check([516], Tissue.MARROW)
        self.check([511], Tissue.SKIN)
        self.check([502, 514], Tissue.BLOOD)

    def test_eyes_are_vitreous_and_the_cord_is_white(self):
        self.check([506], Tissue.CSF)
        self.check([512, 530], Tissue.WHITE_MATTER)

    def test_soft_tissue_that_is_not_divided_is_muscle(self):
        self.check([507, 508], Tissue.MUSCLE)


if __name__ == "__main__":
    unittest.main()

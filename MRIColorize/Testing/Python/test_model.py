"""Models on disk: listed and loaded without surprises, refused with a sentence when damaged."""

import json
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import torch
from made_model import write_model
from stand_ins import python

from MRIColorizeLib.errors import ModelError
from MRIColorizeLib.network import card
from MRIColorizeLib.network import model as models


class ModelFolderTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.directory = Path(folder.name) / "copy"
        shutil.copytree(models.models_directory() / models.DEFAULT_MODEL, self.directory)

    def _edit(self, **changes):
        path = self.directory / card.CARD_NAME
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    def _refused(self, word):
        with self.assertRaises(ModelError) as caught:
            models.load_model(self.directory)
        self.assertIn(word, str(caught.exception))

    def test_the_default_model_is_listed_first_and_loads(self):
        self.assertEqual(models.list_models()[0].name, models.DEFAULT_MODEL)
        loaded = models.load_model()
        self.assertFalse(loaded.generator.training)
        self.assertFalse(any(p.requires_grad for p in loaded.generator.parameters()))

    def test_a_folder_and_a_name_give_the_same_model(self):
        by_name = models.load_model(models.DEFAULT_MODEL).generator.state_dict()
        by_folder = models.load_model(self.directory).generator.state_dict()
        for name, tensor in by_name.items():
            self.assertTrue(torch.equal(tensor, by_folder[name]), name)

    def test_an_unknown_name_lists_the_known_ones(self):
        with self.assertRaises(ModelError) as caught:
            models.load_model("no-such-model")
        self.assertIn(models.DEFAULT_MODEL, str(caught.exception))

    def test_damaged_or_missing_weights_are_refused(self):
        weights = self.directory / card.WEIGHTS_NAME
        raw = bytearray(weights.read_bytes())
        raw[-1] ^= 1
        weights.write_bytes(raw)
        self._refused("SHA-256")
        weights.write_bytes(raw[:-1])
        self._refused("bytes")
        weights.unlink()
        self._refused("missing")

    def test_damaged_cards_are_refused(self):
        self._edit(scale={"pixels": 224, "least_mm": 0, "most_mm": 2})
        self._refused("spacing")
        self._edit(scale={"pixels": 224, "least_mm": 1, "most_mm": 2}, generator={"unheard_of": 1})
        self._refused("unheard_of")
        self._edit(generator={"width": 9})
        self._refused("do not fit")
        self._edit(weights={"file": "../weights.safetensors", "bytes": 1, "sha256": ""})
        self._refused("other weights")
        (self.directory / card.CARD_NAME).write_text("{")
        self._refused("JSON")
        (self.directory / card.CARD_NAME).unlink()
        self._refused("readable")

    def test_a_pickle_in_the_place_of_weights_is_never_loaded(self):
        import hashlib
        import io

        stream = io.BytesIO()
        torch.save({"encoder": torch.zeros(1)}, stream)
        raw = stream.getvalue()
        (self.directory / card.WEIGHTS_NAME).write_bytes(raw)
        digest = hashlib.sha256(raw).hexdigest()
        self._edit(
            weights={"file": card.WEIGHTS_NAME, "bytes": len(raw), "sha256": digest},
        )
        self._refused("do not fit")

    def test_a_card_asking_for_the_impossible_is_refused_before_anything_is_built(self):
        good = card.read_card(self.directory).generator
        (self.directory / card.WEIGHTS_NAME).unlink()  # it is not even looked for
        for field, value in (
            ("width", 10**9),
            ("width", 0),
            ("width", 24.5),
            ("width", True),
            ("width", "24"),
            ("blocks", 10**6),
            ("dilations", []),
            ("dilations", [1] * 1000),
            ("dilations", [10**6]),
            ("dilations", 2),
            ("output_kernel", 4),
            ("classes", 14),
            ("in_channels", 2),
            ("chroma_bound", float("nan")),
            ("head", "hydra"),
            ("head", ["palette"]),
            ("skips", 1),
        ):
            with self.subTest(field=field, value=str(value)[:20]):
                self._edit(generator={**good, field: value})
                self._refused(field)

    def test_a_card_asking_for_more_than_its_weights_hold_takes_no_memory_for_it(self):
        # 4.8 thousand million numbers, each within its limits.
        self._edit(generator={"width": 512, "blocks": 64})
        self._refused("do not fit")


class CacheTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cache = Path(folder.name) / "cache"
        patch = mock.patch.dict("os.environ", {"MRICOLORIZE_CACHE": str(self.cache)})
        patch.start()
        self.addCleanup(patch.stop)

    def test_an_absent_cache_is_empty(self):
        self.assertEqual(models.cache_folder(), self.cache)
        self.assertEqual(models.cached_bytes(), 0)
        self.assertEqual(models.clear_cache(), 0)
        self.assertEqual(len(models.list_models()), len(list(models.models_directory().iterdir())))

    def test_a_model_put_into_the_cache_is_listed_after_those_that_ship_and_loads_by_name(self):
        write_model(self.cache / "folder", "aaa of mine")
        names = [card.name for card in models.list_models()]
        self.assertEqual(names[0], models.DEFAULT_MODEL)
        self.assertEqual(names[-1], "aaa of mine")
        loaded = models.load_model("aaa of mine")
        self.assertEqual(loaded.card.directory, self.cache / "folder")
        self.assertGreater(models.cached_bytes(), loaded.card.weights_bytes)

    def test_a_cached_model_does_not_stand_in_for_one_that_ships(self):
        write_model(self.cache / "folder", models.DEFAULT_MODEL)
        directories = [card.directory for card in models.list_models()]
        self.assertNotIn(self.cache / "folder", directories)
        self.assertNotEqual(models.find_model(models.DEFAULT_MODEL), self.cache / "folder")

    def test_clearing_deletes_models_and_nothing_else(self):
        outside = write_model(self.cache.parent / "outside")
        write_model(self.cache / "inside")
        (self.cache / "link").symlink_to(outside, target_is_directory=True)
        (self.cache / "notes.txt").write_text("mine")
        (self.cache / "holiday").mkdir()
        self.assertGreater(models.clear_cache(), 0)
        self.assertEqual({p.name for p in self.cache.iterdir()}, {"notes.txt", "holiday"})
        self.assertTrue((outside / card.WEIGHTS_NAME).is_file())
        self.assertEqual(models.cached_bytes(), 0)


class ImportTest(unittest.TestCase):
    def test_listing_models_imports_no_torch(self):
        code = (
            "import sys; from MRIColorizeLib import options, tissue, volume; "
            "from MRIColorizeLib.network import model; "
            "model.list_models(); sys.exit('torch' in sys.modules)"
        )
        path = str(Path(models.__file__).resolve().parents[2])
        done = subprocess.run([python(), "-c", code], env={"PYTHONPATH": path}, check=False)
        self.assertEqual(done.returncode, 0)


if __name__ == "__main__":
    unittest.main()

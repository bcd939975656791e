"""Batches: divided by size alone, side by side in threads, halved when memory runs out."""

import gc
import threading
import unittest
import weakref
from contextlib import closing, suppress
from unittest import mock

import numpy as np
import torch
from made_model import made_head

from MRIColorizeLib.engine.body import find_window
from MRIColorizeLib.engine.canvas import KEPT, KEPT_TO_JOIN
from MRIColorizeLib.engine.painting import (
    download,
    from_kept,
    from_scores,
    keep_largest,
    most_probable,
    to_scores,
    upload,
)
from MRIColorizeLib.engine.schedule import (
    CARD_LANES,
    MOST_ON_CARD,
    Plan,
    in_lanes,
    make_batches,
    plan_work,
)
from MRIColorizeLib.engine.slicing import lay_out
from MRIColorizeLib.scale import Scale


def _layout(shape=(12, 40, 36)):
    head = made_head(shape)
    window, body = find_window(head.array)
    return lay_out(head, "axial", body, window, Scale.fixed(2.0))


def _with_free(free, layout, batch_size=None):
    with mock.patch("torch.cuda.mem_get_info", return_value=(free, free)):
        return plan_work("cuda", layout, 16, batch_size)


class PlanTest(unittest.TestCase):
    def test_on_the_cpu_the_batches_depend_on_the_slices_alone(self):
        layout = _layout()
        sizes = {plan_work("cpu", layout, 16, asked).size for asked in (None, 1, 3, 1000)}
        self.assertEqual(len(sizes), 1)
        self.assertEqual(plan_work("cpu", layout, 16, 1).lanes, 1)
        self.assertGreater(sizes.pop(), plan_work("cpu", _layout((2, 600, 600)), 16, None).size)

    def test_a_card_gets_what_half_its_free_memory_holds(self):
        layout = _layout()
        plan = _with_free(1 << 40, layout)
        self.assertEqual((plan.size, plan.lanes), (MOST_ON_CARD, CARD_LANES))
        need = layout.pixels() * 128 * 16 + layout.raw[0].size * 192
        self.assertEqual(_with_free(2 * CARD_LANES * 5 * need, layout).size, 5)
        self.assertEqual(_with_free(10, layout).size, 1)
        self.assertEqual(_with_free(1 << 40, layout, batch_size=3).size, 3)

    def test_a_smaller_plan_has_half_the_slices_and_the_last_one_is_a_single_slice(self):
        for plan in (Plan("cuda", 12, 2), Plan("cpu", 8, 3), Plan("mps", 8, 1)):
            slices = [plan.slices]
            while (smaller := plan.smaller()) is not None:
                plan = smaller
                slices.append(plan.slices)
            self.assertEqual(slices[-1], 1)
            self.assertEqual(slices, sorted(set(slices), reverse=True))

    def test_the_cpu_keeps_its_batches_as_long_as_it_can(self):
        self.assertEqual(Plan("cpu", 8, 4).smaller(), Plan("cpu", 8, 2))
        self.assertEqual(Plan("cuda", 8, 2).smaller(), Plan("cuda", 4, 2))


class BatchTest(unittest.TestCase):
    def test_every_slice_is_in_one_batch(self):
        present = np.array([2, 3, 5, 8, 9, 10, 14])
        batches = list(make_batches(present, None, 3))
        np.testing.assert_array_equal(np.concatenate([b.slices for b in batches]), present)
        for batch in batches:
            parts = [batch.slices[part] for part in batch.parts(2)]
            np.testing.assert_array_equal(np.concatenate(parts), batch.slices)

    def test_a_single_slice_comes_in_the_company_it_always_has(self):
        present = np.array([2, 3, 5, 8, 9, 10, 14])
        (batch,) = make_batches(present, 8, 3)
        np.testing.assert_array_equal(batch.slices, [8, 9, 10])
        self.assertEqual([list(batch.slices[part]) for part in batch.parts(4)], [[8]])


class LanesTest(unittest.TestCase):
    def setUp(self):
        self.batches = list(make_batches(np.arange(12), None, 1))

    def test_every_batch_is_done_once_and_yielded_in_order(self):
        done = []
        for lanes in (1, 3):
            done.clear()
            yielded = list(in_lanes(done.append, self.batches, "cpu", lanes))
            self.assertEqual(yielded, self.batches)
            self.assertEqual(len(done), len(self.batches))

    def test_as_many_batches_are_in_work_as_there_are_lanes(self):
        together = threading.Barrier(3)  # each waits for two others: fewer lanes would wait forever
        list(in_lanes(lambda batch: together.wait(60), self.batches, "cpu", 3))

    def test_a_system_without_more_threads_is_told_and_not_waited_for(self):
        begin, begun = threading.Thread.start, []

        def start(thread):
            if len(begun) == 2:
                raise RuntimeError("can't start new thread")
            begun.append(thread)
            begin(thread)

        with (
            mock.patch.object(threading.Thread, "start", start),
            self.assertLogs("concurrent.futures", "CRITICAL"),
            self.assertRaisesRegex(RuntimeError, "new thread"),
        ):
            try:
                list(in_lanes(lambda _batch: None, self.batches, "cpu", 4))
            finally:
                for thread in begun:
                    thread.join()

    def test_a_failure_comes_after_what_was_begun_and_begins_nothing_new(self):
        done = []

        def work(batch):
            if batch.slices[0] == 3:
                raise MemoryError
            done.append(int(batch.slices[0]))

        yielded = []
        with self.assertRaises(MemoryError):
            for batch in in_lanes(work, self.batches, "cpu", 2):
                yielded.append(int(batch.slices[0]))
        self.assertEqual(yielded, sorted(done))
        self.assertLess(len(done), len(self.batches) - 1)

    def test_what_a_failed_batch_held_is_freed_at_once_while_others_are_in_work(self):
        class Tensor:
            pass

        taken, freed = [], []

        def work(batch):
            if batch.slices[0] == 0:
                features = Tensor()
                taken.append(weakref.ref(features))
                raise MemoryError
            freed.append(taken[0]() is None)

        gc.disable()  # what only the collector frees would still be there when the batch is halved
        self.addCleanup(gc.enable)
        with self.assertRaises(MemoryError):
            list(in_lanes(work, self.batches, "cpu", 1))
        self.assertEqual(freed, [True])

    def test_a_failure_that_was_handled_leaves_nothing_to_the_collector(self):
        class Full(MemoryError):
            pass

        raised = []

        def work(batch):
            error = Full()
            raised.append(weakref.ref(error))
            raise error

        gc.disable()
        self.addCleanup(gc.enable)
        with suppress(Full):
            list(in_lanes(work, self.batches, "cpu", 2))
        self.assertEqual({error() for error in raised}, {None})

    def test_closed_early_nothing_more_is_begun(self):
        done = []
        with closing(in_lanes(done.append, self.batches, "cpu", 2)) as steps:
            next(steps)
        self.assertLess(len(done), 6)

    def test_the_threads_of_everybody_else_stay_as_they_were(self):
        self.addCleanup(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(3)
        inside, later = [], []
        list(in_lanes(lambda batch: inside.append(torch.get_num_threads()), self.batches, "cpu", 2))
        other = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
        other.start()
        other.join()
        self.assertEqual((set(inside), later, torch.get_num_threads()), ({1}, [3], 3))

    def test_on_a_card_every_lane_works_in_a_stream_of_its_own_after_what_was_begun_before(self):
        used, now = [], threading.local()

        class Stream:
            def __init__(self):
                self.after = []

            def wait_stream(self, earlier):
                self.after.append(earlier)

        class UseStream:
            def __init__(self, stream):
                self.stream = stream

            def __enter__(self):
                now.stream = self.stream

            def __exit__(self, *_):
                now.stream = None

        together = threading.Barrier(2)

        def work(batch):
            together.wait(60)
            used.append(now.stream)

        with (
            mock.patch("torch.cuda.Stream", Stream),
            mock.patch("torch.cuda.stream", UseStream),
            mock.patch("torch.cuda.default_stream", return_value="default"),
            mock.patch("torch.cuda.current_stream", return_value="the caller's"),
        ):
            list(in_lanes(work, self.batches, "cuda", 2))
        self.assertEqual([used.count(stream) for stream in set(used)], [6, 6])
        for stream in used:  # the weights may still be on their way there
            self.assertEqual(stream.after, ["default", "the caller's"])


class TensorTest(unittest.TestCase):
    def test_arrays_go_to_the_device_and_come_back(self):
        array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4).transpose(2, 0, 1)
        (back,) = download([upload(array, "cpu")])
        np.testing.assert_array_equal(back, array)
        self.assertEqual(download([]), [])

    def test_the_most_probable_tissue_is_the_largest_and_of_two_alike_the_first(self):
        torch.manual_seed(0)
        probabilities = torch.softmax(6 * torch.randn(2, 13, 30, 20), dim=1)
        expected = probabilities.argmax(dim=1, keepdim=True)
        self.assertTrue(torch.equal(most_probable(probabilities).long(), expected))
        self.assertEqual(most_probable(torch.full((1, 13, 1, 1), 1 / 13)).item(), 0)

    def test_the_highest_levels_are_kept_in_order_and_of_two_alike_the_first(self):
        torch.manual_seed(0)
        levels = torch.stack([torch.randperm(256)[:20] for _ in range(30)], dim=1)
        highest, codes = levels.topk(KEPT, dim=0)
        tissues, weights = keep_largest(levels.to(torch.uint8)[None, :, :, None], KEPT)
        self.assertTrue(torch.equal(tissues[0, :, 0].T.long(), codes))
        self.assertTrue(torch.equal(weights[0, :, 0].T.long(), highest))
        tissues, _ = keep_largest(torch.full((1, 20, 1, 1), 7, dtype=torch.uint8), KEPT)
        self.assertEqual(tissues.flatten().tolist(), [0, 1, 2, 3])


class JoiningTest(unittest.TestCase):
    """What three planes say of the tissues of one voxel, and what comes of it."""

    def joined(self, *planes):
        mean = torch.zeros(1, len(planes[0]), 1, 1)
        for before, probabilities in enumerate(planes):
            scores = to_scores(torch.tensor(probabilities)[None, :, None, None])
            if before:
                mean = from_kept(*keep_largest(mean.round().to(torch.uint8), KEPT_TO_JOIN), mean)
            mean = mean + (scores - mean) / (before + 1)
        return from_scores(mean).flatten().tolist()

    def test_planes_that_agree_are_believed(self):
        for expected in ([0.05, 0.9, 0.05, 0, 0, 0], [0.1, 0.2, 0.6, 0.1, 0, 0]):
            for one, other in zip(self.joined(*[expected] * 3), expected, strict=True):
                self.assertAlmostEqual(one, other, delta=0.02)

    def test_two_planes_outvote_a_third_however_sure_it_is_and_in_any_order(self):
        two, third = [0.1, 0.9, 0, 0, 0, 0], [1.0, 0, 0, 0, 0, 0]
        for planes in ((two, two, third), (two, third, two), (third, two, two)):
            self.assertGreater(self.joined(*planes)[1], 0.5)

    def test_a_voxel_is_less_of_a_mixture_than_the_mean_of_the_probabilities(self):
        planes = [0.96, 0.02, 0.02, 0, 0, 0], [0.5, 0.48, 0.02, 0, 0, 0], [0.6, 0.0, 0.4, 0, 0, 0]
        self.assertGreater(self.joined(*planes)[0], np.mean(planes, axis=0)[0])


if __name__ == "__main__":
    unittest.main()

"""Claims about a run driven step by step, with nothing of Slicer."""

import unittest
import warnings

from MRIColorizeLib.engine.run import Run
from MRIColorizeLib.errors import Cancelled, InputError
from MRIColorizeLib.notes import tell


def steps(total=3, error=None, closed=None):
    closed = [] if closed is None else closed
    try:
        yield 0, 0
        for done in range(total + 1):
            yield done, total
        if error is not None:
            raise error
    except GeneratorExit:
        closed.append(True)
        raise
    return "the result"


class RunTest(unittest.TestCase):
    def setUp(self):
        self.events = []

    def run_of(self, generator):
        return Run(
            generator,
            onProgress=lambda done, total: self.events.append((done, total)),
            onFinished=lambda result: self.events.append(("finished", result)),
            onError=lambda error: self.events.append(("error", error)),
            onCancelled=lambda: self.events.append("cancelled"),
        )

    def test_reports_every_step_and_then_the_result(self):
        run = self.run_of(steps(total=2))
        while run.advance():
            pass
        self.assertEqual(run.result(), "the result")
        self.assertEqual(self.events, [(0, 0), (0, 2), (1, 2), (2, 2), ("finished", "the result")])

    def test_an_error_ends_the_run_and_is_raised_by_result(self):
        error = InputError("no good")
        run = self.run_of(steps(error=error))
        while run.advance():
            pass
        self.assertEqual(self.events[-1], ("error", error))
        with self.assertRaises(InputError):
            run.result()

    def test_cancel_closes_the_generator_and_nothing_follows(self):
        closed = []
        run = self.run_of(steps(closed=closed))
        run.advance()
        run.cancel()
        run.cancel()
        self.assertFalse(run.advance())
        self.assertEqual(closed, [True])
        self.assertEqual(self.events, [(0, 0), "cancelled"])
        with self.assertRaises(Cancelled):
            run.result()

    def test_cancel_after_the_end_changes_nothing(self):
        run = self.run_of(steps(total=1))
        while run.advance():
            pass
        run.cancel()
        self.assertEqual(run.result(), "the result")
        self.assertNotIn("cancelled", self.events)

    def test_cancel_from_the_progress_callback_stops_the_run(self):
        closed = []
        run = Run(steps(closed=closed), onProgress=lambda done, total: run.cancel())
        self.assertFalse(run.advance())
        self.assertEqual(closed, [True])

    def run_with_a_click(self, clicks, then):
        """A run whose second step handles events, among them clicks; then goes on."""

        def working():
            yield 0, 3
            for click in clicks:
                getattr(run, click)()
            yield from then

        run = self.run_of(working())
        run.advance()
        return run

    def test_cancel_during_a_step_ends_the_run_after_it_and_says_so_once(self):
        run = self.run_with_a_click(["cancel", "cancel"], then=[(1, 3), (2, 3)])
        self.assertFalse(run.advance())
        self.assertFalse(run.advance())
        run.cancel()
        self.assertEqual(self.events, [(0, 3), "cancelled"])
        with self.assertRaises(Cancelled):
            run.result()

    def test_cancel_during_a_step_that_fails_is_told_as_cancelled(self):
        def failing():
            raise InputError("the volume was removed")
            yield

        run = self.run_with_a_click(["cancel"], then=failing())
        self.assertFalse(run.advance())
        self.assertEqual(self.events, [(0, 3), "cancelled"])

    def test_cancel_during_the_last_step_comes_too_late(self):
        run = self.run_with_a_click(["cancel"], then=[])
        self.assertFalse(run.advance())
        self.assertEqual(self.events, [(0, 3), ("finished", None)])
        self.assertIsNone(run.result())

    def test_advance_during_a_step_waits_for_it(self):
        run = self.run_with_a_click(["advance"], then=[(1, 3)])
        self.assertTrue(run.advance())
        self.assertFalse(run.advance())
        self.assertEqual(self.events, [(0, 3), (1, 3), ("finished", None)])

    def test_result_before_the_end_is_a_mistake(self):
        with self.assertRaises(RuntimeError):
            Run(steps()).result()

    def test_what_is_told_becomes_notes_and_each_comes_once(self):
        def telling_steps():
            for done in range(3):
                tell("3 voxels are not finite")
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    warnings.warn("a library's own", stacklevel=1)
                yield done, 3

        run = Run(telling_steps())
        while run.advance():
            pass
        self.assertEqual(run.notes, ["3 voxels are not finite"])

    def test_progress_that_did_not_move_is_not_told_again(self):
        run = self.run_of(iter([(0, 3), (1, 3), (1, 3), (1, 3), (2, 3)]))
        while len(self.events) < 3:
            run.advance()
        self.assertEqual(self.events, [(0, 3), (1, 3), (2, 3)])

    def test_pace_is_unknown_before_the_first_slice_and_positive_after_it(self):
        run = Run(steps(total=4))
        run.advance()
        run.advance()
        self.assertEqual(run.slices_per_second, 0.0)
        self.assertIsNone(run.seconds_left)
        run.advance()
        run.advance()
        self.assertGreater(run.slices_per_second, 0.0)
        # 2 of 4 are done, so as long again is to go.
        self.assertAlmostEqual(run.seconds_left * run.slices_per_second, 2.0, delta=0.2)


if __name__ == "__main__":
    unittest.main()

"""Claims about work in a thread of its own, with nothing of Slicer."""

import gc
import threading
import unittest

from MRIColorizeLib.engine import aside
from MRIColorizeLib.engine.aside import finish_steps, in_thread
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.notes import hearing, tell


def drained(generator):
    """What a generator yields, without repetitions, and what it returns."""
    seen = []
    while True:
        try:
            value = next(generator)
        except StopIteration as end:
            return seen, end.value
        if not seen or value != seen[-1]:
            seen.append(value)


class InThreadTest(unittest.TestCase):
    def setUp(self):
        self.addCleanup(finish_steps)

    def test_gives_what_the_generator_gives_from_another_thread(self):
        threads = set()

        def steps():
            for done in range(4):
                threads.add(threading.get_ident())
                yield done, 3
            return "the result"

        seen, result = drained(in_thread(steps()))
        self.assertEqual((seen, result), ([(0, 3), (1, 3), (2, 3), (3, 3)], "the result"))
        self.assertEqual(len(threads), 1)
        self.assertNotIn(threading.get_ident(), threads)

    def test_comes_back_while_a_step_is_in_work(self):
        released = threading.Event()
        self.addCleanup(released.set)

        def steps():
            yield 1, 2
            released.wait(60)
            yield 2, 2

        run = in_thread(steps())
        while next(run) != (1, 2):
            pass
        self.assertEqual([next(run) for _ in range(3)], [(1, 2)] * 3)
        released.set()
        self.assertEqual(drained(run)[0][-1], (2, 2))

    def test_next_step_waits_until_the_last_one_was_taken(self):
        begun = []

        def steps():
            for done in range(5):
                begun.append(done)
                yield done + 1, 5

        run = in_thread(steps())
        while next(run) != (1, 5):
            pass
        finish_steps()
        self.assertEqual(begun, [0])
        run.close()

    def test_an_error_is_raised_to_whoever_waits(self):
        def steps():
            yield 0, 1
            raise InputError("no good")

        with self.assertRaisesRegex(InputError, "no good"):
            drained(in_thread(steps()))

    def test_closed_early_it_waits_for_nothing_and_the_work_ends_after_its_step(self):
        begun, released, closed = threading.Event(), threading.Event(), []
        self.addCleanup(released.set)

        def steps():
            try:
                yield 0, 2
                begun.set()
                released.wait(60)
                yield 1, 2
            except GeneratorExit:
                closed.append(threading.get_ident())
                raise

        run = in_thread(steps())
        while not begun.is_set():
            next(run)
        run.close()
        self.assertEqual(closed, [])
        released.set()
        finish_steps()
        self.assertEqual(len(closed), 1)
        self.assertNotEqual(closed[0], threading.get_ident())

    def test_what_is_told_in_the_thread_is_heard_by_whoever_waits(self):
        def steps():
            tell("3 voxels")
            yield 0, 1

        heard = []
        with hearing(heard):
            drained(in_thread(steps()))
        self.assertEqual(heard, ["3 voxels"])

    def test_collector_rests_while_there_is_work_and_comes_back(self):
        # It would take objects of Qt and VTK apart in the wrong thread.
        states = []

        def steps():
            states.append(gc.isenabled())
            yield 0, 1

        self.assertTrue(gc.isenabled())
        drained(in_thread(steps()))
        cancelled = in_thread(steps())
        next(cancelled)
        cancelled.close()
        finish_steps()
        self.assertEqual(states, [False, False])
        self.assertTrue(gc.isenabled())

    def test_patience_is_below_what_a_person_notices(self):
        self.assertLessEqual(aside.PATIENCE, 0.05)


if __name__ == "__main__":
    unittest.main()

"""The wall clock steps while jobs run and wait: begin times and reservations move, walltimes do not, nothing is lost."""

import datetime
import mmap
import os
import struct
import time
import unittest

from daemon import Daemon, wait_until

HOUR_MS = 3600 * 1000


class SteppedDaemon(Daemon):
    """Its wall clock is the system's and what step() says; the other clocks are the system's."""

    def __init__(self):
        super().__init__()
        self.step_path = self.folder / "step"
        self.step_path.write_bytes(struct.pack("q", 0))
        with open(self.step_path, "r+b") as file:
            self.mapped = mmap.mmap(file.fileno(), 8)

    def spawn(self, **more):
        environment = dict(os.environ, LD_PRELOAD=os.environ["STINT_WALL_CLOCK"], STINT_TEST_CLOCK=str(self.step_path), TZ="UTC")
        # The sanitizer wants to be first; what is before it here only reads a clock.
        environment["ASAN_OPTIONS"] = environment.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        return super().spawn(env=environment, **more)

    def step(self, ms):
        self.mapped[:] = struct.pack("q", struct.unpack("q", self.mapped[:])[0] + ms)

    def now(self):
        stepped = time.time() + struct.unpack("q", self.mapped[:])[0] / 1000
        return datetime.datetime.fromtimestamp(stepped, datetime.timezone.utc)

    def at(self, hours):
        return (self.now() + datetime.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds_between(early, late):
    parse = lambda text: datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return (parse(late) - parse(early)).total_seconds()


class Clock(unittest.TestCase):
    def setUp(self):
        self.daemon = SteppedDaemon().start()
        self.addCleanup(self.daemon.__exit__)

    def submit(self, walltime_s=3000, **more):
        return self.daemon.submit("sleep", "600", resources={"cpus": 1, "memory_bytes": 16 << 20, "walltime_s": walltime_s}, **more)

    def why(self, id):
        return self.daemon.get("/api/v1/jobs/%d/why" % id).json["reason"]

    def test_a_step_forward_brings_begin_times_and_ends_no_job(self):
        daemon = self.daemon
        running = self.submit()
        later = self.submit(begin=daemon.at(0.5))
        much_later = self.submit(begin=daemon.at(3))
        daemon.wait(running, "running")
        self.assertEqual(daemon.job(later)["reason"], "BeforeBeginTime")
        daemon.step(HOUR_MS)
        daemon.wait(later, "running")
        job = daemon.job(running)
        self.assertEqual(job["state"], "running")
        # Its end is as far away as before: the walltime is not the wall clock's.
        left = seconds_between(daemon.at(0), job["ends_by"])
        self.assertTrue(2900 < left <= 3001, left)
        self.assertEqual(daemon.job(much_later)["reason"], "BeforeBeginTime")
        self.assertEqual(daemon.get("/healthz").status, 200)
        daemon.stint("cancel", "--yes", running)
        daemon.wait(running)
        elapsed, hold, charged = daemon.sql("select elapsed_ms, hold_micro, charged_micro from run where job = ?", running)[0]
        self.assertLess(elapsed, HOUR_MS / 2)
        self.assertLess(charged, hold / 2)
        daemon.check_books(self)

    def test_a_walltime_is_held_over_a_step_back(self):
        daemon = self.daemon
        daemon.step(4 * HOUR_MS)  # back is then not before the first award
        short = self.submit(walltime_s=3)
        daemon.wait(short, "running")
        daemon.step(-2 * HOUR_MS)
        self.assertEqual(daemon.wait(short, seconds=30)["outcome"], "timeout")
        waiting = self.submit(begin=daemon.at(0.5))
        again = self.submit()
        daemon.wait(again, "running")
        self.assertEqual(daemon.job(waiting)["reason"], "BeforeBeginTime")
        daemon.step(HOUR_MS)
        daemon.wait(waiting, "running")
        self.assertEqual(daemon.stint("log", "verify").returncode, 0)
        daemon.check_books(self)

    def test_a_reservation_moves_with_the_wall_clock_and_a_restart_knows(self):
        daemon = self.daemon
        done = daemon.stint("admin", "reserve", "add", "pumps", "--node", "all", "--from", daemon.at(4), "--until",
                            daemon.at(5), "--reason", "new pumps")
        self.assertEqual(done.returncode, 0, done.stderr)
        running = self.submit(walltime_s=3600)
        daemon.wait(running, "running")
        long = self.submit(walltime_s=5 * 3600)
        self.assertEqual(daemon.job(long)["reason"], "Reserved")
        self.assertEqual(self.why(long)["params"]["reservation"], "pumps")
        daemon.step(3 * HOUR_MS + HOUR_MS // 2)
        short = self.submit(walltime_s=3000)  # now it begins in half an hour
        wait_until(lambda: daemon.job(short)["reason"] == "Reserved", what="the reservation came near")
        daemon.kill()
        daemon.start()
        self.assertEqual(self.why(short)["params"]["reservation"], "pumps")
        self.assertEqual(daemon.job(running)["state"], "running")
        daemon.step(2 * HOUR_MS)  # past it
        daemon.wait(long, "running")
        daemon.wait(short, "running")
        self.assertEqual(daemon.get("/api/v1/reservations").json["reservations"], [])
        self.assertEqual(daemon.job(running)["state"], "running")
        daemon.check_books(self)


if __name__ == "__main__":
    unittest.main()

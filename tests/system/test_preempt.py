"""Mode stint for real: a job that may be stopped holds the machine, another comes; the first makes its checkpoint, waits, goes
on and ends. Two thousand cores, so that the processor-hour after which a run may be stopped is over in two seconds."""

import os
import unittest

from daemon import Daemon, wait_until, reachable_by_others

WHOLE = {"cpus": 2000, "memory_bytes": 16 << 20, "walltime_s": 36000}
CONFIG = """[scheduler]
half_life_s = 604800
preemption_min_run_s = 1
preemption_resume_s = 0
[engine]
grace_s = 1
"""

# Writes what it was sent; goes on where its checkpoint says.
WORK = """
cd "$1" || exit 9
[ -e checkpoint ] && { echo resumed >>story; exit 0; }
trap 'echo checkpointed >>story; touch checkpoint; exit 0' USR1
echo begun >>story
touch begun
while :; do sleep 0.05; done
"""


def setUpModule():
    """A daemon with a configuration that root starts is the system's, and runs nothing as root."""
    if os.getuid() == 0:
        if not reachable_by_others():
            raise unittest.SkipTest("the build folder is closed to other users")
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        os.environ["HOME"] = "/nonexistent"


class Preemption(unittest.TestCase):
    def daemon(self):
        daemon = Daemon("--topology", "core:2000 pu:1")
        daemon.config = daemon.folder / "stint.conf"
        daemon.config.write_text(CONFIG)
        return daemon

    def begin(self, daemon, **request):
        work = daemon.folder / "work"
        work.mkdir()
        work.chmod(0o777)
        low = daemon.submit("/bin/sh", "-c", WORK, "work", str(work), resources=WHOLE, **request)
        wait_until((work / "begun").exists, what="the job runs")
        return low, work

    def end(self, daemon, low, high, work):
        self.assertEqual(daemon.wait(high)["outcome"], "completed")
        job = daemon.wait(low)
        self.assertEqual(job["outcome"], "completed")
        self.assertEqual((work / "story").read_text().split(), ["begun", "checkpointed", "resumed"])
        runs = daemon.sql("select job, attempt, outcome, back from run order by start_ms")
        self.assertEqual([run[:2] for run in runs], [(low, 1), (high, 1), (low, 2)])
        self.assertEqual([run[3] for run in runs], ["preempt", None, None])
        charged = dict(daemon.sql("select job, sum(charged_micro) from run group by job"))
        full = daemon.sql("select sum(elapsed_ms) from run where job = ?", low)[0][0] * 2000 / 3600.0 * 1000
        self.assertAlmostEqual(charged[low] / full, 0.5, delta=0.01)
        daemon.check_books(self)

    def test_a_checkpoint_makes_room_and_goes_on_later(self):
        with self.daemon() as daemon:
            low, work = self.begin(daemon, preemptible="checkpoint", signal="USR1@20")
            high = daemon.submit("true", resources=WHOLE)
            self.end(daemon, low, high, work)

    def test_a_daemon_that_is_killed_while_one_makes_room_goes_on_with_it(self):
        with self.daemon() as daemon:
            low, work = self.begin(daemon, preemptible="checkpoint", signal="USR1@20")
            high = daemon.submit("true", resources=WHOLE)
            wait_until(lambda: (work / "checkpoint").exists() or daemon.job(low)["state"] == "ending", what="the stop begins")
            daemon.kill()
            daemon.start()
            self.end(daemon, low, high, work)

    def test_why_says_that_room_is_being_made(self):
        with self.daemon() as daemon:
            stubborn = "trap '' TERM USR1; touch \"$0\"; while :; do sleep 0.05; done"
            mark = daemon.folder / "mark"
            daemon.folder.chmod(0o777)
            low = daemon.submit("/bin/sh", "-c", stubborn, str(mark), resources=WHOLE, preemptible="checkpoint", signal="USR1@5")
            wait_until(mark.exists, what="the job runs")
            high = daemon.submit("true", resources=WHOLE)
            wait_until(lambda: daemon.job(low)["state"] == "ending", what="the stop begins")
            self.assertEqual(daemon.job(high)["reason"], "Preempting")
            self.assertIn("room is being made for it", daemon.stint("why", high).stdout)
            daemon.wait(high)
            daemon.wait(low, "running")  # killed after its time and the grace, and back
            self.assertEqual(daemon.stint("cancel", low, "--yes").returncode, 0)
            self.assertEqual(daemon.wait(low)["outcome"], "cancelled")
            daemon.check_books(self)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""Arrays through the real programs: a thousand tasks run once each, never more than %MAX at once as the events tell it, with the daemon killed in the
middle; a hundred thousand that wait cost hardly more than one."""

import json
import os
import random
import re
import unittest

from daemon import Daemon, wait_until

TASKS = int(os.environ.get("STINT_ARRAY_TASKS", "1000"))
SEED = int(os.environ.get("STINT_SEED", "1"))


def rss_kib(pid):
    with open("/proc/%d/status" % pid) as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))


def most_at_once(events):
    """From the journal: how many tasks of the array held something at the same time, and which began how often."""
    running, most, begun = set(), 0, {}
    for kind, task in events:
        if kind == "job.granted":
            running.add(task)
            begun[task] = begun.get(task, 0) + 1
        elif kind in ("job.ended", "job.requeued"):
            running.discard(task)
        most = max(most, len(running))
    return most, begun, running


class Arrays(unittest.TestCase):
    def test_a_thousand_tasks_run_once_each_under_their_limit_though_the_daemon_is_killed(self):
        dice = random.Random(SEED)
        with Daemon("--topology", "core:16 pu:1") as daemon:
            marks = daemon.folder / "marks"
            marks.mkdir(mode=0o777)
            command = ["/bin/sh", "-c", 'echo "$STINT_JOB_ID" >> "$0/$STINT_ARRAY_TASK_ID"; exit $((STINT_ARRAY_TASK_ID % 100 == 7))', str(marks)]
            id = daemon.submit(*command, array="1-%d%%6" % TASKS)
            for _ in range(3):
                before = len(os.listdir(marks))
                wait_until(lambda: len(os.listdir(marks)) > min(before + dice.randrange(10, 80), TASKS - 1), what="tasks run")
                daemon.kill()
                daemon.start()
            wait_until(lambda: daemon.job(id)["state"] == "done", 200, "the array is done")
            most, begun, left = most_at_once(daemon.sql(
                "select kind, task from event where job = ? and attempt > 0 order by id", id))
            self.assertEqual(most, 6)
            self.assertEqual(left, set())
            self.assertEqual(sorted(begun), list(range(1, TASKS + 1)))
            self.assertEqual(set(begun.values()), {1})
            for task in range(1, TASKS + 1):
                self.assertEqual((marks / str(task)).read_text(), "%d\n" % id, "task %d ran not once" % task)
            job = daemon.job(id)
            failed = len([task for task in range(1, TASKS + 1) if task % 100 == 7])
            self.assertEqual((job["outcome"], job["exit_code"]), ("failed", 1))
            self.assertEqual(job["array"]["outcomes"], {"completed": TASKS - failed, "failed": failed})
            self.assertEqual(daemon.sql("select count(*), sum(end_ms = 0) from task where job = ?", id), [(TASKS, 0)])
            daemon.check_books(self)
            self.assertEqual(daemon.stop(), 0)

    def test_a_hundred_thousand_that_wait_cost_hardly_more_than_one(self):
        with Daemon() as daemon:
            first = daemon.submit("true", hold=True)
            before = rss_kib(daemon.process.pid)
            ids = [daemon.submit("true", array="0-99999", hold=True) for _ in range(10)]
            grown = rss_kib(daemon.process.pid) - before
            # Three bits a task (two sets here, one in the scheduler's core) are 37 KiB an array; an object a task would be tens of MiB.
            self.assertLess(grown, 10 * 2000, "KiB for ten arrays")
            queue = daemon.get("/api/v1/queue").json["jobs"]
            self.assertEqual([job["id"] for job in queue if job.get("array")], ids)
            self.assertEqual(queue[-1]["array"]["held"], 100000)
            self.assertEqual(daemon.stint("cancel", "%d_[5-8]" % ids[0]).returncode, 0)
            self.assertEqual(daemon.job(ids[0])["array"]["outcomes"], {"cancelled": 4})
            self.assertEqual(daemon.stint("cancel", str(ids[0])).returncode, 0)
            job = daemon.wait(ids[0])
            self.assertEqual((job["outcome"], job["array"]["outcomes"]), ("cancelled", {"cancelled": 100000}))
            self.assertEqual(daemon.job(first)["state"], "held")
            daemon.kill()
            daemon.start()
            self.assertEqual(daemon.job(ids[1])["array"]["held"], 100000)

    def test_waiting_for_what_can_never_start_ends(self):
        with Daemon() as daemon:
            failed = daemon.submit("false", hold=True)
            never = int(daemon.stint("submit", "--parsable", "--after", "ok:%d" % failed, "--", "true").stdout)
            daemon.stint("release", failed)
            daemon.wait(failed)
            good = daemon.submit("true")
            done = daemon.stint("wait", never, good)
            self.assertEqual(done.returncode, 8, done.stderr)
            self.assertIn("job %d can never start: DependencyFailed" % never, done.stderr)
            self.assertIn("stint cancel %d" % never, done.stderr)
            self.assertEqual(daemon.job(good)["state"], "done")
            held = daemon.submit("true", hold=True)
            self.assertIn("try: stint release %d\n" % held, daemon.stint("why", held).stdout)
            self.assertIn("in the queue already", daemon.stint("requeue", held).stdout)
            self.assertEqual(daemon.stint("cancel", held).returncode, 0)
            logs = daemon.stint("logs", held)
            self.assertIn("ended before it started", logs.stderr)
            twice = daemon.stint("cancel", held)
            self.assertEqual(twice.returncode, 8)
            self.assertIn("; try: ", twice.stderr)

    def test_tasks_answer_by_name_wherever_a_job_does(self):
        with Daemon() as daemon:
            out = daemon.folder / "out"
            out.mkdir(mode=0o777)
            id = daemon.submit("/bin/sh", "-c", "echo task $STINT_ARRAY_TASK_ID; exit $((STINT_ARRAY_TASK_ID == 2))", array="1-4",
                               output=str(out) + "/%A-%a")
            after = daemon.submit("true", after=[{"job_id": id, "task": 2, "when": "fail"}])
            never = daemon.submit("true", after=[{"job_id": id, "when": "ok"}])
            daemon.wait(id)
            daemon.wait(after)
            self.assertEqual(sorted(os.listdir(out)), ["%d-%d" % (id, task) for task in range(1, 5)])
            self.assertEqual(daemon.stint("logs", "%d_3" % id).stdout, "task 3\n")
            self.assertNotEqual(daemon.stint("logs", id).returncode, 0)
            self.assertEqual(daemon.stint("wait", "%d_3" % id).returncode, 0)
            self.assertEqual(daemon.stint("wait", "%d_2" % id).returncode, 1)
            self.assertEqual(daemon.stint("wait", id).returncode, 1)
            one = daemon.get("/api/v1/jobs/%d_2" % id).json["job"]
            self.assertEqual((one["task"], one["ref"], one["outcome"], one["exit_code"]), (2, "%d_2" % id, "failed", 1))
            several = json.loads(daemon.stint("show", "--json", "%d_[2-3]" % id).stdout)["jobs"]
            self.assertEqual([job["outcome"] for job in several], ["failed", "completed"])
            why = daemon.get("/api/v1/jobs/%d/why" % never).json
            self.assertEqual(why["reason"]["code"], "DependencyFailed")
            self.assertIn("job %d" % id, why["reason"]["text"])
            self.assertEqual(daemon.stint("show", "%d_9" % id).returncode, 3)


if __name__ == "__main__":
    unittest.main(verbosity=2)

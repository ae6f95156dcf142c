"""A job's way through the real programs: by curl's kind of request and by `stint`."""

import os
import signal
import unittest

from daemon import Daemon, wait_until


class Life(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon().start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def test_a_job_by_http_runs_and_keeps_its_output(self):
        id = self.daemon.submit("/bin/sh", "-c", "echo out; echo err >&2; exit 3")
        job = self.daemon.wait(id)
        self.assertEqual(job["outcome"], "failed")
        self.assertEqual(job["exit_code"], 3)
        self.assertEqual(self.daemon.get("/api/v1/jobs/%d/output?stream=stdout" % id).body, b"out\n")
        self.assertEqual(self.daemon.get("/api/v1/jobs/%d/output?stream=stderr" % id).body, b"err\n")

    def test_a_job_by_the_command_runs(self):
        done = self.daemon.stint("submit", "--parsable", "--", "true")
        self.assertEqual(done.returncode, 0, done.stderr)
        id = int(done.stdout)
        self.assertEqual(self.daemon.stint("wait", id).returncode, 0)
        self.assertEqual(self.daemon.job(id)["outcome"], "completed")

    def test_run_gives_the_jobs_own_output_and_status(self):
        done = self.daemon.stint("run", "--", "sh", "-c", "echo here; exit 7")
        self.assertEqual(done.returncode, 7, done.stderr)
        self.assertEqual(done.stdout, "here\n")

    def test_a_script_is_taken_at_submit_with_its_directives(self):
        script = self.daemon.folder / "job.sh"
        script.write_text("#!/bin/sh\n#SBATCH --time=5\n#STINT --name=scripted --cpus=2\necho $STINT_CPUS $1\n")
        done = self.daemon.stint("submit", "--parsable", script, "word")
        self.assertEqual(done.returncode, 0, done.stderr)
        id = int(done.stdout)
        script.unlink()
        self.assertEqual(self.daemon.wait(id)["outcome"], "completed")
        self.assertEqual(self.daemon.get("/api/v1/jobs/%d/output" % id).body, b"2 word\n")
        self.assertEqual(self.daemon.job(id)["walltime_s"], 300)

    def test_cancel_reaches_what_runs(self):
        id = self.daemon.submit("sleep", "600")
        self.daemon.wait(id, "running")
        self.assertEqual(self.daemon.stint("cancel", "--yes", id).returncode, 0)
        self.assertEqual(self.daemon.wait(id)["outcome"], "cancelled")

    def test_walltime_ends_a_job_and_is_all_that_is_charged(self):
        id = self.daemon.submit("sleep", "600", resources={"cpus": 1, "memory_bytes": 16 << 20, "walltime_s": 1})
        self.assertEqual(self.daemon.wait(id)["outcome"], "timeout")
        charged, hold = self.daemon.sql("select charged_micro, hold_micro from run where job = ?", id)[0]
        self.assertLessEqual(charged, hold)
        self.daemon.check_books(self)

    def test_a_held_job_says_so_and_runs_when_released(self):
        id = self.daemon.submit("true", hold=True)
        self.assertEqual(self.daemon.job(id)["state"], "held")
        why = self.daemon.stint("why", id)
        self.assertIn("HeldByUser", why.stdout)
        self.assertEqual(self.daemon.stint("release", id).returncode, 0)
        self.assertEqual(self.daemon.wait(id)["outcome"], "completed")

    def test_what_can_never_run_is_refused_with_the_largest_that_would(self):
        answer = self.daemon.post("/api/v1/jobs", {"command": ["true"], "resources": {"cpus": 5}})
        self.assertEqual(answer.status, 422)
        self.assertEqual(answer.json["code"], "ExceedsMachine")
        self.assertIn("4", answer.json["fix"] + answer.json["detail"])

    def test_many_at_once_are_judged_alone(self):
        lines = b'{"command":["true"]}\n{"command":["true"],"nonsense":1}\n{"command":["true"]}\n'
        answer = self.daemon.request("POST", "/api/v1/jobs", lines, {"Content-Type": "application/x-ndjson"})
        self.assertEqual(answer.status, 200)
        results = answer.json["results"]
        self.assertEqual([sorted(result) for result in results], [["id", "line"], ["line", "problem"], ["id", "line"]])
        self.assertEqual([result["line"] for result in results], [1, 2, 3])
        self.assertEqual(results[1]["problem"]["code"], "unknown-field")
        self.assertIn("nonsense", results[1]["problem"]["detail"])

    def test_what_cannot_be_started_says_why_everywhere(self):
        id = self.daemon.submit("/nonexistent/program")
        job = self.daemon.wait(id)
        self.assertEqual((job["outcome"], job["exit_code"]), ("failed", None))
        waited = self.daemon.stint("wait", id)
        self.assertEqual(waited.returncode, 127)
        for told in (waited.stderr, self.daemon.stint("logs", id).stderr, self.daemon.stint("why", id).stdout,
                     self.daemon.stint("jobs").stdout, self.daemon.stint("show", id).stdout):
            self.assertIn("/nonexistent/program", told)

    def test_a_program_that_cannot_be_executed_is_told_from_one_that_is_not_there(self):
        plain = self.daemon.folder / "plain"
        plain.write_text("no program")
        plain.chmod(0o644)
        for command, status in [("/nonexistent/program", 127), ("nonexistent-program", 127), (str(plain), 126), ("/tmp", 126)]:
            waited = self.daemon.stint("run", "--", command)
            self.assertEqual(waited.returncode, status, (command, waited.stderr))
        id = self.daemon.submit("true", workdir="/nonexistent")
        self.daemon.wait(id)
        self.assertEqual(self.daemon.stint("wait", id).returncode, 126)

    def test_a_job_cancelled_before_it_ran_has_no_exit_code(self):
        with Daemon() as daemon:
            launcher = daemon.launcher()
            os.kill(launcher, signal.SIGSTOP)
            id = daemon.submit("sleep", "1000")
            daemon.wait(id, "starting")
            daemon.request("DELETE", "/api/v1/jobs/%d" % id)
            os.kill(launcher, signal.SIGKILL)
            job = daemon.wait(id)
            self.assertEqual((job["outcome"], job["exit_code"]), ("cancelled", None))
            self.assertEqual(daemon.stint("wait", id).returncode, 130)

    def test_a_signal_reaches_what_runs_and_nothing_else(self):
        mark = self.daemon.folder / "trapped"
        id = self.daemon.submit("/bin/sh", "-c", 'trap "exit 9" USR1; touch "$0"; while :; do sleep 0.05; done', str(mark))
        wait_until(mark.exists, what="the trap is set")
        self.assertEqual(self.daemon.stint("signal", "-s", "USR1", id).returncode, 0)
        self.assertEqual(self.daemon.wait(id)["exit_code"], 9)
        again = self.daemon.stint("signal", id)
        self.assertEqual(again.returncode, 8)
        self.assertIn("job %d is done" % id, again.stderr)

    def test_an_award_shows_what_a_job_took_of_it(self):
        id = self.daemon.submit("true")
        self.daemon.wait(id)
        document = self.daemon.public("/api/v1/awards/default").json
        mine = [row for row in document["postings"] if row.get("job") == id]
        self.assertEqual({row["kind"] for row in mine}, {"hold", "settle"})
        self.assertEqual(sum(row["amount_micro"] for row in mine), 0)
        self.assertIn("settle", self.daemon.stint("award", "show", "default").stdout)

    def test_hours_of_a_period_are_told_as_hours(self):
        def admin(*words):
            done = self.daemon.stint("admin", *words, "--reason", "a test")
            self.assertEqual(done.returncode, 0, done.stderr)

        admin("project", "add", "hours")
        admin("user", "add", self.daemon.get("/api/v1/balance").json["user"], "--project", "hours")
        admin("award", "grant", "hours-1", "--project", "hours", "--amount", "100", "--until", "2099-01-01")
        admin("quota", "set", "--project", "hours", "core-hours=1/day")
        half = {"cpus": 1, "memory_bytes": 16 << 20, "walltime_s": 1800}
        mark = self.daemon.folder / "enough"
        first = self.daemon.submit("/bin/sh", "-c", 'while [ ! -e "$0" ]; do sleep 0.05; done', str(mark), project="hours",
                                   resources=half)
        self.daemon.wait(first, "running")
        second = self.daemon.submit("true", project="hours", resources=dict(half, cpus=2))
        wait_until(lambda: self.daemon.job(second).get("reason") == "PeriodLimit", what="the ceiling is met")
        reason = self.daemon.get("/api/v1/jobs/%d/why" % second).json["reason"]
        self.assertIn("the project hours has used 0.00, and running jobs hold 0.50, of 1.00 core-hours of this day, and the job may take 1.00", reason["text"])
        params = reason["params"]
        self.assertEqual((params["asked"], params["used"], params["limit"], params["unit"]), (1, 0.5, 1, "core-hours"))
        mark.touch()
        self.daemon.wait(first)
        self.assertEqual(self.daemon.stint("cancel", second).returncode, 0)

    def test_jobs_go_on_while_the_daemon_is_away(self):
        mark = self.daemon.folder / "mark"
        id = self.daemon.submit("/bin/sh", "-c", 'while [ ! -e "$0" ]; do sleep 0.05; done; exit 5', str(mark))
        self.daemon.wait(id, "running")
        self.daemon.kill()
        mark.touch()
        self.daemon.start()
        job = self.daemon.wait(id)
        self.assertEqual((job["outcome"], job["exit_code"]), ("failed", 5))

    def test_output_may_go_to_dev_null_and_to_no_other_device(self):
        id = self.daemon.submit("echo", "x", output="/dev/null")
        self.assertEqual(self.daemon.wait(id)["outcome"], "completed")
        self.assertEqual(self.daemon.stint("logs", id).returncode, 0)
        id = self.daemon.submit("echo", "x", output="/dev/full")
        job = self.daemon.wait(id)
        self.assertEqual(job["outcome"], "failed")

    def test_the_shell_finds_its_environment(self):
        id = self.daemon.submit("env")
        self.daemon.wait(id)
        names = dict(line.split("=", 1) for line in self.daemon.get("/api/v1/jobs/%d/output" % id).body.decode().splitlines())
        self.assertEqual(names["STINT_JOB_ID"], str(id))
        self.assertEqual(names["STINT_PROJECT"], "default")
        self.assertEqual(names["STINT_CPUS"], "1")
        self.assertEqual(names["OMP_NUM_THREADS"], "1")
        self.assertTrue(os.path.isdir(names["STINT_OUTPUT_DIR"]))


if __name__ == "__main__":
    unittest.main(verbosity=2)

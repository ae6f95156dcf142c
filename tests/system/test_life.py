"""A job's way through the real programs: by curl's kind of request and by `stint`."""

import os
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
        self.assertEqual([sorted(result) for result in results], [["id"], ["problem"], ["id"]])
        self.assertEqual(results[1]["problem"]["code"], "unknown-field")
        self.assertIn("nonsense", results[1]["problem"]["detail"])

    def test_jobs_go_on_while_the_daemon_is_away(self):
        mark = self.daemon.folder / "mark"
        id = self.daemon.submit("/bin/sh", "-c", 'while [ ! -e "$0" ]; do sleep 0.05; done; exit 5', str(mark))
        self.daemon.wait(id, "running")
        self.daemon.kill()
        mark.touch()
        self.daemon.start()
        job = self.daemon.wait(id)
        self.assertEqual((job["outcome"], job["exit_code"]), ("failed", 5))

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

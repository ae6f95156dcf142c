"""The example: an open model that anyone makes again bit by bit, a job that uses it, a model that only says it is open, and
what happens when the bytes change after the verdict."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import unittest

from daemon import Daemon, SOURCE

EXAMPLES = SOURCE / "contrib" / "examples"


class Example(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon().start()
        for name, kind in (("commons-text", "dataset"), ("commons-lm", "model")):
            done = cls.daemon.stint("artifact", "add", EXAMPLES / name, "--name", "examples/" + name, "--kind", kind)
            assert done.returncode == 0, done.stderr

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def test_the_shipped_weights_are_made_again_from_the_shipped_data(self):
        out = self.daemon.folder / "again.safetensors"
        subprocess.run([sys.executable, "-B", EXAMPLES / "commons-lm/src/train.py", EXAMPLES / "commons-text/text.txt", out],
                       check=True, stdout=subprocess.DEVNULL)
        digest = lambda path: hashlib.sha256(path.read_bytes()).hexdigest()
        self.assertEqual(digest(out), digest(EXAMPLES / "commons-lm/model.safetensors"))

    def test_the_job_beats_its_baseline_with_what_was_admitted(self):
        done = self.daemon.stint("submit", "--parsable", EXAMPLES / "job/train.sh")
        self.assertEqual(done.returncode, 0, done.stderr)
        id = int(done.stdout)
        self.assertEqual(self.daemon.wait(id, seconds=120)["outcome"], "completed")
        folder = next(self.daemon.state.glob("jobs/%d*" % id))
        metrics = json.loads((folder / "metrics.json").read_text())
        self.assertLess(metrics["held_out_loss"], metrics["baseline_loss"])
        self.assertGreater((folder / "tuned.safetensors").stat().st_size, 12000)

    def test_the_open_model_passes_criterion_by_criterion(self):
        done = self.daemon.stint("check", EXAMPLES / "commons-lm", "--kind", "model", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)["results"][0]
        self.assertEqual((result["rules"], result["result"], result["assurance"]), ("osaid-1.0", "pass", "verified"))
        self.assertEqual({criterion["id"]: criterion["result"] for criterion in result["criteria"]},
                         dict.fromkeys("OSAID-F1 OSAID-F2 OSAID-F3 OSAID-F4 OSAID-D1 OSAID-D1a OSAID-D1b OSAID-D1c OSAID-D1d "
                                       "OSAID-D1e OSAID-D2 OSAID-D3 OSAID-D4 OSAID-C1 OSAID-C2 OSAID-C3 OSAID-C4 OSAID-C5 "
                                       "OSAID-C6 OSAID-C7 OSAID-P1 OSAID-P2".split(), "pass"))
        for criterion in result["criteria"]:
            self.assertTrue(criterion["evidence"], criterion["id"])

    def test_the_open_washed_model_is_refused_with_what_would_pass(self):
        done = self.daemon.stint("submit", "--model", EXAMPLES / "gated-lm", "--", "true")
        self.assertEqual(done.returncode, 4)
        self.assertIn("ModelNotOpen", done.stderr)
        self.assertIn("LICENSE:", done.stderr)
        self.assertIn("would pass", done.stderr)
        check = self.daemon.stint("check", EXAMPLES / "gated-lm", "--json")
        self.assertEqual(check.returncode, 4)
        failed = [c for c in json.loads(check.stdout)["results"][0]["criteria"] if c["result"] == "fail"]
        self.assertGreater(len(failed), 5)
        self.assertTrue(all(c["evidence"] for c in failed), "a fail names its evidence")

    def test_an_unknown_reference_is_refused(self):
        answer = self.daemon.post("/api/v1/jobs", {"command": ["true"], "uses": {"models": ["nobody/nothing"]}})
        self.assertEqual((answer.status, answer.json["code"]), (422, "ArtifactMissing"))
        self.assertEqual(self.daemon.stint("submit", "--model", "nobody/nothing", "--", "true").returncode, 4)

    def test_bytes_that_change_while_the_job_waits_are_seen_before_it_starts(self):
        copy = self.daemon.folder / "copy"
        shutil.copytree(EXAMPLES / "commons-text", copy)
        answer = self.daemon.post("/api/v1/jobs", {"command": ["true"], "hold": True, "uses": {"datasets": [str(copy)]}})
        self.assertEqual(answer.status, 201, answer.body)
        id = answer.json["id"]
        with open(copy / "text.txt", "a") as file:
            file.write("one line more.\n")
        self.daemon.stint("release", id)
        job = self.daemon.wait(id)
        self.assertEqual((job["outcome"], job["reason"]["code"] if isinstance(job["reason"], dict) else job["reason"]),
                         ("refused", "ArtifactChanged"))
        self.assertEqual(self.daemon.sql("select count(*) from run where job = ? and charged_micro > 0", id), [(0,)])
        self.daemon.check_books(self)

    def test_our_own_copy_does_not_change_with_the_original(self):
        copy = self.daemon.folder / "registered"
        shutil.copytree(EXAMPLES / "commons-text", copy)
        with open(copy / "text.txt", "a") as file:
            file.write("a line that makes it another data set.\n")
        done = self.daemon.stint("artifact", "add", copy, "--name", "examples/own-copy", "--kind", "dataset")
        self.assertEqual(done.returncode, 0, done.stderr)
        shutil.rmtree(copy)
        id = self.daemon.submit("/bin/sh", "-c", 'grep -c commons "$STINT_DATA_OWN_COPY/README.md" && '
                                '! touch "$STINT_DATA_OWN_COPY/new" 2>/dev/null || test "$(id -u)" = 0',
                                uses={"datasets": ["examples/own-copy"]})
        self.assertEqual(self.daemon.wait(id)["outcome"], "completed")

    def test_hostile_folders_are_refused_and_hurt_nobody(self):
        hostile = self.daemon.folder / "hostile"
        hostile.mkdir()
        os.mkfifo(hostile / "fifo")
        os.symlink("/etc/passwd", hostile / "passwd")
        (hostile / "README.md").write_text("---\na: &a [x,x]\nb: &b [*a,*a,*a,*a,*a,*a]\nc: [*b,*b,*b,*b,*b,*b,*b]\n")
        (hostile / "model.safetensors").write_bytes(b"\xff" * 8 + b"{}")
        answer = self.daemon.post("/api/v1/jobs", {"command": ["true"], "uses": {"models": [str(hostile)]}})
        self.assertEqual(answer.status, 422, answer.body)
        self.assertNotIn(b"root:", answer.body)
        self.assertEqual(self.daemon.get("/healthz").status, 200)

    def test_simulated_gpus_are_said_to_be(self):
        with Daemon("--topology", "core:4 pu:1", "--gpus", "h200:2") as daemon:
            node = daemon.get("/api/v1/nodes").json["nodes"][0]
            self.assertTrue(all(gpu["simulated"] is True for gpu in node["gpus"]))
            id = daemon.submit("env", resources={"cpus": 1, "gpus": {"count": 2}, "walltime_s": 60})
            daemon.wait(id)
            output = daemon.get("/api/v1/jobs/%d/output" % id).body.decode()
            for name in ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK"):
                self.assertIn(dict(line.partition("=")[::2] for line in output.splitlines()).get(name, ""), ("", "-1", "none"))


if __name__ == "__main__":
    unittest.main(verbosity=2)

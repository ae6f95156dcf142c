"""Shares of GPUs, partitions, and places, from the command to the job's environment and the books."""

import unittest

from daemon import SOURCE, Daemon, wait_until

# Three partitions of one card beside one NUMA node (1 GiB each), a whole card of unknown memory beside the other.
PARTITIONS = ["--topology", str(SOURCE / "tests/data/topologies/partitions.xml")]
SHOW = ("sh", "-c", "echo $STINT_GPUS $ROCR_VISIBLE_DEVICES:$CUDA_VISIBLE_DEVICES; while [ ! -e go ]; do sleep 0.05; done")


class Partitions(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon(*PARTITIONS).start()
        self.addCleanup(self.daemon.__exit__)
        self.work = self.daemon.folder / "work"
        self.work.mkdir()

    def submit(self, *options, time="10m"):
        done = self.daemon.stint("submit", "--parsable", "-c", "1", "-t", time, "--memory", "64M", "-D", self.work, *options, "--", *SHOW)
        self.assertEqual(done.returncode, 0, done.stderr)
        return int(done.stdout)

    def grants(self):
        return {row["job"]: row for row in self.daemon.get("/api/v1/allocations").json["allocations"]}

    def said(self, id):
        return wait_until(lambda: self.daemon.get("/api/v1/jobs/%d/output" % id).body.decode().strip(), what="output of %d" % id)

    def test_two_shares_are_on_one_gpu_and_a_third_is_not(self):
        first, second, third = (self.submit("-G", "mi300a:0.4") for _ in range(3))
        for id in (first, second, third):
            self.daemon.wait(id, "running")
        grants = self.grants()
        self.assertEqual(grants[first]["gpus"], grants[second]["gpus"])
        self.assertNotEqual(grants[first]["gpus"], grants[third]["gpus"])
        self.assertEqual(grants[first]["gpu_milli"], 400)
        self.assertTrue(grants[first]["allocation"].endswith("*400m"))
        # Each sees its partition alone, by the vendor's own number, and no other vendor's.
        for id in (first, second, third):
            self.assertEqual(self.said(id), "1 %s:" % grants[id]["gpus"])
        shown = self.daemon.stint("allocations").stdout
        self.assertIn("GPUs   *", shown)
        self.assertEqual(shown.count(" 0.4 "), 3)
        (self.work / "go").touch()
        for id in (first, second, third):
            self.assertEqual(self.daemon.wait(id)["outcome"], "completed")
        self.daemon.check_books(self)

    def test_memory_of_a_gpu_decides_which_one(self):
        large = self.submit("-G", "1", "--gpu-memory", "2G")
        self.daemon.wait(large, "running")
        self.assertEqual(self.grants()[large]["gpus"], "3")
        refused = self.daemon.stint("submit", "-G", "2", "--gpu-memory", "2G", "--", "true")
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("ExceedsMachine", refused.stderr)
        waiting = self.submit("-G", "1", "--gpu-memory", "2G")
        self.assertEqual(self.daemon.job(waiting)["reason"], "Capacity")

    def test_strict_waits_for_one_place_and_says_so(self):
        ids = [self.submit("-G", "mi300a:1") for _ in range(2)]
        for id in ids:
            self.daemon.wait(id, "running")
        strict = self.submit("-G", "2", "--locality", "strict")
        job = self.daemon.job(strict)
        self.assertEqual((job["state"], job["reason"]), ("pending", "Fragmented"))
        self.assertEqual(self.daemon.get("/api/v1/jobs/%d/why" % strict).json["starts_now_with"][0], "--locality any")
        scattered = self.submit("-G", "2", "--locality", "prefer", time="5m")
        self.daemon.wait(scattered, "running")  # one on each side
        self.assertEqual(self.grants()[scattered]["gpus"], "2-3")
        self.assertEqual(self.daemon.job(strict)["reason"], "Capacity")  # now there are none at all


class Shares(unittest.TestCase):
    def test_a_share_is_charged_as_a_share_and_cpu_jobs_keep_away_from_free_gpus(self):
        daemon = Daemon("--topology", "pack:2 numa:1 core:8 pu:1", "--gpus", "h200:2")
        self.addCleanup(daemon.__exit__)
        daemon.start()
        share = daemon.submit("sleep", "600", resources={"cpus": 2, "memory_bytes": 16 << 20, "walltime_s": 3600,
                                                         "gpus": {"count": 1, "milli": 250}})
        daemon.wait(share, "running")
        self.assertEqual(daemon.sql("select hold_micro, gpu_milli from run where job = ?", share), [(250000, 250)])
        for _ in range(2):  # six cores are free beside the shared GPU, eight beside the idle one
            id = daemon.submit("sleep", "600", resources={"cpus": 3, "memory_bytes": 16 << 20, "walltime_s": 600})
            daemon.wait(id, "running")
        cores = {row["job"]: row["cores"] for row in daemon.get("/api/v1/allocations").json["allocations"]}
        near = 0 if cores[share] == "0-1" else 8
        for id, held in cores.items():
            first, last = map(int, held.split("-"))
            self.assertTrue(near <= first and last < near + 8, (id, held))
        daemon.stint("cancel", "--yes", share)
        daemon.wait(share)
        charged, elapsed = daemon.sql("select charged_micro, elapsed_ms from run where job = ?", share)[0]
        # A quarter of a GPU-hour an hour, rounded up once.
        self.assertEqual(charged, -(-elapsed * 250 * 1000000 // (3600000 * 1000)))
        daemon.check_books(self)


class Simulated(unittest.TestCase):
    """What computes on nothing is told as such wherever it is counted, and is in no public total."""

    def test_hours_of_simulated_gpus_are_marked_and_left_out(self):
        with Daemon("--topology", "core:4 pu:1", "--gpus", "h200:2") as daemon:
            rehearsed = daemon.stint("submit", "--test", "-G", "1", "--", "true").stdout
            self.assertIn("simulated: no real card", rehearsed)
            self.assertNotIn("simulated", daemon.stint("submit", "--test", "--", "true").stdout)
            self.assertEqual([award["simulated"] for award in daemon.public("/api/v1/awards").json["awards"]], [True])
            self.assertIs(daemon.public("/api/v1/reports/equity").json["simulated"], True)
            self.assertNotIn(b"stint_award_hours{", daemon.public("/metrics").body)
        with Daemon("--topology", "core:4 pu:1") as daemon:
            self.assertNotIn("simulated", daemon.public("/api/v1/awards").json["awards"][0])
            self.assertIn(b"stint_award_hours{", daemon.public("/metrics").body)


if __name__ == "__main__":
    unittest.main()

"""One machine, divided: each resource with a queue, terms and awards of its own, through the daemon, the command, a kill -9, and a
restart that divides it otherwise."""

import encodings.idna  # noqa: F401 (found before we become somebody who may not read the interpreter's folders)
import json
import os
import subprocess
import time
import unicodedata  # noqa: F401
import unittest

from daemon import STINTD, Daemon, wait_until, reachable_by_others

HEAD = "[scheduler]\nhalf_life_s = 604800\n[engine]\ngrace_s = 1\n"
TWO = HEAD + """[resource cpu]
numa = 0
gpus = none
max_walltime_s = 7200
rate = 0.5

[resource gpu]
numa = 1
gpus = 0-1
policy = easy
"""
OTHERWISE = HEAD + """[resource large]
cores = 1-7
[resource gpu]
cores = 0
gpus = 0-1
"""
MACHINE = ["--topology", "pack:2 numa:1 core:4 pu:1", "--gpus", "h200:2"]


def setUpModule():
    """A daemon with a configuration that root starts is the system's, and runs nothing as root."""
    if os.getuid() == 0:
        if not reachable_by_others():
            raise unittest.SkipTest("the build folder is closed to other users")
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        os.environ["HOME"] = "/nonexistent"


def cores_of(text):
    cores = set()
    for part in text.split(",") if text else []:
        first, _, last = part.partition("-")
        cores |= set(range(int(first), int(last or first) + 1))
    return cores


class Resources(unittest.TestCase):
    def daemon(self, config=TWO):
        daemon = Daemon(*MACHINE)
        self.addCleanup(daemon.__exit__)
        daemon.config = daemon.folder / "stint.conf"
        daemon.config.write_text(config)
        return daemon.start()

    def submit(self, daemon, *options, time="10m"):
        done = daemon.stint("submit", "--parsable", "--memory", "16M", "-t", time, *options, "--", "sleep", "600")
        self.assertEqual(done.returncode, 0, done.stderr)
        return int(done.stdout)

    def allocations(self, daemon):
        return {row["job"]: row for row in daemon.get("/api/v1/allocations").json["allocations"]}

    def places(self, daemon):
        return {job: [row[key] for key in ("state", "resource", "node", "cores", "gpus", "memory_bytes", "since")]
                for job, row in self.allocations(daemon).items()}

    def held(self, daemon):
        """Invariant 3: no core and no GPU is granted twice, whatever the resources are called."""
        cores, gpus = set(), set()
        for row in daemon.get("/api/v1/allocations").json["allocations"]:
            mine = cores_of(row["cores"])
            self.assertFalse(mine & cores, row)
            self.assertFalse(cores_of(row["gpus"]) & gpus, row)
            cores |= mine
            gpus |= cores_of(row["gpus"])
        return cores, gpus

    def test_each_has_its_part_its_queue_its_terms_and_its_awards(self):
        daemon = self.daemon()
        nodes = {node["resource"]: node for node in daemon.get("/api/v1/nodes").json["nodes"]}
        self.assertEqual((nodes["cpu"]["core_numbers"], len(nodes["cpu"]["gpus"])), ("0-3", 0))
        self.assertEqual((nodes["gpu"]["core_numbers"], [gpu["slot"] for gpu in nodes["gpu"]["gpus"]]), ("4-7", [0, 1]))
        first = self.submit(daemon, "-c", "4")  # without a name on the first
        second = self.submit(daemon, "--resource", "gpu", "-c", "2", "-G", "1")
        waiting = self.submit(daemon, "-c", "1")
        for id in (first, second):
            daemon.wait(id, "running")
        held = self.allocations(daemon)
        self.assertEqual((held[first]["resource"], held[first]["cores"]), ("cpu", "0-3"))
        self.assertEqual((held[second]["resource"], held[second]["cores"], held[second]["gpus"]), ("gpu", "4-5", "0"))
        self.assertEqual(daemon.job(waiting)["reason"], "Capacity")
        # A turn on one is nothing to the other.
        self.assertEqual(daemon.wait(self.submit(daemon, "--resource", "gpu", "-c", "1"), "running")["resource"], "gpu")
        why = daemon.stint("why", waiting)
        self.assertIn("position 1 in the queue of cpu", why.stdout)
        self.assertIn("RESOURCE", daemon.stint("queue").stdout)
        self.assertIn("gpu", daemon.stint("nodes").stdout)
        drawn = daemon.stint("allocations").stdout
        self.assertIn("  cores  AAAA\n", drawn)
        self.assertIn("  GPUs   B.\n", drawn)
        self.assertIn(" · gpu <span", daemon.public("/").body.decode())
        metrics = daemon.public("/metrics").body.decode()
        self.assertIn('stint_allocated_cores{resource="cpu"} 4\n', metrics)
        self.assertIn('stint_allocated_cores{resource="gpu"} 3\n', metrics)
        # Half the price there, and each on the award of its own resource.
        awards = dict(daemon.sql("select id, resource from award"))
        runs = {job: (awards[award], micro) for job, award, micro in daemon.sql("select job, award, hold_micro from run")}
        self.assertEqual(runs[first], ("cpu", -(-4 * 500000 * 600 // 3600)))
        self.assertEqual(runs[second], ("gpu", -(-1000000 * 600 // 3600)))
        daemon.check_books(self)

    def test_what_is_not_there_is_refused_by_name_and_says_what_would_do(self):
        daemon = self.daemon()
        cases = [
            (("--resource", "moon"), "NoSuchResource", "one of: cpu, gpu"),
            (("-G", "1"), "NoSuchResource", "--resource gpu"),
            (("-t", "3h"), "ExceedsMaxWalltime", "--resource gpu"),
            (("--resource", "gpu", "-c", "5"), "ExceedsMachine", "4"),
            (("--resource", "gpu", "--award", "default"), "NoAward", "--resource cpu"),
        ]
        for options, code, fix in cases:
            with self.subTest(options):
                done = daemon.stint("submit", *options, "--", "true")
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(code, done.stderr)
                self.assertIn(fix, done.stderr)
        # An award that is named says where.
        self.assertEqual(daemon.wait(self.submit(daemon, "--award", "default-gpu"), "running")["resource"], "gpu")

    def test_a_ceiling_holds_over_all_of_them(self):
        daemon = self.daemon()
        done = daemon.stint("admin", "quota", "set", "--project", "default", "cores=3", "--reason", "test")
        self.assertEqual(done.returncode, 0, done.stderr)
        first = self.submit(daemon, "-c", "2")
        daemon.wait(first, "running")
        second = self.submit(daemon, "--resource", "gpu", "-c", "2")
        wait_until(lambda: daemon.job(second)["reason"] == "ProjectCoreLimit", what="the ceiling counts both")
        params = daemon.get("/api/v1/jobs/%d/why" % second).json["reason"]["params"]
        self.assertEqual((params["used"], params["limit"]), (2, 3))
        small = self.submit(daemon, "--resource", "gpu", "-c", "1")
        daemon.wait(small, "running")
        quota = daemon.get("/api/v1/quotas").json["quotas"][0]
        self.assertEqual(quota["used"], 3)
        daemon.kill()
        daemon.start()
        self.assertEqual(daemon.job(second)["reason"], "ProjectCoreLimit")
        daemon.stint("cancel", "--yes", first)
        daemon.wait(second, "running")

    def test_drained_and_reserved_on_one_alone(self):
        daemon = self.daemon()
        node = daemon.get("/api/v1/nodes").json["nodes"][0]["name"]
        done = daemon.stint("admin", "node", "drain", node, "--resource", "gpu", "--reason", "test")
        self.assertEqual(done.returncode, 0, done.stderr)
        daemon.kill()
        daemon.start()
        waiting = self.submit(daemon, "--resource", "gpu")
        daemon.wait(self.submit(daemon), "running")
        self.assertEqual(daemon.job(waiting)["reason"], "NodeDraining")
        states = {node["resource"]: node["state"] for node in daemon.get("/api/v1/nodes").json["nodes"]}
        self.assertEqual(states, {"cpu": "up", "gpu": "draining"})
        self.assertEqual(daemon.stint("admin", "node", "resume", node, "--reason", "test").returncode, 0)
        daemon.wait(waiting, "running")
        done = daemon.stint("admin", "reserve", "add", "course", "--resource", "gpu", "--cpus", "3", "--until", "now+2h", "--reason", "test")
        self.assertEqual(done.returncode, 0, done.stderr)
        blocked = self.submit(daemon, "--resource", "gpu", "-c", "2", time="3h")
        self.assertEqual(daemon.wait(self.submit(daemon, "-c", "2"), "running")["resource"], "cpu")
        self.assertEqual(daemon.job(blocked)["state"], "pending")
        places = daemon.get("/api/v1/reservations").json["reservations"][0]
        self.assertEqual(places["resource"], "gpu")

    def test_kill_and_restart_lose_nothing_on_either(self):
        daemon = self.daemon()
        running = [self.submit(daemon, "-c", "2"), self.submit(daemon, "--resource", "gpu", "-c", "1", "-G", "2")]
        waiting = [self.submit(daemon, "-c", "3"), self.submit(daemon, "--resource", "gpu", "-G", "1")]
        for id in running:
            daemon.wait(id, "running")
        before = self.places(daemon)
        daemon.kill()
        daemon.start()
        self.assertEqual(self.places(daemon), before)
        for id, resource in zip(waiting, ("cpu", "gpu")):
            job = daemon.job(id)
            self.assertEqual((job["state"], job["reason"], job["resource"]), ("pending", "Capacity", resource))
        for id in running:
            daemon.stint("cancel", "--yes", id)
        for id in waiting:
            daemon.wait(id, "running")
        self.held(daemon)
        self.assertEqual(daemon.sql("select count(*) from run where attempt > 1"), [(0,)])
        daemon.check_books(self)
        for id in waiting:
            daemon.stint("cancel", "--yes", id)
            daemon.wait(id)
        # A history is of one queue.
        asked = daemon.stint("simulate", "--history", "1h")
        self.assertIn("--resource NAME", asked.stderr)
        history = daemon.stint("simulate", "--history", "1h", "--resource", "gpu", "--json")
        self.assertEqual(history.returncode, 0, history.stderr)
        self.assertEqual(json.loads(history.stdout)["jobs"], 2)
        # What each core was told gives the same starts again, pieces of both on one chain.
        self.assertEqual(daemon.sql("select count(distinct resource) from transcript"), [(2,)])
        answer = daemon.stint("simulate", "--replay", time.strftime("%Y-%m-%d"), "--json")
        self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)
        self.assertTrue(json.loads(answer.stdout)["equal"])

    def test_a_machine_that_is_divided_otherwise_keeps_what_runs(self):
        daemon = self.daemon()
        first = self.submit(daemon, "-c", "2")  # cores 0-1 of cpu
        second = self.submit(daemon, "--resource", "gpu", "-c", "2", "-G", "1")  # cores 4-5
        for id in (first, second):
            daemon.wait(id, "running")
        full = self.submit(daemon, "-c", "4")
        daemon.stop()
        daemon.config.write_text(OTHERWISE)
        daemon.start()
        for id in (first, second):
            self.assertEqual(daemon.job(id)["state"], "running")
        job = daemon.job(full)
        self.assertEqual((job["state"], job["reason"], job["resource"]), ("pending", "NoSuchResource", "cpu"))
        # Cores 0, 1, 4, 5 and a GPU are held back, wherever they belong now.
        self.assertEqual(self.held(daemon), ({0, 1, 4, 5}, {0}))
        daemon.stint("admin", "award", "grant", "large", "--project", "default", "--resource", "large", "--amount", "10", "--until",
                     "2040-01-01", "--reason", "test")
        large = self.submit(daemon, "--resource", "large", "-c", "4")
        daemon.wait(large, "running")
        more = self.submit(daemon, "--resource", "large", "-c", "1")
        one = self.submit(daemon, "--resource", "gpu", "-c", "1")
        self.assertEqual([daemon.job(id)["state"] for id in (more, one)], ["pending", "pending"])
        self.assertEqual(self.held(daemon), (set(range(8)), {0}))
        # A kill in between, and what ends is paid by the award of its own resource.
        daemon.kill()
        daemon.start()
        self.assertEqual(self.held(daemon), (set(range(8)), {0}))
        daemon.stint("cancel", "--yes", first)
        daemon.wait(first)
        for id in (more, one):
            daemon.wait(id, "running")
        self.held(daemon)
        daemon.stint("cancel", "--yes", second)
        daemon.wait(second)
        used = daemon.sql("select award.resource, posting.job from posting join award on award.id = posting.award"
                          " where posting.account = 4 order by posting.job")
        self.assertEqual(used, [("cpu", first), ("gpu", second)])
        daemon.check_books(self)
        # Back under its old name everything is as it was.
        daemon.stop()
        daemon.config.write_text(TWO)
        daemon.start()
        self.assertEqual(daemon.job(full)["resource"], "cpu")
        self.assertNotEqual(daemon.job(full)["reason"], "NoSuchResource")
        self.held(daemon)


class Configuration(unittest.TestCase):
    def test_parts_that_cannot_be_are_refused_with_place_and_cure(self):
        cases = [
            ("[resource a]\ncores = 0-3\n[resource b]\ncores = 3-5\n", ":7:", "core 3 is resource a's already"),
            ("[resource a]\ncores = 0-7\n[resource b]\n", ":6:", "no core"),
            ("[resource a]\n[resource b]\n", ":5:", "names no cores"),
            ("[resource a]\ncores = 0-8\n", ":5:", "numbers from 0 to 7"),
            ("[resource a]\ngpus = 2\n", ":5:", "goes past the 2"),
            ("[resource a]\nnuma = 0\n[resource b]\ngpus = 0\n", ":7:", "GPU 0 is resource a's already"),
            ("[resource a]\n[resource a]\n", ":5:", "on line 4 already"),
            ("[resource a b]\n", ":4:", "no name"),
            ("[resource a]\nstate = /tmp\n", ":5:", "unknown key"),
            ("[resource a]\npolicy = wrong\n", ":5:", "policy"),
            ("[resource a]\ntopology = core:2\ncores = 1\n", ":6:", "topology of its own"),
            ("[resource a]\nmax_walltime_s = 60\n", ":5:", "default_walltime_s"),
        ]
        daemon = Daemon()
        self.addCleanup(daemon.__exit__)
        config = daemon.folder / "stint.conf"
        head = "[scheduler]\nhalf_life_s = 604800\n# nothing\n"
        for text, place, words in cases:
            with self.subTest(text):
                config.write_text(head + text)
                done = subprocess.run([str(STINTD), "--config", str(config), *MACHINE, "--check-config"], capture_output=True, text=True)
                self.assertEqual(done.returncode, 2, done.stdout)
                self.assertIn(str(config) + place, done.stderr)
                self.assertIn(words, done.stderr)
                self.assertIn("try:", done.stderr)

    def test_a_machine_of_its_own_is_simulated_and_says_so(self):
        daemon = Daemon("--topology", "core:4 pu:1")
        self.addCleanup(daemon.__exit__)
        daemon.config = daemon.folder / "stint.conf"
        daemon.config.write_text(HEAD + "[resource here]\n[resource cluster]\ntopology = numa:2 core:8 pu:1\ngpus = h200:4\n")
        daemon.start()
        nodes = {node["resource"]: node for node in daemon.get("/api/v1/nodes").json["nodes"]}
        self.assertEqual((nodes["here"]["cores"], nodes["cluster"]["cores"]), (4, 16))
        self.assertTrue(all(gpu["simulated"] for gpu in nodes["cluster"]["gpus"]))
        id = daemon.submit("true", resource="cluster", resources={"cpus": 1, "gpus": {"count": 2}, "walltime_s": 60})
        job = daemon.wait(id)
        self.assertEqual((job["outcome"], job["simulated"]), ("completed", True))


if __name__ == "__main__":
    unittest.main()

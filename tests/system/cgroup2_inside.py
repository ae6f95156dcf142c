"""What cgroup2.py runs inside its virtual machine, as root, in a service of systemd: the engine's own unit tests where cgroup v2 is
all there is, then stintd as the system service, as root's private daemon, and as an ordinary user's, in a folder given to him and
without one. The last line says whether all of it held."""

import json
import os
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

from daemon import BUILD, Daemon, wait_until

CGROUPS = Path("/sys/fs/cgroup")
ADA = 1001
ENGINE_TESTS = ["run", "limits", "restart", "users", "hostile", "service"]
MIB = 1 << 20
HELD = {"memory limits", "process limits", "core binding", "killing whole jobs", "suspending jobs", "CPU time"}
BY_KERNEL = "by the kernel, for the whole job"


def text(path):
    return Path(path).read_text()


def own_folder():
    return CGROUPS / text("/proc/self/cgroup").split("::", 1)[1].strip().lstrip("/")


def instances():
    """Folders of all runs of a state folder."""
    return [path for path in CGROUPS.glob("**/stint-[0-9]*-[0-9]*")]


def checks(daemon):
    return {row["check"]: row for row in daemon.get("/api/v1/status").json["checks"]}


def run_folder(pid):
    return CGROUPS / text("/proc/%d/cgroup" % pid).split("::", 1)[1].strip().lstrip("/")


class Engine(unittest.TestCase):
    """The unit tests of the engine; each says itself which limits it met."""


def engine_test(name):
    def test(self):
        done = subprocess.run([str(BUILD / "tests/unit/engine" / ("test_engine_" + name))], capture_output=True, text=True, cwd="/tmp",
                              env=dict(os.environ, CMOCKA_MESSAGE_OUTPUT="STDOUT"))
        self.assertEqual(done.returncode, 0, done.stdout[-3000:] + done.stderr[-3000:])
        if name == "limits":
            self.assertIn("OK ] too_much_memory_is_an_oom_kill", done.stdout)
    return test


for engine_name in ENGINE_TESTS:
    setattr(Engine, "test_" + engine_name, engine_test(engine_name))


class Jobs:
    """What holds wherever the kernel holds the limits; @submit and the rest come from the way the daemon was started."""

    def output(self, id, name="stdout"):
        return self.daemon.get("/api/v1/jobs/%d/output?stream=%s" % (id, name)).body.decode()

    def test_doctor_says_that_the_kernel_holds_the_limits(self):
        rows = checks(self.daemon)
        self.assertEqual({name: rows[name]["detail"] for name in HELD}, dict.fromkeys(HELD, BY_KERNEL))

    def test_memory_over_the_limit_ends_the_job_and_is_said(self):
        id = self.submit("dd if=/dev/zero of=/dev/null bs=300M count=1", memory_bytes=48 * MIB)
        job = self.daemon.wait(id)
        self.assertEqual((job["outcome"], job["term_signal"]), ("out-of-memory", 9), job)
        self.assertLessEqual(job["memory_peak_bytes"], 48 * MIB)

    def test_memory_of_children_counts_together(self):
        each = "python3 -c 'x = bytearray(40 << 20); import time; time.sleep(600)' & "
        id = self.submit(each * 4 + "wait", memory_bytes=100 * MIB)
        self.assertEqual(self.daemon.wait(id)["outcome"], "out-of-memory")

    def test_usage_comes_from_the_group(self):
        script = "python3 -c 'x = bytearray(30 << 20); import time\nwhile time.process_time() < 1: pass' & wait"
        job = self.daemon.wait(self.submit(script, memory_bytes=200 * MIB))
        self.assertEqual(job["outcome"], "completed", job)
        self.assertGreaterEqual(job["cpu_ms"], 1000)
        self.assertGreater(job["memory_peak_bytes"], 30 * MIB)
        self.assertLessEqual(job["memory_peak_bytes"], 200 * MIB)

    def test_no_more_processes_than_asked(self):
        script = "i=0; while [ $i -lt 60 ]; do sleep 600 & i=$((i+1)); done; echo all"
        id = self.submit(script)
        self.assertEqual(self.daemon.wait(id)["outcome"], "failed")
        self.assertNotIn("all", self.output(id))

    def test_granted_cores_are_all_there_is(self):
        script = "python3 -c 'import os; os.sched_setaffinity(0, range(os.cpu_count())); print(sorted(os.sched_getaffinity(0)))'"
        seen = []
        ids = [self.submit(script + "; touch $STINT_OUTPUT_DIR/there; sleep 600") for _ in range(2)]
        for id in ids:
            self.daemon.wait(id, "running")
            seen += json.loads(wait_until(lambda: self.output(id).strip(), what="the job says its cores"))
        self.assertEqual(sorted(seen), [0, 1])  # one each, and not the same
        for id in ids:
            self.end(id)

    def test_suspension_freezes_the_group(self):
        id, folder = self.running()
        self.post(id, "suspend")
        self.daemon.wait(id, "suspended")
        wait_until(lambda: "frozen 1" in text(folder / "cgroup.events"), what="the group is frozen")
        self.post(id, "resume")
        wait_until(lambda: "frozen 0" in text(folder / "cgroup.events"), what="the group is thawed")
        self.end(id)

    def test_a_suspended_job_can_be_cancelled(self):
        id, folder = self.running()
        self.post(id, "suspend")
        wait_until(lambda: "frozen 1" in text(folder / "cgroup.events"), what="the group is frozen")
        self.end(id)

    def test_what_left_its_session_ends_with_the_job(self):
        id, folder = self.running("setsid sleep 600 & ")
        pids = text(folder / "cgroup.procs").split()
        self.assertGreaterEqual(len(pids), 2)
        self.end(id)
        for pid in pids:
            self.assertFalse(Path("/proc/" + pid).exists(), pid)

    def test_the_limits_are_written_in_the_group(self):
        id, folder = self.running(memory_bytes=64 * MIB)
        self.assertEqual(text(folder / "memory.max").strip(), str(64 * MIB))
        self.assertEqual(text(folder / "memory.swap.max").strip() if (folder / "memory.swap.max").exists() else "0", "0")
        self.assertEqual(text(folder / "pids.max").strip(), "40")
        self.assertIn(text(folder / "cpuset.cpus.effective").strip(), ("0", "1"))
        self.assertEqual(text(folder.parent / "cgroup.procs"), "")  # no process inside of a folder that has folders
        self.end(id)

    # ---- ways

    def running(self, before="", **resources):
        id = self.submit(before + "echo $$ >$STINT_OUTPUT_DIR/pid; exec sleep 600", **resources)
        self.daemon.wait(id, "running")
        path = self.daemon_state() / "jobs" / str(id) / "pid"
        pid = int(wait_until(lambda: path.exists() and text(path).strip(), what="the job runs"))
        return id, run_folder(pid)

    def post(self, id, verb):
        answer = self.daemon.post("/api/v1/jobs/%d/%s" % (id, verb), {})
        self.assertIn(answer.status, (200, 202), answer.body)

    def end(self, id):
        self.daemon.request("DELETE", "/api/v1/jobs/%d" % id)
        self.assertEqual(self.daemon.wait(id)["outcome"], "cancelled")

    def folders_are_gone(self):
        wait_until(lambda: not [path for instance in instances() for path in instance.iterdir() if path.is_dir()],
                   what="the groups of ended runs are removed")


def request(script, **resources):
    return {"command": ["/bin/sh", "-c", script],
            "resources": dict({"cpus": 1, "memory_bytes": 64 * MIB, "walltime_s": 600}, **resources)}


class Private(Jobs, unittest.TestCase):
    """Started by hand by root, beside other processes: the runs are at the top of the hierarchy, which is exempt from the rule
    against processes inside."""

    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon("--gpus", "test:1")
        cls.daemon.folder.joinpath("conf").write_text("[daemon]\nuser = root\njoin = open\n[engine]\nprocess_limit = 40\ngrace_s = 2\n"
                                                      "[scheduler]\nhalf_life_s = 3600\n")
        cls.daemon.config = cls.daemon.folder / "conf"
        cls.daemon.start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def tearDown(self):
        self.folders_are_gone()

    def daemon_state(self):
        return self.daemon.state

    def submit(self, script, **resources):
        """As ada: with a configuration file no job of root's runs."""
        code = ("import sys, json; sys.path.insert(0, %r)\nfrom daemon import UnixConnection\nc = UnixConnection(%r)\n"
                "c.request('POST', '/api/v1/jobs', sys.stdin.read(), {'Content-Type': 'application/json'})\nprint(c.getresponse().read().decode())")
        code %= (os.path.dirname(__file__), str(self.daemon.socket))
        done = subprocess.run(["python3", "-c", code], input=json.dumps(request(script, **resources)), user=ADA, group=ADA,
                              extra_groups=[], capture_output=True, text=True)
        answer = json.loads(done.stdout or '{"stderr": %s}' % json.dumps(done.stderr))
        self.assertIn("id", answer, answer)
        return answer["id"]


class ServiceDaemon(Daemon):
    """The unit of contrib/systemd, under systemd."""

    def __init__(self):
        self.socket = Path("/run/stint/stintd.sock")
        self.state = Path("/var/lib/stint")
        self.log_path = Path("/var/log/stintd")


class Service(Private):
    @classmethod
    def setUpClass(cls):
        config = Path("/etc/stint/stint.conf")
        config.write_text(config.read_text().replace("#process_limit = 4096", "process_limit = 40").replace("#grace_s = 30", "grace_s = 2")
                          .replace("#join = closed", "join = open"))
        cls.daemon = ServiceDaemon()
        cls.systemctl("daemon-reload")
        cls.systemctl("start", "stintd")

    @classmethod
    def tearDownClass(cls):
        cls.systemctl("stop", "stintd")

    @classmethod
    def systemctl(cls, *words):
        done = subprocess.run(["systemctl", *words], capture_output=True, text=True)
        if done.returncode:
            log = Path("/var/log/stintd")
            raise AssertionError("systemctl %s: %s\n%s" % (" ".join(words), done.stderr, log.read_text()[-3000:] if log.exists() else ""))
        return done.stdout

    def test_jobs_and_their_limits_outlive_a_restart(self):
        id, folder = self.running(memory_bytes=80 * MIB)
        self.systemctl("restart", "stintd")
        job = self.daemon.wait(id, "running")
        self.assertEqual(text(folder / "memory.max").strip(), str(80 * MIB))
        other = self.submit("dd if=/dev/zero of=/dev/null bs=300M count=1", memory_bytes=48 * MIB)
        self.assertEqual(self.daemon.wait(other)["outcome"], "out-of-memory", job)
        self.end(id)

    def test_the_managers_reload_takes_no_controller_away(self):
        id, folder = self.running(memory_bytes=80 * MIB)
        self.systemctl("daemon-reload")
        subprocess.run(["systemctl", "set-property", "--runtime", "stintd.service", "CPUWeight=50"], check=True)
        other, other_folder = self.running(memory_bytes=96 * MIB)
        self.assertEqual(text(other_folder / "memory.max").strip(), str(96 * MIB))
        self.assertEqual(text(folder / "memory.max").strip(), str(80 * MIB))
        self.end(id)
        self.end(other)

    def test_a_killed_launcher_brings_a_new_service_and_the_jobs_go_on(self):
        id, folder = self.running()
        before = self.systemctl("show", "-p", "MainPID", "--value", "stintd").strip()
        launcher = subprocess.run(["pgrep", "-P", before, "stint-launcher"], capture_output=True, text=True).stdout.split()[0]
        os.kill(int(launcher), signal.SIGKILL)
        wait_until(lambda: self.systemctl("show", "-p", "MainPID", "--value", "stintd").strip() not in (before, "0"), what="systemd starts it again")
        wait_until(lambda: "active" == self.systemctl("show", "-p", "ActiveState", "--value", "stintd").strip(), what="it serves")
        self.daemon.wait(id, "running")
        self.assertTrue((folder / "cgroup.procs").exists())
        self.assertEqual(self.daemon.wait(self.submit("true"))["outcome"], "completed")
        self.end(id)

    def test_a_stopped_service_leaves_its_jobs_and_their_end_cleans_up(self):
        id, folder = self.running("python3 -c 'import time; time.sleep(600)' & ")
        self.systemctl("stop", "stintd")
        pids = text(folder / "cgroup.procs").split()
        self.assertTrue(pids)
        for pid in pids:
            os.kill(int(pid), signal.SIGTERM)
        wait_until(lambda: not folder.exists(), what="the supervisor clears up alone")
        wait_until(lambda: not folder.parent.exists(), what="the last one takes the folder of all runs away")
        self.systemctl("start", "stintd")
        self.assertEqual(self.daemon.wait(id)["outcome"], "failed")


class Given(Private):
    """An ordinary user's daemon in a folder that was given to him, as systemd's scopes with Delegate= are."""

    @classmethod
    def setUpClass(cls):
        cls.scope = CGROUPS / "given.scope"
        (CGROUPS / "cgroup.subtree_control").write_text("+memory +pids +cpuset")
        cls.scope.mkdir()
        for path in [cls.scope] + [cls.scope / name for name in ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads")]:
            os.chown(path, ADA, ADA)
        cls.daemon = Daemon("--gpus", "test:1")  # this machine's cores: only those are bound
        cls.write_config(cls.daemon)
        cls.daemon.start(preexec_fn=cls.enter)

    @classmethod
    def write_config(cls, daemon):
        daemon.folder.joinpath("conf").write_text("[daemon]\njoin = open\n[engine]\nprocess_limit = 40\ngrace_s = 2\n"
                                                  "[scheduler]\nhalf_life_s = 3600\n")
        daemon.config = daemon.folder / "conf"
        os.chown(daemon.folder, ADA, ADA)

    @classmethod
    def enter(cls):
        (cls.scope / "cgroup.procs").write_text(str(os.getpid()))  # as root: from here on ada may move what is hers
        os.setgroups([])
        os.setgid(ADA)
        os.setuid(ADA)


    def test_a_launcher_that_follows_another_finds_the_same_folder(self):
        id, folder = self.running(memory_bytes=80 * MIB)
        os.kill(self.daemon.launcher(), signal.SIGKILL)
        other, other_folder = self.running(memory_bytes=96 * MIB)
        self.assertEqual(other_folder.parent, folder.parent)
        self.assertEqual(text(other_folder / "memory.max").strip(), str(96 * MIB))
        self.end(id)
        self.end(other)


class Alone(unittest.TestCase):
    """An ordinary user's daemon without such a folder: plain limits, and it says so."""

    def test_without_a_folder_of_its_own_limits_are_plain_and_doctor_says_so(self):
        with Daemon() as daemon:
            daemon.stop()
        daemon = Daemon()
        Given.write_config(daemon)
        daemon.start(user=ADA, group=ADA, extra_groups=[])
        try:
            rows = checks(daemon)
            for name in HELD:
                self.assertEqual(rows[name]["result"], "info", rows[name])
                self.assertIn("plain", rows[name]["detail"])
            done = subprocess.run([str(BUILD / "daemon/cli/stint"), "--socket", str(daemon.socket), "run", "--", "sh", "-c", "exit 7"], user=ADA,
                                  group=ADA, extra_groups=[], cwd="/", capture_output=True, text=True)
            self.assertEqual(done.returncode, 7, done.stderr)
        finally:
            daemon.stop()


def step_aside():
    """Out of the folder that systemd gave this service, into one below it."""
    leaf = own_folder() / "check"
    leaf.mkdir()
    (leaf / "cgroup.procs").write_text(str(os.getpid()))


class Result(unittest.TextTestResult):
    """Says at once what failed: a machine that hangs later would not."""

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.say(test, self.failures[-1][1])

    def addError(self, test, err):
        super().addError(test, err)
        self.say(test, self.errors[-1][1])

    def say(self, test, why):
        self.stream.writeln(why)
        log = getattr(getattr(test, "daemon", None), "log_path", None)
        if log and log.exists():
            self.stream.writeln("\n".join(text(log).splitlines()[-12:]))


def main():
    began = time.monotonic()
    os.umask(0o022)
    print("cgroup2: Linux %s, %s" % (os.uname().release, text(CGROUPS / "cgroup.controllers").strip()), flush=True)
    step_aside()
    names = sys.argv[1:] or ["Private", "Service", "Given", "Alone", "Engine"]
    suite = unittest.defaultTestLoader.loadTestsFromNames(names, sys.modules[__name__])
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout, resultclass=Result).run(suite)
    print("cgroup2: %d checks in %d s" % (result.testsRun, time.monotonic() - began))
    print("cgroup2: " + ("all of it holds" if result.wasSuccessful() else "NOT all of it holds"), flush=True)


if __name__ == "__main__":
    main()

"""Who may do what: ordinary users over the socket, the service with its own user, and what the public never sees."""

import json
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import unittest
from pathlib import Path

from daemon import BUILD, SOURCE, Daemon, wait_until, reachable_by_others

ANNA, BERT, SERVICE = 61001, 61002, 61000
NAMES = {ANNA: "stint-test-anna", BERT: "stint-test-bert", SERVICE: "stint-test-daemon"}


def add_users():
    for uid, name in NAMES.items():
        try:
            pwd.getpwnam(name)
        except KeyError:
            subprocess.run(["useradd", "--uid", str(uid), "--no-create-home", "--user-group", "--shell", "/bin/sh", name], check=True)


def remove_users():
    for name in NAMES.values():
        subprocess.run(["userdel", name], stderr=subprocess.DEVNULL)


def as_user(daemon, uid, *words):
    """`stint` run by an ordinary user."""
    environment = {"PATH": os.environ["PATH"], "STINT_SOCKET": str(daemon.socket), "NO_COLOR": "1", "HOME": "/"}
    return subprocess.run([str(BUILD / "daemon/cli/stint"), *map(str, words)], env=environment, user=uid, group=uid,
                          extra_groups=[], cwd="/", capture_output=True, text=True, timeout=60)


@unittest.skipUnless(os.geteuid() == 0, "users of its own need root")
@unittest.skipUnless(reachable_by_others(BUILD), "the build folder is closed to other users")
class Service(unittest.TestCase):
    """Started as root with a configuration file: the daemon becomes its own user, jobs become theirs."""

    @classmethod
    def setUpClass(cls):
        add_users()
        cls.daemon = Daemon()
        config = cls.daemon.folder / "stint.conf"
        config.write_text("[daemon]\nuser = %s\njoin = closed\nsocket_mode = 0666\n[scheduler]\nhalf_life_s = 604800\n" % NAMES[SERVICE])
        cls.daemon.config = config
        os.chown(cls.daemon.folder, SERVICE, SERVICE)
        cls.daemon.start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()
        remove_users()

    def add_anna(self):
        done = self.daemon.stint("admin", "user", "add", NAMES[ANNA], "--project", "default", "--reason", "new student")
        self.assertIn(done.returncode, (0, 8), done.stderr)

    def test_the_daemon_gave_up_root(self):
        with open("/proc/%d/status" % self.daemon.process.pid) as file:
            uids = next(line for line in file if line.startswith("Uid:")).split()[1:]
        self.assertEqual(set(uids), {str(SERVICE)})

    def test_a_reload_leaves_it_the_service_that_it_is(self):
        before = self.daemon.get("/api/v1/policy").json
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "event=reloaded" in self.daemon.log(), what="the reload")
        self.assertNotIn("reload-partial", self.daemon.log())
        self.assertEqual(self.daemon.get("/api/v1/policy").json, before)
        self.assertEqual(before["join"], "closed")
        self.assertTrue(json.loads(self.daemon.stint("doctor", "--json").stdout)["system_service"])

    def test_after_a_reload_too_it_ends_without_its_launcher(self):
        folder = self.daemon.folder / "other"
        folder.mkdir()
        os.chown(folder, SERVICE, SERVICE)
        with Daemon(config=self.daemon.config, folder=folder) as other:
            other.process.send_signal(signal.SIGHUP)
            wait_until(lambda: "event=reloaded" in other.log(), what="the reload")
            children = Path("/proc/%d/task/%d/children" % (other.process.pid, other.process.pid)).read_text().split()
            for child in children:
                os.kill(int(child), signal.SIGKILL)
            self.assertEqual(other.process.wait(60), 1, other.log())

    def test_a_stranger_is_refused_and_told_how_to_ask(self):
        done = as_user(self.daemon, BERT, "submit", "--", "true")
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertIn("operator", done.stderr)

    def test_a_job_runs_as_its_submitter(self):
        self.add_anna()
        done = as_user(self.daemon, ANNA, "submit", "--parsable", "--", "sh", "-c", "id -u; id -g; touch $STINT_OUTPUT_DIR/mine")
        self.assertEqual(done.returncode, 0, done.stderr)
        id = int(done.stdout)
        self.assertEqual(self.daemon.wait(id)["outcome"], "completed")
        self.assertEqual(as_user(self.daemon, ANNA, "logs", id).stdout.split(), [str(ANNA), str(pwd.getpwuid(ANNA).pw_gid)])
        mine = next(self.daemon.state.glob("jobs/%d*/mine" % id))
        self.assertEqual(mine.stat().st_uid, ANNA)

    def test_root_and_system_users_run_nothing(self):
        done = self.daemon.stint("submit", "--", "true")
        self.assertEqual(done.returncode, 6, done.stdout)
        self.assertIn("root", done.stderr)
        self.assertEqual(self.daemon.sql("select count(*) from job where uid = 0"), [(0,)])

    def test_root_registers_and_is_never_judged_for_a_job(self):
        folder = self.daemon.folder / "model"
        folder.mkdir()
        os.chmod(self.daemon.folder, 0o755)
        (folder / "README.md").write_text("---\nlicense: mit\n---\n# A model\n")
        done = self.daemon.stint("artifact", "add", str(folder), "--name", "org/by-root", "--kind", "model")
        self.assertEqual(done.returncode, 0, done.stderr)
        decisions = self.daemon.sql("select count(*) from decision")
        done = self.daemon.stint("submit", "--model", "org/by-root", "--", "true")
        self.assertEqual(done.returncode, 6, done.stderr)
        self.assertIn("runuser", done.stderr)
        self.assertEqual(self.daemon.sql("select count(*) from decision"), decisions)
        os.chmod(folder, 0o700)
        done = self.daemon.stint("artifact", "add", str(folder), "--name", "org/closed", "--kind", "model")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("runuser", done.stderr)

    def test_an_administrators_change_says_why(self):
        done = self.daemon.stint("admin", "project", "add", "silent", "--institution", "home")
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertIn("--reason", done.stderr)

    def test_what_is_above_a_ceiling_alone_is_refused(self):
        self.add_anna()
        self.daemon.stint("admin", "quota", "set", "--user", NAMES[ANNA], "cores=1", "--reason", "autumn call")
        done = as_user(self.daemon, ANNA, "submit", "-c", "2", "--", "true")
        self.daemon.stint("admin", "quota", "set", "--user", NAMES[ANNA], "cores=", "--reason", "over")
        self.assertEqual(done.returncode, 5, done.stdout)
        self.assertIn("at most 1 core", done.stderr)

    def test_others_jobs_are_not_theirs(self):
        self.add_anna()
        self.daemon.stint("admin", "user", "add", NAMES[BERT], "--project", "default", "--reason", "guest")
        id = int(as_user(self.daemon, ANNA, "submit", "--parsable", "-J", "secret-name", "--hold", "--", "true").stdout)
        self.assertEqual(as_user(self.daemon, BERT, "cancel", "--yes", id).returncode, 6)
        self.assertNotIn("secret-name", as_user(self.daemon, BERT, "show", id, "--json").stdout)
        self.assertIn("secret-name", as_user(self.daemon, ANNA, "show", id, "--json").stdout)
        self.assertNotEqual(as_user(self.daemon, BERT, "admin", "award", "grant", "x", "--project", "default", "--amount", "1",
                                    "--until", "2030-01-01", "--reason", "want").returncode, 0)
        self.assertEqual(as_user(self.daemon, ANNA, "cancel", "--yes", id).returncode, 0)

    def test_quotas_hold_back_with_a_reason(self):
        self.add_anna()
        done = self.daemon.stint("admin", "quota", "set", "--user", NAMES[ANNA], "jobs=1", "--reason", "autumn call")
        self.assertEqual(done.returncode, 0, done.stderr)
        first = int(as_user(self.daemon, ANNA, "submit", "--parsable", "--memory", "64M", "--", "sleep", "300").stdout)
        second = int(as_user(self.daemon, ANNA, "submit", "--parsable", "--memory", "64M", "--", "true").stdout)
        self.daemon.wait(first, "running")
        why = as_user(self.daemon, ANNA, "why", second)
        self.assertIn("UserJobLimit", why.stdout)
        self.assertEqual(as_user(self.daemon, ANNA, "cancel", "--yes", first).returncode, 0)
        self.assertEqual(self.daemon.wait(second)["outcome"], "completed")
        self.daemon.stint("admin", "quota", "set", "--user", NAMES[ANNA], "jobs=", "--reason", "over")

    def test_no_public_answer_names_a_person_or_what_he_runs(self):
        self.add_anna()
        marks = ["seeded-job-name", "seeded-argument", "seeded-purpose", "seeded-variable", NAMES[ANNA], str(self.daemon.state)]
        done = as_user(self.daemon, ANNA, "submit", "--parsable", "-J", marks[0], "--purpose", marks[2], "--env",
                       "SEEDED=" + marks[3], "--memory", "64M", "--", "sh", "-c", "sleep 30 # " + marks[1])
        running = int(done.stdout)
        held = int(as_user(self.daemon, ANNA, "submit", "--parsable", "-J", marks[0], "--hold", "--", "true", marks[1]).stdout)
        self.daemon.wait(running, "running")
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        os.chmod(folder, 0o755)
        marks.append("seeded-folder")
        mine = shutil.copytree(SOURCE / "contrib/examples/commons-text", os.path.join(folder, marks[-1]))
        judged = as_user(self.daemon, ANNA, "submit", "--parsable", "--data", str(mine), "--hold", "--", "true")
        self.assertEqual(judged.returncode, 0, judged.stderr)
        uses = json.loads(as_user(self.daemon, ANNA, "show", "--json", judged.stdout.strip()).stdout)["job"]["uses"]
        added = self.daemon.stint("artifact", "add", str(SOURCE / "contrib/examples/commons-text"), "--name", "examples/text")
        self.assertEqual(added.returncode, 0, added.stderr)
        verdict = self.daemon.public("/api/v1/verdicts/%d" % uses[0]["verdict"])
        self.assertEqual((verdict.status, verdict.json["subject"]["name"]), (200, uses[0]["digest"][:19]))
        openapi = self.daemon.public("/api/v1/openapi.json").json
        paths = [path for path, methods in openapi["paths"].items() if "get" in methods]
        paths += ["/", "/metrics", "/api/v1/log/entries"]
        self.assertGreater(len(paths), 15)
        seen = 0
        for path in paths:
            path = path.replace("{digest}", "x").replace("{name}", "default").replace("{n}", "0")
            path = path.replace("{id}", str(uses[0]["verdict"] if "verdicts" in path else running))
            if "events" in path or "{" in path:
                continue
            answer = self.daemon.public(path)
            seen += answer.status == 200
            for mark in marks:
                self.assertNotIn(mark.encode(), answer.body, "%s shows %s" % (path, mark))
        self.assertGreater(seen, 10)
        for id in (running, held, int(judged.stdout)):
            as_user(self.daemon, ANNA, "cancel", "--yes", id)


@unittest.skipUnless(os.geteuid() == 0, "users of its own need root")
@unittest.skipUnless(reachable_by_others(BUILD), "the build folder is closed to other users")
class OrdinaryUser(unittest.TestCase):
    def test_a_private_daemon_of_an_ordinary_user_works_at_once(self):
        add_users()
        try:
            with_user = Daemon()
            os.chown(with_user.folder, ANNA, ANNA)
            with_user.start(user=ANNA, group=ANNA, extra_groups=[], cwd="/")
            try:
                done = as_user(with_user, ANNA, "run", "--memory", "64M", "--", "id", "-u")
                self.assertEqual((done.returncode, done.stdout.strip()), (0, str(ANNA)), done.stderr)
                doctor = as_user(with_user, ANNA, "doctor")
                self.assertEqual(doctor.returncode, 0, doctor.stdout + doctor.stderr)
            finally:
                with_user.stop()
        finally:
            remove_users()


if __name__ == "__main__":
    unittest.main(verbosity=2)

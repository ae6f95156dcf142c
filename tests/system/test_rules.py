"""Rules that change under a running daemon: stale verdicts are said and judged again, broken rules change nothing."""

import os
import re
import shutil
import signal
import unittest

from daemon import BUILD, Daemon, SOURCE, wait_until, reachable_by_others

OTHER = 61002  # as root: whose daemon it is, so that a configuration file makes no system service of it

MODEL = SOURCE / "contrib/examples/commons-lm"
DATA = SOURCE / "contrib/examples/commons-text"


@unittest.skipUnless(os.geteuid() != 0 or reachable_by_others(BUILD), "the build folder is closed to other users")
class Rules(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        self.addCleanup(self.daemon.__exit__)
        self.rules = self.daemon.folder / "rules"
        shutil.copytree(SOURCE / "config/rules", self.rules)
        self.daemon.config = self.daemon.folder / "stint.conf"
        self.daemon.config.write_text(
            "[scheduler]\nhalf_life_s = 604800\n[admission]\nrules_dir = %s\n" % self.rules)
        self.more = {}
        if os.geteuid() == 0:
            self.more = {"user": OTHER, "group": OTHER, "extra_groups": []}
            os.chown(self.daemon.folder, OTHER, OTHER)
        self.daemon.start(**self.more)
        for path, name in ((DATA, "examples/commons-text"), (MODEL, "examples/commons-lm")):
            answer = self.stint("artifact", "add", path, "--name", name)
            self.assertEqual(answer.returncode, 0, answer.stdout + answer.stderr)

    def stint(self, *words):
        return self.daemon.stint(*words, **self.more)

    def reload(self, event):
        before = self.daemon.log().count(event)
        self.daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.daemon.log().count(event) > before, what=event)

    def artifact(self, name="examples/commons-lm"):
        return self.daemon.get("/api/v1/artifacts/" + name).json["artifact"]

    def rewrite(self, name, pattern, by):
        path = self.rules / name
        path.write_text(re.sub(pattern, by, path.read_text(), count=1))

    def doctor(self, check):
        return {row["check"]: row for row in self.daemon.get("/api/v1/status").json["checks"]}[check]

    def test_other_rules_change_a_verdict_without_a_job(self):
        before = self.artifact()
        self.assertEqual((before["result"], before["stale"]), ("pass", False))
        self.rewrite("osaid-1.0.yaml", r"component: weights, predicate: readable, is: true", "component: weights, predicate: readable, is: false")
        self.reload("event=reloaded")
        after = wait_until(lambda: (lambda a: None if a["stale"] else a)(self.artifact()), what="it is judged again")
        self.assertEqual(after["result"], "fail")
        self.assertGreater(after["verdict"], before["verdict"])
        self.assertNotEqual(after["judged_under"], before["judged_under"])
        wait_until(lambda: "event=judged-again artifacts=2" in self.daemon.log(), what="both are judged again")
        self.assertEqual(self.doctor("verdicts")["result"], "ok")
        refused = self.stint("submit", "--model", "examples/commons-lm", "--", "true")
        self.assertEqual(refused.returncode, 4)

    def test_broken_rules_change_nothing_and_are_said(self):
        before = self.artifact()
        self.rewrite("osaid-1.0.yaml", r"predicate: readable", "predicate: legible")
        self.reload("event=reload-refused")
        self.assertRegex(self.daemon.log(), r"osaid-1\.0\.yaml:\d+")
        self.assertEqual(self.artifact(), before)
        row = self.doctor("configuration")
        self.assertEqual(row["result"], "fail")
        self.assertRegex(row["detail"], r"what was before stays: .*osaid-1\.0\.yaml:\d+.*legible")
        self.assertNotEqual(self.stint("doctor").returncode, 0)
        self.rewrite("osaid-1.0.yaml", r"predicate: legible", "predicate: readable")
        self.reload("event=reloaded")
        self.assertEqual(self.doctor("configuration")["result"], "ok")

    def test_a_stale_verdict_that_cannot_be_judged_again_is_said_plainly(self):
        here = self.daemon.folder / "here"
        shutil.copytree(DATA, here)
        (here / "more.txt").write_text("other bytes than those of the copy\n")
        added = self.stint("artifact", "add", here, "--name", "examples/here", "--in-place")
        self.assertEqual(added.returncode, 0, added.stderr)
        self.daemon.stop()
        (here / "more.txt").write_text("changed since it was judged\n")
        self.rewrite("open-definition-2.1.yaml", r"\A", "# other words\n")
        self.daemon.start(**self.more)
        wait_until(lambda: "event=judged-again artifacts=2 failed=1" in self.daemon.log(), what="the others are judged again")
        self.assertTrue(self.artifact("examples/here")["stale"])
        self.assertRegex(self.stint("artifact", "list").stdout, r"examples/here +dataset +stale")
        self.assertRegex(self.stint("artifact", "show", "examples/here").stdout,
                         r"stale +was pass, judged under sha256:[0-9a-f]{12}…, now sha256:[0-9a-f]{12}… judges")
        self.assertIn("stale: was pass under rules and evidence sha256:", self.daemon.public("/").body.decode())
        self.assertIn("1 could not be", self.doctor("verdicts")["detail"])


if __name__ == "__main__":
    unittest.main()

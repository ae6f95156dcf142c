"""`unknown = review`: what is unknown waits for an operator, whose decision is public and changes no verdict; a fail waits for nobody."""

import json
import os
import shutil
import unittest

from daemon import BUILD, Answer, Daemon, wait_until, reachable_by_others

OTHER = 61001  # as root: whose daemon it is, so that a configuration file makes no system service of it


def as_other(ask):
    """The answer to @ask, which a child asks as the user whose daemon it is: root's jobs are not run there."""
    if os.geteuid() != 0:
        return ask()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(OTHER)
            os.setuid(OTHER)
            answer = ask()
            os.write(writing, json.dumps([answer.status, answer.headers, answer.body.decode()]).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as file:
        status, headers, body = json.loads(file.read() or "[0, {}, \"the child failed\"]")
    os.waitpid(child, 0)
    return Answer(status, headers, body.encode())


@unittest.skipUnless(os.geteuid() != 0 or reachable_by_others(BUILD), "the build folder is closed to other users")
class Review(unittest.TestCase):
    def setUp(self):
        self.daemon = Daemon()
        config = self.daemon.folder / "stint.conf"
        config.write_text("[daemon]\njoin = open\n[admission]\nunknown = review\n[scheduler]\nhalf_life_s = 604800\n")
        self.daemon.config = config
        self.more = {}
        if os.geteuid() == 0:
            os.chown(self.daemon.folder, OTHER, OTHER)
            self.more = {"user": OTHER, "group": OTHER, "extra_groups": []}
        self.daemon.start(**self.more)
        self.unclear = self.folder("unclear", "# Letters\n\nLetters that we collected.\n")
        (self.unclear / "LICENSE").write_text("You may look at these letters and pass them on to friends of the house.\n")
        self.failing = self.folder("failing", "---\nlicense: cc-by-nc-4.0\n---\n# Letters\n")

    def tearDown(self):
        self.daemon.stop()
        shutil.rmtree(self.daemon.folder, ignore_errors=True)

    def folder(self, name, card):
        folder = self.daemon.folder / name
        folder.mkdir()
        (folder / "README.md").write_text(card)
        (folder / "letters.txt").write_text("a letter of %s\n" % name)
        folder.chmod(0o755)
        return folder

    def submit(self, folder, dry_run=False, **more):
        body = dict({"command": ["true"], "uses": {"datasets": [str(folder)]},
                     "resources": {"cpus": 1, "memory_bytes": 16 << 20, "walltime_s": 60}}, **more)
        return as_other(lambda: self.daemon.post("/api/v1/jobs" + ("?dry_run=true" if dry_run else ""), body))

    def waiting(self, folder):
        answer = self.submit(folder)
        self.assertEqual(answer.status, 202, answer.body)
        self.assertEqual(answer.json["reason"], "NotReviewedYet")
        id = answer.json["id"]
        self.assertEqual((self.daemon.job(id)["state"], self.daemon.job(id)["reason"]), ("pending", "NotReviewedYet"))
        return id

    def admin(self, *words, status=0):
        done = self.daemon.stint("admin", *words)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout

    def waivers(self):
        return self.daemon.get("/api/v1/waivers").json["waivers"]

    def test_an_admitted_job_runs_and_so_does_the_next_one(self):
        id = self.waiting(self.unclear)
        listed = json.loads(self.admin("review", "list", "--json"))["reviews"]
        self.assertEqual([(row["job"], row["name"], row["kind"]) for row in listed], [(id, str(self.unclear), "dataset")])
        self.assertIn("NotReviewedYet", self.daemon.stint("why", id).stdout)
        self.admin("review", "admit", id, "--reason", "the authors are asked")
        self.assertEqual(self.daemon.wait(id)["outcome"], "completed")
        self.assertIn("nothing waits", self.admin("review", "list"))
        self.assertEqual(self.submit(self.unclear).status, 201)
        self.assertEqual([(row["state"], row["reason"], row["digest"]) for row in self.waivers()],
                         [("standing", "the authors are asked", listed[0]["digest"])])
        verdict = self.daemon.get("/api/v1/verdicts/%d" % listed[0]["verdict"]).json
        self.assertIn('"unknown"', json.dumps(verdict))  # it stays what it is
        page = self.daemon.public("/").body.decode()
        self.assertRegex(page, "waived</span>.*sha256:.*<span class=\"quiet\">the authors are asked")
        self.assertNotIn(str(self.unclear), page)
        entries = [json.loads(row[0]) for row in self.daemon.sql("select body from log_entry where type = 'waiver'")]
        self.assertEqual([entry["subject"]["digest"] for entry in entries], [listed[0]["digest"]])
        self.assertNotIn(str(self.unclear), self.daemon.public("/api/v1/waivers").body.decode())

    def test_a_refused_job_is_over_and_the_next_one_waits_again(self):
        id = self.waiting(self.unclear)
        self.admin("review", "refuse", id, "--reason", "no answer from the authors")
        job = self.daemon.wait(id)
        self.assertEqual((job["outcome"], job["reason"]), ("refused", "PolicyForbids"))
        entries = [json.loads(row[0]) for row in self.daemon.sql("select body from log_entry where type = 'decision'")]
        self.assertIn("no answer", json.dumps(entries[-1]))
        self.assertIn("an operator decided: no answer from the authors", self.daemon.stint("why", id).stdout)
        self.waiting(self.unclear)
        self.admin("review", "refuse", id, "--reason", "again", status=3)

    def test_it_waits_on_through_a_restart_and_is_listed_again(self):
        id = self.waiting(self.unclear)
        self.daemon.kill()
        self.daemon.start(**self.more)
        wait_until(lambda: self.daemon.job(id)["reason"] == "NotReviewedYet", what="it waits for the operator again")
        self.assertIn(str(id), self.admin("review", "list"))
        self.admin("review", "admit", id, "--reason", "settled by mail")
        self.assertEqual(self.daemon.wait(id)["outcome"], "completed")
        self.daemon.kill()
        self.daemon.start(**self.more)
        self.assertEqual([row["state"] for row in self.waivers()], ["standing"])

    def test_a_revoked_waiver_lets_nothing_in(self):
        self.waiting(self.unclear)
        self.admin("waiver", "grant", self.unclear, "--until", "now+30d", "--reason", "a trial")
        self.admin("waiver", "grant", self.unclear, "--reason", "twice", status=8)
        self.assertEqual(self.submit(self.unclear).status, 201)
        self.assertIn("waived</span>", self.daemon.public("/").body.decode())
        self.admin("waiver", "revoke", self.waivers()[0]["id"], "--reason", "over", "--yes")
        self.assertNotIn("waived</span>", self.daemon.public("/").body.decode())
        self.waiting(self.unclear)

    def test_a_job_let_in_by_a_waiver_that_was_revoked_meanwhile_does_not_start(self):
        self.waiting(self.unclear)
        self.admin("waiver", "grant", self.unclear, "--reason", "a trial")
        answer = self.submit(self.unclear, hold=True)
        self.assertEqual(answer.status, 201, answer.body)
        self.admin("waiver", "revoke", self.waivers()[0]["id"], "--reason", "over", "--yes")
        id = answer.json["id"]
        self.assertEqual(self.daemon.post("/api/v1/jobs/%d/release" % id, {}).status, 200)
        job = self.daemon.wait(id)
        self.assertEqual((job["outcome"], job["reason"], job["started"], job["charged_micro"]), ("refused", "PolicyForbids", None, 0), job)
        self.assertIn("waiver that let it in", job["note"])
        self.daemon.check_books(self)

    def test_a_fail_is_refused_at_once_and_waived_by_nobody(self):
        answer = self.submit(self.failing)
        self.assertEqual(answer.status, 422, answer.body)
        self.assertEqual(answer.json["code"], "DataNotOpen")
        self.admin("waiver", "grant", self.failing, "--reason", "try")
        self.assertEqual(self.submit(self.failing).status, 422)
        both = self.submit(self.failing, uses={"datasets": [str(self.unclear), str(self.failing)]})
        self.assertEqual(both.json["code"], "DataNotOpen")

    def test_a_cancelled_job_waits_for_no_decision(self):
        id = self.waiting(self.unclear)
        self.daemon.request("DELETE", "/api/v1/jobs/%d" % id)
        self.assertEqual(self.daemon.wait(id)["outcome"], "cancelled")
        self.assertIn("nothing waits", self.admin("review", "list"))
        self.admin("review", "admit", id, "--reason", "late", status=3)

    def test_a_rehearsal_leaves_nothing_and_decisions_need_a_reason(self):
        id = self.waiting(self.unclear)
        self.admin("review", "admit", id, "--reason", "r", "--dry-run")
        self.assertEqual((self.waivers(), self.daemon.job(id)["reason"]), ([], "NotReviewedYet"))
        self.assertNotEqual(self.daemon.stint("admin", "review", "admit", id).returncode, 0)
        self.assertEqual(self.submit(self.unclear, dry_run=True).json["code"], "NotReviewedYet")


if __name__ == "__main__":
    unittest.main(verbosity=2)

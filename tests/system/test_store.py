"""What goes wrong below the daemon: a full disk, a store that cannot be written, one that is damaged. Nothing acknowledged is
lost, and the way back is named."""

import contextlib
import datetime
import json
import os
import shutil
import sqlite3
import subprocess
import unittest

from daemon import SOURCE, Daemon, wait_until


def is_root():
    return os.geteuid() == 0


class FullDisk(unittest.TestCase):
    @unittest.skipUnless(is_root(), "a small file system of its own needs root")
    def test_a_full_disk_refuses_and_recovers(self):
        daemon = Daemon()
        daemon.state.mkdir(mode=0o711)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=711", "tmpfs", str(daemon.state)]).returncode != 0:
            self.skipTest("this host lets nobody mount")
        try:
            daemon.start()
            running = daemon.submit("/bin/sh", "-c", "sleep 2; exit 4")
            daemon.wait(running, "running")
            filler = daemon.state / "filler"
            with open(filler, "wb") as file:
                try:
                    while True:
                        file.write(b"\0" * 65536)
                        file.flush()
                except OSError:
                    pass

            def is_refused():
                answer = daemon.post("/api/v1/jobs", {"command": ["true"], "name": "n" * 100, "purpose": "p" * 4000})
                self.assertIn(answer.status, (201, 503))
                return answer.status == 503 and answer

            refused = wait_until(is_refused, what="a full disk refuses")
            self.assertIn(refused.json["code"], ("read-only", "busy"))
            self.assertEqual(daemon.get("/api/v1/queue").status, 200)
            wait_until(lambda: not self.is_alive(daemon, running), what="the job ended while the disk was full")
            freed = datetime.datetime.now(datetime.timezone.utc)
            filler.unlink()
            id = wait_until(lambda: self.try_submit(daemon), what="writes are taken again")
            self.assertEqual(daemon.wait(id)["outcome"], "completed")
            job = daemon.wait(running)
            self.assertEqual((job["outcome"], job["exit_code"]), ("failed", 4))
            self.assertLess(datetime.datetime.fromisoformat(job["ended"].replace("Z", "+00:00")), freed)  # its end, not ours to hear of it
            daemon.check_books(self)
            self.assertEqual(daemon.stop(), 0)
        finally:
            daemon.stop()
            subprocess.run(["umount", str(daemon.state)], check=False)
            shutil.rmtree(daemon.folder, ignore_errors=True)

    @staticmethod
    def is_alive(daemon, id):
        return subprocess.run(["pgrep", "-f", "sleep 2; exit 4"], stdout=subprocess.DEVNULL).returncode == 0

    @staticmethod
    def try_submit(daemon):
        answer = daemon.post("/api/v1/jobs", {"command": ["true"]})
        return answer.json["id"] if answer.status == 201 else None


class DamagedStore(unittest.TestCase):
    def refused(self, daemon):
        process = daemon.spawn()
        self.assertNotEqual(process.wait(60), 0)
        daemon.process = None
        return daemon.log()

    def test_a_damaged_store_is_refused_untouched(self):
        with Daemon() as daemon:
            daemon.wait(daemon.submit("true"))
            daemon.stop()
            database = next(daemon.state.glob("*.db"))
            with open(database, "r+b") as file:
                file.seek(0)
                file.write(b"\xff" * 2048)
            before = database.read_bytes()
            log = self.refused(daemon)
            self.assertIn("restore", log)
            self.assertEqual(database.read_bytes(), before)

    def test_a_backup_is_a_way_back(self):
        with Daemon() as daemon:
            first = daemon.submit("echo", "before the backup")
            daemon.wait(first)
            backup = daemon.folder / "copy.db"
            done = daemon.stint("admin", "backup", backup)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(backup.stat().st_mode & 0o777, 0o600)
            again = daemon.stint("admin", "backup", backup)
            self.assertEqual(again.returncode, 8, again.stdout)
            self.assertIn("never written over", again.stderr)
            self.assertEqual(list(daemon.state.glob("backup*")), [])
            lost = daemon.submit("echo", "after the backup")
            daemon.wait(lost)
            daemon.stop()
            database = next(daemon.state.glob("*.db"))
            with open(database, "r+b") as file:
                file.write(b"\xff" * 2048)
            self.assertIn("stint admin backup", self.refused(daemon))
            for path in daemon.state.glob("stint.db*"):  # what the refusal says
                path.rename(daemon.folder / path.name)
            shutil.copy(backup, database)
            daemon.start()
            self.assertEqual(daemon.job(first)["outcome"], "completed")
            self.assertEqual(daemon.get("/api/v1/jobs/%d" % lost).status, 404)
            for word in ("once", "twice", "thrice"):  # the numbers of lost jobs are given anew, and their folders are in the way of none
                id = daemon.submit("echo", word)
                self.assertEqual(daemon.wait(id)["outcome"], "completed")
                self.assertEqual(daemon.stint("logs", id).stdout, word + "\n")
            self.assertEqual(daemon.stint("log", "verify").returncode, 0)
            daemon.check_books(self)

    def test_a_log_never_begins_again_under_its_key(self):
        with Daemon() as daemon:
            backup = daemon.folder / "copy.db"
            self.assertEqual(daemon.stint("admin", "backup", backup).returncode, 0)
            done = daemon.stint("admin", "project", "add", "later", "--reason", "after the backup")
            self.assertEqual(done.returncode, 0, done.stderr)
            daemon.get("/api/v1/status")
            size = wait_until(lambda: daemon.get("/api/v1/log/checkpoint").body.split(b"\n")[1] == b"6" and 6, what="six entries are signed")
            daemon.stop()
            kept = daemon.folder / "kept.db"
            shutil.move(daemon.state / "stint.db", kept)
            for store in (None, backup):  # lost, and older than what was shown
                for path in daemon.state.glob("stint.db*"):
                    path.unlink()
                if store:
                    shutil.copy(store, daemon.state / "stint.db")
                said = self.refused(daemon)
                self.assertIn("older than a head of it that was shown", said)
                self.assertIn("log.head", said)
            shutil.copy(kept, daemon.state / "stint.db")
            daemon.start()
            self.assertIn("size %d" % size, daemon.stint("log", "verify").stdout)
            daemon.stop()
            shutil.copy(backup, daemon.state / "stint.db")  # what came after it is lost for good
            for name in ("log.key", "log.head"):
                (daemon.state / name).unlink()
            for _ in range(2):
                daemon.start()
                done = wait_until(lambda: (lambda done: done if done.returncode == 0 else None)(daemon.stint("log", "verify")), what="it is signed")
                self.assertIn("[ok]", done.stdout)
                self.assertEqual(daemon.sql("select seq from log_entry where type = 'log.key'"), [(size - 1,)])
                daemon.kill()

    def test_a_backup_is_the_operators(self):
        with Daemon() as daemon:
            self.assertEqual(daemon.public("/api/v1/backup").status, 401)

    def test_an_altered_log_is_refused(self):
        with Daemon() as daemon:
            wait_until(lambda: daemon.get("/api/v1/log/checkpoint").status == 200, what="a head is signed")
            daemon.stop()
            database = next(daemon.state.glob("*.db"))
            subprocess.run(["sqlite3", str(database), "update log_entry set leaf = zeroblob(32) where seq = 0"], check=True)
            self.assertIn("log", self.refused(daemon))

    def test_two_daemons_do_not_share_a_state_folder(self):
        with Daemon() as daemon:
            second = Daemon(folder=daemon.folder)
            second.socket = daemon.folder / "s2"
            second.log_path = daemon.folder / "log2"
            process = second.spawn()
            self.assertNotEqual(process.wait(60), 0)
            self.assertIn("another daemon uses it", second.log())
            self.assertIn("choose another with --state", second.log())
            second.process = None
            self.assertEqual(daemon.get("/healthz").status, 200)

    @unittest.skipIf(is_root() and not shutil.which("mount"), "needs mount")
    def test_a_read_only_state_folder_is_refused_plainly(self):
        with Daemon() as daemon:
            daemon.stop()
            if not is_root() or subprocess.run(["mount", "--bind", daemon.state, daemon.state]).returncode != 0:
                self.skipTest("needs root and mount")
            try:
                subprocess.run(["mount", "-o", "remount,ro,bind", daemon.state], check=True)
                self.assertRegex(self.refused(daemon), "[Rr]ead-only|written")
            finally:
                subprocess.run(["umount", daemon.state], check=True)


class EarlierVersions(unittest.TestCase):
    """tests/data/store/vN.sql is a store as version N left it; the whole daemon starts on each, and goes on."""

    def test_the_daemon_goes_on_from_each(self):
        files = sorted(SOURCE.glob("tests/data/store/v*.sql"))
        self.assertGreaterEqual(len(files), 9)
        for file in files:
            with self.subTest(file=file.name):
                daemon = Daemon()
                daemon.state.mkdir(mode=0o711)
                store = sqlite3.connect(daemon.state / "stint.db")
                store.executescript(file.read_text())
                store.close()
                for _ in range(2):  # as it was left, and as we leave it
                    with contextlib.ExitStack() as at_end:
                        daemon.start()
                        at_end.callback(daemon.stop)
                        self.assertEqual((daemon.job(1)["user"], daemon.job(1)["state"]), ("user", "pending"))
                        quotas = json.loads(daemon.stint("admin", "quota", "list", "--json").stdout)["quotas"]
                        self.assertIn("month", [row["period"] for row in quotas])
                        token, = json.loads(daemon.stint("admin", "token", "list", "--json").stdout)["tokens"]
                        self.assertEqual((token["name"], token["scopes"], token["state"]), ("notebook", ["submit"], "active"))
                        id = daemon.submit("true", project="default")
                        self.assertEqual(daemon.wait(id)["outcome"], "completed")
                        daemon.check_books(self)
                shutil.rmtree(daemon.folder)


if __name__ == "__main__":
    unittest.main(verbosity=2)

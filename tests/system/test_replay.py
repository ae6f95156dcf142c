"""A day of the live scheduler is replayed from its own record: the same starts, or the difference is told."""

import hashlib
import json
import sqlite3
import struct
import time
import unittest

from daemon import Daemon, wait_until

MIXED = ["--topology", "numa:2 core:4 pu:1", "--gpus", "h200:4"]


def chain(before, id, core, at_ms, starts, body):
    """As stint/transcript.h says."""
    return hashlib.sha256(before + struct.pack("<4q", id, core, at_ms, starts) + hashlib.sha256(body).digest()).digest()


def request(number):
    """Short and long, small and large, of one kind or the other: what a queue is made of."""
    resources = {"cpus": 1 + number % 3, "memory_bytes": 16 << 20, "walltime_s": 60 * (1 + number % 7)}
    if number % 4 == 0:
        resources["gpus"] = {"count": 1 + number % 2}
    job = {"command": ["sleep", "0.0%d" % (number % 5)], "resources": resources, "priority": number % 5 - 2}
    if number % 11 == 0:
        job["hold"] = True
    return job


class Replay(unittest.TestCase):
    def submit_some(self, daemon, numbers):
        answer = daemon.post("/api/v1/jobs", [request(number) for number in numbers])
        self.assertEqual(answer.status, 200, answer.body)
        return [result["id"] for result in answer.json["results"]]

    def quota(self, daemon, cores):
        answer = daemon.stint("admin", "quota", "set", "--project", "default", "cores=%d" % cores, "--reason", "test")
        self.assertEqual(answer.returncode, 0, answer.stderr)

    def live(self, daemon):
        """Holds, cancels, priorities, quotas, ends and a kill in the middle of it."""
        first = self.submit_some(daemon, range(1, 121))
        self.quota(daemon, 5)
        for id in first[60:90:3]:
            daemon.request("DELETE", "/api/v1/jobs/%d" % id)
        for id in first[61:100:3]:
            daemon.post("/api/v1/jobs/%d/hold" % id, {})
        for id in first[62:110:3]:
            daemon.request("PATCH", "/api/v1/jobs/%d" % id, {"priority": id % 90})
        long = daemon.submit("sleep", "600")
        daemon.kill()
        daemon.start()
        self.quota(daemon, 8)
        second = self.submit_some(daemon, range(200, 320))
        for id in first + second:
            if daemon.job(id)["state"] == "held":
                daemon.post("/api/v1/jobs/%d/release" % id, {})
        daemon.request("DELETE", "/api/v1/jobs/%d" % long)
        wait_until(lambda: daemon.get("/api/v1/jobs?live").json["jobs"] == [], 120, "all jobs are done")

    def replay(self, daemon, day):
        answer = daemon.stint("simulate", "--replay", day, "--json")
        return answer.returncode, json.loads(answer.stdout) if answer.stdout else answer.stderr

    def test_a_day_gives_the_same_starts_and_a_changed_record_is_noticed(self):
        days = [time.strftime("%Y-%m-%d")]
        with Daemon(*MIXED) as daemon:
            self.live(daemon)
            if time.strftime("%Y-%m-%d") not in days:
                days.append(time.strftime("%Y-%m-%d"))
            starts = 0
            for day in days:
                code, document = self.replay(daemon, day)
                self.assertEqual(code, 0, document)
                self.assertTrue(document["equal"])
                starts += document["starts"]
            self.assertEqual(document["cores"], 2)
            self.assertEqual([(starts,)], daemon.sql("select count(*) from run"))
            self.assertEqual(daemon.public("/api/v1/transcript").status, 401)
            text = daemon.stint("simulate", "--replay", days[-1])
            self.assertEqual(text.returncode, 0)
            self.assertIn("all as they were", text.stdout)
            self.assertIn(document["head"], text.stdout)
            self.tamper(daemon, days[-1])

    def tamper(self, daemon, day):
        rows = daemon.sql("select id, core, at_ms, start_count, body from transcript order by id")
        victim = next(row for row in rows if row[3] == 0 and row[0] != row[1])
        daemon.stop()
        database = sqlite3.connect(str(next(daemon.state.glob("*.db"))))
        database.execute("update transcript set body = ? where id = ?", (victim[4][:-1] + bytes([victim[4][-1] ^ 1]), victim[0]))
        database.commit()
        daemon.start()
        code, text = self.replay(daemon, day)
        self.assertEqual(code, 1)
        self.assertIn("piece %d of the record does not follow" % victim[0], text)
        # Who can write the database can make the digests anew; what he left out is then missed by the starts.
        daemon.stop()
        database.execute("delete from transcript where id = ?", (victim[0],))
        before = bytes(32)
        for id, core, at_ms, starts, body in database.execute(
                "select id, core, at_ms, start_count, body from transcript order by id").fetchall():
            before = chain(before, id, core, at_ms, starts, body)
            database.execute("update transcript set chain = ? where id = ?", (before, id))
        database.commit()
        database.close()
        daemon.start()
        code, document = self.replay(daemon, day)
        self.assertEqual(code, 1)
        self.assertFalse(document["equal"])
        self.assertTrue(document["difference"]["text"])


if __name__ == "__main__":
    unittest.main()

"""kill -9 (and now and then an orderly stop) of the daemon under load, at random moments: nothing acknowledged is lost, nothing starts twice, every end is
recorded once, the books balance. STINT_KILLS says how often (5 in the quick tier, at least 50 in the long one)."""

import os
import random
import threading
import unittest

from daemon import Daemon, wait_until

KILLS = int(os.environ.get("STINT_KILLS", "5"))
SEED = int(os.environ.get("STINT_SEED", "1"))
ORDERLY = float(os.environ.get("STINT_ORDERLY", "0.25"))  # share of restarts by SIGTERM instead


class Load(threading.Thread):
    """Submits without pause; remembers only what was acknowledged."""

    def __init__(self, daemon, marks):
        super().__init__(daemon=True)
        self.target_daemon, self.marks = daemon, marks
        self.acknowledged, self.is_over = [], False

    def run(self):
        number = 0
        while not self.is_over:
            number += 1
            mark = "%s/%s-%d" % (self.marks, self.name, number)
            command = ["/bin/sh", "-c", 'echo x >> "$0"; exit 0', mark]
            try:
                answer = self.target_daemon.post("/api/v1/jobs", {
                    "command": command, "resources": {"cpus": 1, "memory_bytes": 16 << 20, "walltime_s": 60}}, timeout=20)
            except OSError:
                continue
            except Exception:  # an answer cut off half way is no acknowledgement
                continue
            if answer.status == 201:
                self.acknowledged.append((answer.json["id"], mark))


class KilledDaemon(unittest.TestCase):
    def test_nothing_acknowledged_is_lost(self):
        dice = random.Random(SEED)
        with Daemon("--topology", "core:8 pu:1") as daemon:
            marks = daemon.folder / "marks"
            marks.mkdir(mode=0o777)
            loads = [Load(daemon, marks) for _ in range(3)]
            for load in loads:
                load.start()
            for _ in range(KILLS):
                threading.Event().wait(dice.uniform(0.02, 0.6))
                if dice.random() < ORDERLY:
                    self.assertEqual(daemon.stop(), 0, daemon.log()[-3000:])
                else:
                    daemon.kill()
                daemon.start()
            for load in loads:
                load.is_over = True
            for load in loads:
                load.join(60)
            wait_until(lambda: daemon.sql("select count(*) from job where end_ms = 0") == [(0,)], 300, "every job is done")
            acknowledged = [job for load in loads for job in load.acknowledged]
            self.assertGreater(len(acknowledged), 0)
            outcomes = dict(daemon.sql("select id, outcome from job"))
            for id, mark in acknowledged:
                self.assertEqual(outcomes.get(id), "completed", daemon.sql("select * from run where job = ?", id))
                with open(mark) as file:
                    self.assertEqual(file.read(), "x\n", "job %d ran not once" % id)
            self.assertEqual(daemon.sql("select count(*) from run where end_ms = 0"), [(0,)])
            self.assertEqual(daemon.sql("select job, count(*) from event where kind = 'job.ended' group by job having count(*) > 1"), [])
            daemon.check_books(self)
            self.assertEqual(daemon.stint("log", "verify").returncode, 0)
            self.assertEqual(daemon.stop(), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""The daemon as a service manager and an operator meet it: readiness, reload, refusal of a bad configuration, orderly stop."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import unittest

from daemon import Daemon, STINTD, wait_until


class Notified:
    """A service manager's end of sd_notify(3)."""

    def __init__(self, folder):
        self.path = str(folder / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(30)

    def until(self, word):
        while True:
            message = self.socket.recv(4096).decode()
            if word in message.split("\n"):
                return message


class Service(unittest.TestCase):
    def test_it_says_ready_reloading_and_stopping(self):
        daemon = Daemon()
        config = daemon.folder / "stint.conf"
        config.write_text("[daemon]\nuser = root\nlog_level = info\n[scheduler]\nhalf_life_s = 604800\n")
        daemon.config = config
        manager = Notified(daemon.folder)
        os.environ["NOTIFY_SOCKET"] = manager.path
        try:
            daemon.start()
            manager.until("READY=1")
            config.write_text("[daemon]\nuser = root\nlog_level = debug\njoin = open\n[scheduler]\npolicy = easy\n")
            daemon.process.send_signal(signal.SIGHUP)
            self.assertIn("MONOTONIC_USEC=", manager.until("RELOADING=1"))
            manager.until("READY=1")
            self.assertRegex(daemon.log(), 'reload-partial keys="join, policy"')
            config.write_text("[daemon]\nnonsense = 1\n")
            daemon.process.send_signal(signal.SIGHUP)
            manager.until("RELOADING=1")
            self.assertIn("old configuration stays", manager.until("READY=1"))
            self.assertIn("nonsense", daemon.log())
            self.assertEqual(daemon.get("/healthz").status, 200)
            self.assertEqual(daemon.stop(), 0)
            manager.until("STOPPING=1")
        finally:
            del os.environ["NOTIFY_SOCKET"]
            daemon.stop()

    def test_an_operator_is_told_what_came_of_a_reload(self):
        start = "[daemon]\nuser = root\n%s[scheduler]\nhalf_life_s = 604800\n"
        daemon = Daemon()
        daemon.config = daemon.folder / "stint.conf"
        daemon.config.write_text(start % "")

        def reload(more):
            daemon.config.write_text(start % more)
            done = daemon.stint("admin", "reload")
            row = {row["check"]: row for row in daemon.get("/api/v1/status").json["checks"]}["configuration"]
            return done.returncode, done.stdout + done.stderr, row["result"]

        with daemon:
            self.assertEqual(reload("log_level = debug\n"), (0, "configuration: as it was read last\n", "ok"))
            status, told, result = reload("join = open\n")
            self.assertEqual((status, result), (0, "warn"))
            self.assertIn("wait for a restart of stintd: join", told)
            status, told, result = reload("nonsense = 1\n")
            self.assertEqual((status, result), (1, "fail"))
            self.assertIn("unknown key 'nonsense'", told)
            daemon.config.write_text(start % "nonsense = 1\n")
            tried = daemon.stint("admin", "reload", "--dry-run")
            self.assertEqual((tried.returncode, "unknown key 'nonsense'" in tried.stderr), (1, True))
            daemon.config.write_text(start % "join = open\n")
            tried = daemon.stint("admin", "reload", "--dry-run")
            self.assertIn("would be done: configuration: as it was read last, but these wait for a restart of stintd: join", tried.stdout)
            self.assertEqual(reload(""), (0, "configuration: as it was read last\n", "ok"))
            self.assertEqual(len(self.policy_entries(daemon)), 1)  # nothing of it was policy
            daemon.config.write_text(start % "" + "[admission]\nunknown = advisory\n")
            self.assertEqual(daemon.stint("admin", "reload", "--dry-run").returncode, 0)
            self.assertEqual(daemon.get("/api/v1/policy").json["unknown"], "strict")
            done = daemon.stint("admin", "reload", "--reason", "decided in March")
            self.assertEqual(done.returncode, 0, done.stderr)
            entry = self.policy_entries(daemon)[0]
            self.assertEqual((entry["subject"]["policy"]["unknown"], entry["reason"]["text"]), ("advisory", "decided in March"))
            self.assertEqual(daemon.get("/api/v1/policy").json["unknown"], "advisory")

    def policy_entries(self, daemon):
        daemon.get("/api/v1/policy")  # answers when what it shows is on the disk
        entries = daemon.get("/api/v1/policy/history").json["entries"]
        sizes = daemon.sql("select count(*) from log_entry where type = 'policy.set'")
        self.assertEqual(sizes, [(len(entries),)])
        return entries

    def reload(self, daemon, config, text):
        before = daemon.log().count("event=reloaded")
        config.write_text(text)
        daemon.process.send_signal(signal.SIGHUP)
        wait_until(lambda: daemon.log().count("event=reloaded") > before, what="the reload")

    def test_each_change_of_policy_is_an_entry_of_the_log(self):
        start = "[daemon]\nuser = root\njoin = open\n[scheduler]\nhalf_life_s = 604800\n[admission]\nunknown = %s\n"
        daemon = Daemon()
        config = daemon.folder / "stint.conf"
        config.write_text(start % "strict")
        daemon.config = config
        try:
            daemon.start()
            first, = self.policy_entries(daemon)
            self.assertEqual((first["seq"], first["subject"]["before"]), (0, None))
            shown = daemon.get("/api/v1/policy").json
            self.assertEqual((shown["digest"], shown["unknown"]), (first["subject"]["after"], "strict"))
            stored, = daemon.sql("select body from log_entry where seq = 0")
            text = stored[0].decode().split('"policy":', 1)[1]
            text = text[: json.JSONDecoder().raw_decode(text)[1]]
            self.assertEqual("sha256:" + hashlib.sha256(text.encode()).hexdigest(), shown["digest"])
            self.reload(daemon, config, start % "strict")
            self.assertEqual(len(self.policy_entries(daemon)), 1)  # nothing changed
            self.reload(daemon, config, start % "advisory" + "require_uses = yes\n")
            shown = daemon.get("/api/v1/policy").json
            second = self.policy_entries(daemon)[0]
            self.assertEqual(second["subject"]["before"], first["subject"]["after"])
            self.assertEqual(second["subject"]["after"], shown["digest"])
            self.assertEqual({change["key"]: (change["before"], change["after"]) for change in second["subject"]["changes"]},
                             {"unknown": ("strict", "advisory"), "require_uses": (False, True)})
            self.assertEqual(daemon.stint("admin", "project", "add", "nlp", "--institution", "home", "--reason", "call").returncode, 0)
            entry, = daemon.sql("select body from log_entry order by seq desc limit 1")
            self.assertEqual(json.loads(entry[0])["policy"], shown["digest"])
            history = daemon.stint("admin", "policy", "history")
            self.assertIn('unknown: "strict" to "advisory"', history.stdout)
            self.assertIn("advisory", daemon.stint("admin", "policy", "show").stdout)
            daemon.stop()
            daemon.start()
            self.assertEqual(len(self.policy_entries(daemon)), 2)  # what is in force was logged
            daemon.stop()
            config.write_text(start % "strict")
            daemon.start()
            third = self.policy_entries(daemon)[0]
            self.assertEqual(third["reason"]["text"], "changed before this start")
            self.assertEqual(daemon.stint("log", "verify").returncode, 0)
        finally:
            daemon.stop()

    def test_a_bad_configuration_is_refused_with_its_place_and_the_cure(self):
        cases = [
            ("[daemon]\n\nsokcet = /tmp/s\n", ":3:", "sokcet"),
            ("[demon]\nsocket = /tmp/s\n", ":", "demon"),
            ("[daemon]\nsocket_mode = rw\n", ":2:", "socket_mode"),
            ("[daemon]\nconnections_max = 0\n", ":2:", "connections_max"),
            ("[daemon]\nlisten = nowhere\n", "", "listen"),
            ("[daemon]\nlog_level = loud\n", ":2:", "log_level"),
            ("[admission]\nrules_model = nope-1\n[scheduler]\nhalf_life_s = 60\n", ":2:", "nope-1"),
            ("[engine]\ngrace_s = 5\ngrace_s = 6\n", ":3:", "grace_s"),
            ("[engine]\ngrace_s = 5\n", ":2:", "half_life_s"),
            ("[scheduler]\nhalf_life_s = 60\ntopology = numa:2 foo:3\n", "", "foo"),
        ]
        daemon = Daemon()
        config = daemon.folder / "stint.conf"
        for text, place, word in cases:
            with self.subTest(text):
                config.write_text(text)
                done = subprocess.run([str(STINTD), "--config", str(config), "--check-config"], capture_output=True, text=True)
                self.assertEqual(done.returncode, 2, done.stdout)
                self.assertIn(str(config) + place if place else place, done.stderr)
                self.assertIn(word, done.stderr)
                self.assertIn("try:", done.stderr)

    def test_a_daemon_that_is_killed_leaves_a_socket_that_the_next_one_takes(self):
        with Daemon() as daemon:
            daemon.kill()
            self.assertTrue(daemon.socket.exists())
            daemon.start()
            self.assertEqual(daemon.get("/healthz").status, 200)

    def test_a_launcher_that_dies_is_followed_by_another(self):
        with Daemon() as daemon:
            go = daemon.folder / "go"
            running = daemon.submit("/bin/sh", "-c", "while ! test -e %s; do sleep 0.05; done; exit 3" % go)
            cancelled = daemon.submit("sleep", "1000")
            daemon.wait(running, "running")
            daemon.wait(cancelled, "running")
            for round in range(3):  # the second and third die young, and are followed after a pause
                queued = [daemon.submit("/bin/sh", "-c", "echo ran >>$STINT_OUTPUT_DIR/ran") for _ in range(8)]
                os.kill(daemon.launcher(), signal.SIGKILL)
                if round == 1:
                    self.assertEqual(daemon.request("DELETE", "/api/v1/jobs/%d" % cancelled).status, 200)
                for id in queued:
                    self.assertEqual(daemon.wait(id)["outcome"], "completed")
                    self.assertEqual((daemon.state / "jobs" / str(id) / "ran").read_text(), "ran\n")
            self.assertEqual(daemon.log().count("event=engine-away"), 3)
            self.assertIn("3 died", daemon.stint("doctor").stdout)
            self.assertEqual(daemon.wait(cancelled)["outcome"], "cancelled")
            self.assertEqual(daemon.job(running)["state"], "running")
            go.touch()
            self.assertEqual(daemon.wait(running)["exit_code"], 3)
            daemon.check_books(self)

    def test_while_no_launcher_answers_jobs_wait_for_the_engine_and_doctor_says_so(self):
        with Daemon() as daemon:
            for round in range(3):  # the third pause is two seconds long
                wait_until(lambda: "deaths=%d" % round in daemon.log() or round == 0, what="the next launcher")
                os.kill(daemon.launcher(), signal.SIGKILL)
                wait_until(lambda: daemon.log().count("event=engine-away") == round + 1, what="the daemon notices")
            waiting = daemon.submit("true")
            self.assertEqual(daemon.job(waiting)["reason"], "EngineAway")
            self.assertRegex(daemon.stint("doctor").stdout, r"launcher: gone \(.*next try in [12] s")
            self.assertEqual(daemon.wait(waiting)["outcome"], "completed")

    def test_a_service_that_gave_up_root_ends_with_its_launcher(self):
        daemon = Daemon()
        config = daemon.folder / "stint.conf"
        config.write_text("[daemon]\nuser = root\n[scheduler]\nhalf_life_s = 604800\n")
        daemon.config = config
        daemon.start()
        try:
            os.kill(daemon.launcher(), signal.SIGKILL)
            self.assertEqual(daemon.process.wait(60), 1)
            self.assertIn("the service manager starts stintd again", daemon.log())
        finally:
            daemon.stop()

    def test_metrics_are_open_metrics(self):
        with Daemon() as daemon:
            daemon.wait(daemon.submit("true"))
            answer = daemon.public("/metrics")
            self.assertTrue(answer.headers["Content-Type"].startswith("application/openmetrics-text"))
            lines = answer.body.decode().splitlines()
            self.assertEqual(lines[-1], "# EOF")
            self.assertTrue(any(line.startswith("stint_jobs{") for line in lines))


if __name__ == "__main__":
    unittest.main(verbosity=2)

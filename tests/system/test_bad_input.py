"""Hostile and mistaken requests to the real daemon: each gets a clear answer that names the place, and the daemon goes on."""

import json
import socket
import unittest

from daemon import Daemon


def nested(depth):
    return b'{"command":["true"],"uses":' + b"[" * depth + b"]" * depth + b"}"


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon().start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def refused(self, body, status=400, says=None, path="/api/v1/jobs"):
        answer = self.daemon.request("POST", path, body, {"Content-Type": "application/json"})
        self.assertIn(answer.status, (status, 413) if status == 400 else (status,), answer.body[:300])
        self.assertEqual(answer.headers["Content-Type"], "application/problem+json")
        problem = answer.json
        for member in ("type", "title", "status", "detail", "code"):
            self.assertIn(member, problem)
        if says:
            self.assertIn(says, problem["detail"] + (problem["fix"] or ""))
        self.assertEqual(self.daemon.get("/healthz").status, 200)
        return problem

    def test_malformed_bodies(self):
        for body in (b"", b"{", b"[]]", b"nonsense", b'{"command":["true"]} x', b"\xff\xfe{}", b"null", b"3"):
            with self.subTest(body):
                self.refused(body)

    def test_fields(self):
        cases = [
            ({"command": ["true"], "comand": 1}, "comand"),
            ({"command": "true"}, "command"),
            ({"command": []}, "command"),
            ({"command": ["true"], "script": {"text": "#!/bin/sh\n"}}, "command"),
            ({}, "command"),
            ({"command": ["true"], "resources": {"cpus": -1}}, "cpus"),
            ({"command": ["true"], "resources": {"cpus": 0.5}}, "cpus"),
            ({"command": ["true"], "resources": {"cpus": 10**30}}, None),
            ({"command": ["true"], "resources": {"memory_bytes": 9223372036854775807}}, "memory_bytes"),
            ({"command": ["true"], "resources": {"walltime_s": "1h"}}, "walltime_s"),
            ({"command": ["true"], "resources": {"gpus": {"count": 1, "milli": 1001}}}, "milli"),
            ({"command": ["true"], "resources": {"nonsense": 1}}, "nonsense"),
            ({"command": ["true\0x"]}, None),
            ({"command": ["true"], "workdir": "relative"}, "workdir"),
            ({"command": ["true"], "env": {"A=B": "c"}}, "env"),
            ({"command": ["true"], "env": {"A": 1}}, "env"),
            ({"command": ["true"], "priority": 101}, "priority"),
            ({"command": ["true"], "begin": "yesterdayish"}, "begin"),
            ({"command": ["true"], "after": [{"job_id": 999999, "when": "ok"}]}, "999999"),
            ({"command": ["true"], "name": "x" * 200}, "name"),
        ]
        for body, says in cases:
            with self.subTest(body=str(body)[:80]):
                self.refused(json.dumps(body).encode(), says=says)

    def test_duplicate_members_and_bad_text(self):
        self.refused(b'{"command":["true"],"command":["false"]}')
        self.refused(b'{"command":["\xc3\x28"]}')
        self.refused(b'{"command":["\\ud800"]}')

    def test_deep_json(self):
        for depth in (100, 3000, 100000):
            with self.subTest(depth):
                self.refused(nested(depth))

    def test_a_body_over_the_bound(self):
        answer = None
        try:
            answer = self.daemon.request("POST", "/api/v1/jobs", b'{"command":["' + b"x" * (40 << 20) + b'"]}',
                                         {"Content-Type": "application/json"})
        except (BrokenPipeError, ConnectionResetError):
            pass  # refused before it was read
        if answer:
            self.assertEqual(answer.status, 413)
        self.assertEqual(self.daemon.get("/healthz").status, 200)

    def test_unknown_routes_and_methods(self):
        self.assertEqual(self.daemon.get("/api/v1/nothing").status, 404)
        self.assertEqual(self.daemon.get("/api/v1/jobs/999999").status, 404)
        self.assertEqual(self.daemon.get("/api/v1/jobs/-1").status, 404)
        self.assertEqual(self.daemon.get("/api/v1/jobs/99999999999999999999").status, 404)
        self.assertEqual(self.daemon.request("PUT", "/api/v1/jobs").status, 405)
        self.assertEqual(self.daemon.get("/../../etc/passwd").status, 404)

    def test_a_page_elsewhere_cannot_write(self):
        answer = self.daemon.post("/api/v1/jobs", {"command": ["true"]}, headers={"Origin": "https://elsewhere.example"})
        self.assertEqual(answer.status, 403)

    def test_another_host_name_is_not_served(self):
        host, port = self.daemon.url.split("/")[2].rsplit(":", 1)
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(b"GET /api/v1/queue HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n")
            answer = connection.makefile("rb").read()
        self.assertIn(answer.split()[1], (b"403", b"421"))

    def test_loopback_without_a_login_reads_only_what_is_public(self):
        self.assertEqual(self.daemon.public("/api/v1/queue").status, 200)
        self.assertEqual(self.daemon.public("/api/v1/jobs").status, 401)

    def test_idempotency(self):
        key = {"Idempotency-Key": '"once"'}
        first = self.daemon.post("/api/v1/jobs", {"command": ["true"]}, headers=key)
        again = self.daemon.post("/api/v1/jobs", {"command": ["true"]}, headers=key)
        other = self.daemon.post("/api/v1/jobs", {"command": ["false"]}, headers=key)
        self.assertEqual((first.status, again.json, other.status), (201, first.json, 422))

    def test_a_thousand_idle_connections(self):
        idle = []
        try:
            for _ in range(1000):
                connection = socket.socket(socket.AF_UNIX)
                connection.connect(str(self.daemon.socket))
                idle.append(connection)
            self.assertEqual(self.daemon.get("/healthz").status, 200)
            id = self.daemon.submit("true")
            self.daemon.wait(id)
        finally:
            for connection in idle:
                connection.close()

    def test_a_slow_client_holds_up_nobody(self):
        slow = socket.socket(socket.AF_UNIX)
        slow.connect(str(self.daemon.socket))
        slow.sendall(b"POST /api/v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        self.daemon.wait(self.daemon.submit("true"))
        slow.close()

    def test_bad_directives_name_their_line(self):
        script = self.daemon.folder / "bad.sh"
        script.write_text("#!/bin/sh\n#STINT --nonsense=1\n#SBATCH --exclusive\ntrue\n")
        done = self.daemon.stint("submit", "--parsable", script)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2", done.stderr)
        self.assertIn("nonsense", done.stderr)
        self.assertEqual(self.daemon.stint("submit", "--strict", script).returncode, 2)
        script.write_text("#!/bin/sh\n#STINT --time=soon\ntrue\n")
        done = self.daemon.stint("submit", script)
        self.assertEqual(done.returncode, 2)
        self.assertIn("soon", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)

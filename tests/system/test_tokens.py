"""Bearer tokens: made over the socket, used over loopback, worth what their scopes say, until they end or are revoked."""

import contextlib
import getpass
import http.client
import json
import re
import unittest

from daemon import Daemon

ME = getpass.getuser()


class Tokens(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon().start()

    @classmethod
    def tearDownClass(cls):
        cls.daemon.stop()

    def create(self, scopes, *more, user=ME):
        done = self.daemon.stint("admin", "token", "create", "notebook", "--user", user, "--scope", scopes, "--reason", "a test", *more)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, "^stint_[0-9a-f]{64}\n$")
        return done.stdout.strip(), re.search("token ([0-9a-f]{12}) for", done.stderr).group(1)

    def ask(self, method, path, token=None, body=None, **headers):
        """Over loopback."""
        connection = http.client.HTTPConnection(self.daemon.url.split("/")[2], timeout=30)
        if token is not None:
            headers["Authorization"] = "Bearer " + token
        with contextlib.closing(connection):
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            response = connection.getresponse()
            return response.status, response.getheaders(), response.read()

    def submit(self, token):
        return self.ask("POST", "/api/v1/jobs", token, {"command": ["true"]}, **{"Content-Type": "application/json"})

    def test_a_job_is_submitted_and_seen_with_a_token(self):
        token, _ = self.create("submit")
        status, _, body = self.submit(token)
        self.assertEqual(status, 201, body)
        id = json.loads(body)["id"]
        self.assertEqual(self.daemon.wait(id)["outcome"], "completed")
        status, _, body = self.ask("GET", "/api/v1/jobs/%d" % id, token)
        self.assertEqual(json.loads(body)["job"]["user"], ME)

    def test_the_command_uses_it_for_a_url_and_not_for_a_socket(self):
        token, _ = self.create("submit")
        done = self.daemon.stint("run", "--socket", self.daemon.url, "--", "echo", "far", env={"STINT_TOKEN": token})
        self.assertEqual((done.returncode, done.stdout), (0, "far\n"), done.stderr)
        self.assertEqual(self.daemon.stint("jobs", env={"STINT_TOKEN": "stint_nonsense"}).returncode, 0)

    def test_without_a_token_or_with_a_wrong_one_nobody_is_logged_in(self):
        good, _ = self.create("submit")
        self.assertEqual(self.submit(None)[0], 401)
        for wrong in ["", "stint_", "x", good[:-1], good + "0", good.upper(), "stint_" + "0" * 64, "\xff" * 100]:
            status, headers, body = self.submit(wrong)
            self.assertEqual(status, 401, wrong)
            self.assertEqual(dict(headers)["Content-Type"], "application/problem+json")
            self.assertIn("invalid_token", dict(headers)["WWW-Authenticate"])
            self.assertEqual(json.loads(body)["code"], "not-logged-in")
            self.assertNotIn(good, body.decode())
        self.assertEqual(self.ask("GET", "/api/v1/queue", "stint_wrong")[0], 401)  # though the queue is public
        self.assertEqual(self.ask("GET", "/api/v1/queue", Authorization="Basic YTpi")[0], 401)
        self.assertEqual(self.daemon.get("/api/v1/jobs", headers={"Authorization": "Bearer stint_wrong"}).status, 401)

    def test_scopes_bound_what_it_may(self):
        quota = {"scope": "site", "assignments": ["jobs=1000"], "reason": "a test"}
        award = {"name": "x-1", "project": "default", "amount": 1, "until": "2099-01-01", "reason": "a test"}
        cases = [  # scopes; submit, own jobs, users (operators' reading), a quota, an award
            ("read:own", 403, 200, 403, 403, 403),
            ("submit", 201, 200, 403, 403, 403),
            ("audit", 403, 200, 200, 403, 403),
            ("admin:quota", 403, 200, 403, 200, 403),
            ("submit,admin:award", 201, 200, 403, 403, 201),
            ("admin", 201, 200, 200, 200, 409),
        ]
        for scopes, *expected in cases:
            token, _ = self.create(scopes)
            json_type = {"Content-Type": "application/json"}
            met = [self.submit(token)[0], self.ask("GET", "/api/v1/jobs", token)[0], self.ask("GET", "/api/v1/users", token)[0],
                   self.ask("POST", "/api/v1/quotas", token, quota, **json_type)[0],
                   self.ask("POST", "/api/v1/awards", token, award, **json_type)[0]]
            self.assertEqual(met, expected, scopes)

    def test_a_token_makes_and_revokes_none(self):
        token, id = self.create("admin")
        status, _, body = self.ask("POST", "/api/v1/tokens", token, {"name": "x", "user": ME, "scopes": "admin", "reason": "more"},
                                   **{"Content-Type": "application/json"})
        self.assertEqual(status, 403, body)
        self.assertEqual(self.ask("DELETE", "/api/v1/tokens/%s?reason=x" % id, token)[0], 403)

    def test_a_revoked_one_is_over_at_once_and_after_a_restart(self):
        token, id = self.create("submit")
        keeps, _ = self.create("submit")
        self.assertEqual(self.submit(token)[0], 201)
        self.assertEqual(self.daemon.stint("admin", "token", "revoke", id, "--reason", "lost", "--yes").returncode, 0)
        self.assertEqual(self.submit(token)[0], 401)
        self.assertEqual(self.daemon.stint("admin", "token", "revoke", id, "--reason", "lost", "--yes").returncode, 8)
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(self.submit(token)[0], 401)
        self.assertEqual(self.submit(keeps)[0], 201)
        rows = json.loads(self.daemon.stint("admin", "token", "list", "--json").stdout)["tokens"]
        self.assertEqual({row["id"]: row["state"] for row in rows}[id], "revoked")
        self.assertTrue(all(row["used"] for row in rows if row["id"] == id))

    def test_ends_and_words_are_checked(self):
        for words, told in [(["--scope", "root"], "known: read:own"), (["--scope", "submit", "--until", "2020-01-01"], "future"),
                            (["--scope", "submit", "--until", "3y"], ""), (["--scope", "submit", "--user", "no-such-user"], "no user")]:
            done = self.daemon.stint("admin", "token", "create", "x", "--user", ME, "--reason", "a test", *words)
            self.assertNotEqual(done.returncode, 0, words)
            self.assertIn(told, done.stderr)
        done = self.daemon.stint("admin", "token", "create", "x", "--user", "nobody", "--scope", "admin", "--reason", "a test")
        self.assertIn("no operator", done.stderr)

    def test_neither_store_nor_log_nor_listing_has_the_token(self):
        token, id = self.create("submit")
        self.submit(token)
        secret = token[len("stint_"):].encode()
        listing = self.daemon.stint("admin", "token", "list").stdout
        self.assertIn(id, listing)
        self.assertNotIn(secret.decode(), listing)
        self.daemon.stop()
        for path in list(self.daemon.state.glob("stint.db*")) + [self.daemon.log_path]:
            self.assertNotIn(secret, path.read_bytes(), path)
        self.daemon.start()
        entries = self.daemon.sql("select body from log_entry where type = 'token.change'")
        self.assertTrue(entries)
        self.assertIn(id, entries[-1][0].decode())
        self.assertNotIn(ME + '"', entries[-1][0].decode())


if __name__ == "__main__":
    unittest.main(verbosity=2)

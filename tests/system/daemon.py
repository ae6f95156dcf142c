"""The real stintd in a temporary folder, and the two ways to speak with it: HTTP by hand over its Unix socket, and `stint`.

Standard library only. STINT_BUILD names the build folder.
"""

import atexit
import contextlib
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

BUILD = Path(os.environ["STINT_BUILD"])
SOURCE = Path(__file__).resolve().parents[2]
STINTD = BUILD / "daemon" / "stintd"
STINT = BUILD / "daemon" / "cli" / "stint"
FLAT = ["--topology", "core:4 pu:1"]
PATIENCE = float(os.environ.get("STINT_PATIENCE", "1"))  # of a machine that is slower by so much


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=60):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)  # waits while the backlog is full, which a socket with a timeout would not
        self.sock.settimeout(self.timeout)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)


def wait_until(condition, seconds=60, what="condition"):
    """Asks again until it holds; the bound is for a broken program, not a measure of speed."""
    end = time.monotonic() + seconds * PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError("%s did not come true in %d s" % (what, seconds))


def reachable_by_others(path=BUILD):
    """May an ordinary user run our programs where they are built?"""
    return all(folder.stat().st_mode & 1 for folder in [path, *path.parents])


class Daemon:
    """One state folder; the daemon on it may be stopped, killed and started again."""

    def __init__(self, *arguments, config=None, folder=None):
        self.own_folder = folder is None
        self.folder = Path(folder or tempfile.mkdtemp(prefix="stint-system-"))
        self.folder.chmod(0o711)
        self.state = self.folder / "state"
        self.socket = self.folder / "s"
        self.log_path = self.folder / "log"
        self.arguments = list(arguments) or FLAT
        self.config = config
        self.process = None
        atexit.register(self.leave)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        self.leave()

    def leave(self):
        """Nothing stays behind, also of a daemon that a whole class of tests shares."""
        self.end_jobs()
        if self.own_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def end_jobs(self):
        """Jobs outlive the daemon; those of a test end with it. They are known by the folder that they were told to write into."""
        mark = b"STINT_OUTPUT_DIR=%s/" % os.fsencode(self.state)
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (process / "environ").read_bytes():
                    os.kill(int(process.name), signal.SIGKILL)

    def command(self):
        words = [str(STINTD), "--state", str(self.state), "--socket", str(self.socket), "--listen", "127.0.0.1:0"]
        if self.config:
            words += ["--config", str(self.config)]
        return words + self.arguments

    def spawn(self, **more):
        self.log_start = self.log_path.stat().st_size if self.log_path.exists() else 0
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(self.command(), stderr=log, stdin=subprocess.DEVNULL, **more)
        log.close()
        return self.process

    def log(self):
        with open(self.log_path, "rb") as file:
            file.seek(self.log_start)
            return file.read().decode(errors="replace")

    def start(self, **more):
        self.spawn(**more)

        def is_ready():
            if self.process.poll() is not None:
                raise AssertionError("stintd ended with %d:\n%s" % (self.process.returncode, self.log()))
            return "event=ready" in self.log()

        wait_until(is_ready, what="the daemon is ready")
        for word in self.log().split("event=ready", 1)[1].split():
            if word.startswith("page="):
                self.url = word[5:]
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                raise AssertionError("stintd did not stop on SIGTERM:\n" + self.log()[-4000:])
        code = self.process.returncode if self.process else 0
        self.process = None
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def launcher(self):
        children = ["pgrep", "-P", str(self.process.pid), "stint-launcher"]
        found = wait_until(lambda: subprocess.run(children, capture_output=True, text=True).stdout.split(), what="a launcher is there")
        return int(found[0])

    # ---- HTTP

    def request(self, method, path, body=None, headers=None, timeout=60):
        connection = UnixConnection(self.socket, timeout)
        headers = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        with contextlib.closing(connection):
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body, **more):
        return self.request("POST", path, body, **more)

    def public(self, path):
        """The same over loopback, where nobody is logged in."""
        host = self.url.split("/")[2]
        connection = http.client.HTTPConnection(host, timeout=30)
        connection.request("GET", path)
        response = connection.getresponse()
        answer = Answer(response.status, dict(response.getheaders()), response.read())
        connection.close()
        return answer

    def submit(self, *command, **request):
        resources = request.pop("resources", {"cpus": 1, "memory_bytes": 16 << 20, "walltime_s": 600})
        answer = self.post("/api/v1/jobs", dict({"command": list(command), "resources": resources}, **request))
        if answer.status != 201:
            raise AssertionError("%d %s" % (answer.status, answer.body.decode()))
        return answer.json["id"]

    def job(self, id):
        return self.get("/api/v1/jobs/%d" % id).json["job"]

    def wait(self, id, state="done", seconds=60):
        return wait_until(lambda: (lambda job: job if job["state"] == state else None)(self.job(id)), seconds,
                          "job %d is %s" % (id, state))

    # ---- the command, the store

    def stint(self, *words, input=None, env=None, **more):
        environment = dict(os.environ, STINT_SOCKET=str(self.socket), NO_COLOR="1", **(env or {}))
        environment.pop("STINT_URL", None)
        return subprocess.run([str(STINT), *map(str, words)], input=input, env=environment, capture_output=True, text=True,
                              timeout=120, **more)

    def sql(self, query, *values):
        database = sqlite3.connect("file:%s?mode=ro" % next(self.state.glob("*.db")), uri=True)
        try:
            return database.execute(query, values).fetchall()
        finally:
            database.close()

    def check_books(self, case):
        """Invariant 4: each transaction sums to zero, nothing is overdrawn, and what is held is what open runs hold."""
        case.assertEqual(
            self.sql('select "transaction", sum(amount_micro) from posting group by 1 having sum(amount_micro) <> 0'), [])
        case.assertEqual(
            self.sql("select award, sum(amount_micro) from posting where account = 2 group by 1 having sum(amount_micro) < 0"), [])
        held = self.sql("select coalesce(sum(amount_micro), 0) from posting where account = 3")
        open_runs = self.sql("select coalesce(sum(hold_micro), 0) from run where end_ms = 0")
        case.assertEqual(held, open_runs)

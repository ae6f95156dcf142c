"""Every command that README.md prints in a console works as printed, and says what is printed there."""

import getpass
import re
import socket
import subprocess
import unittest

from daemon import BUILD, Daemon, SOURCE

STARTS = ("build/daemon/stintd", "export PATH", "echo $?")  # what this test does itself


def commands():
    """Each command with the lines that are printed behind it."""
    text = (SOURCE / "README.md").read_text()
    for block in re.findall(r"```console\n(.*?)```", text, re.S):
        for part in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = part.partition("\n")
            if not command.startswith(STARTS):
                yield command, output


def shape(text):
    """The same words for what differs from machine to machine: names, times, sizes, digests. Columns are as wide as they are.
    A time of another day is printed with its day, so late in the evening more of them are."""
    for pattern, word in (
        (re.escape(socket.gethostname()) + r"\b", "HOST"),
        (r"\bvm\b", "HOST"),
        (r"\b%s\b" % re.escape(getpass.getuser()), "USER"),
        (r"\byou\b", "USER"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? ([+-]\d{4}|[A-Z]{3,4})", "WHEN"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d\b", "WHEN"),
        (r"(until|about|\s)\s*\d\d:\d\d:\d\d( [+-]\d{4})?", r"\1 WHEN"),
        (r"\b(59|60) min", "60 min"),
        (r"\b1 h 59 min|\b119 min|\b120 min", "2 h"),
        (r"\b[0-9a-f]{64}\b", "DIGEST"),
        (r"signed by [0-9a-f]{8}", "signed by KEY"),
        (r"--key \S+", "--key KEY"),
        (r"\d+(\.\d+)? [KMGT]iB", "SIZE"),
        (r"\d+\.\d{3,6}\b(?=.*\b(gpu|core)-hour)", "AMOUNT"),
        (r"[0-9.]+(?=\s+gpu-hour)", "AMOUNT"),
        (r"\S*/contrib/examples/", "…/contrib/examples/"),
        (r"[A-D.]{2,}$", "CORES"),
        (r"[ \t]+", " "),
    ):
        text = re.sub(pattern, word, text, flags=re.M)
    return [line.strip() for line in text.splitlines() if line.strip()]


class Readme(unittest.TestCase):
    maxDiff = None

    def run_all(self, lines, daemon):
        script = "set -u\n" + "".join("echo '%%%% %d'; %s; echo \"%%%% status $?\"\n" % (i, line) for i, (line, _) in enumerate(lines))
        environment = {"PATH": "%s:/usr/bin:/bin" % (BUILD / "daemon/cli"), "STINT_SOCKET": str(daemon.socket),
                       "NO_COLOR": "1", "HOME": str(daemon.folder)}
        done = subprocess.run(["bash", "-c", script], cwd=SOURCE, env=environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=200)
        parts = re.findall(r"^%% \d+\n(.*?)^%% status (\d+)$", done.stdout, re.S | re.M)
        self.assertEqual(len(parts), len(lines), done.stdout)
        return parts

    def is_shown(self, shown, said, command):
        """Line by line; a line of dots stands for as many as there are."""
        at = 0
        for line in shown:
            if line == "…":
                at = None
                continue
            if at is None:
                self.assertIn(line, said, command)
                at = said.index(line)
            self.assertEqual(said[at] if at < len(said) else None, line, "%s said:\n%s" % (command, "\n".join(said)))
            at += 1
        if at is not None:
            self.assertEqual(said[at:], [], command)

    def test_every_printed_command_works_as_printed(self):
        lines = list(commands())
        self.assertGreater(len(lines), 12)
        with Daemon("--gpus", "h200:4") as daemon:
            for (command, output), (said, status) in zip(lines, self.run_all(lines, daemon)):
                with self.subTest(command):
                    self.assertEqual(int(status), 4 if "gated-lm" in command else 0, said)
                    if command.startswith(("stint queue", "stint allocations")):  # which of two starts is over is a matter of luck
                        said = said.replace("starting", "running")
                    if command.startswith("stint why"):  # its figures are of the moment: what stands in the way, and how many lines
                        self.assertEqual(shape(said)[0].split(", until")[0], shape(output)[0].split(", until")[0])
                        continue
                    self.is_shown(shape(output), shape(said), command)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""Every command that README.md prints in a console works as printed."""

import re
import subprocess
import unittest

from daemon import BUILD, Daemon, SOURCE

STARTS = ("build/daemon/stintd", "export PATH", "echo $?")  # what this test does itself


def commands():
    text = (SOURCE / "README.md").read_text()
    for block in re.findall(r"```console\n(.*?)```", text, re.S):
        for line in block.splitlines():
            if line.startswith("$ ") and not line[2:].startswith(STARTS):
                yield line[2:]


class Readme(unittest.TestCase):
    def test_every_printed_command_works_as_printed(self):
        lines = list(commands())
        self.assertGreater(len(lines), 12)
        with Daemon("--gpus", "h200:4") as daemon:
            script = "set -u\n" + "".join("echo '%%%% %d'; %s; echo \"%%%% status $?\"\n" % (i, line)
                                          for i, line in enumerate(lines))
            environment = {"PATH": "%s:/usr/bin:/bin" % (BUILD / "daemon/cli"), "STINT_SOCKET": str(daemon.socket),
                           "NO_COLOR": "1", "HOME": str(daemon.folder)}
            done = subprocess.run(["bash", "-c", script], cwd=SOURCE, env=environment, capture_output=True, text=True, timeout=200)
            statuses = [int(status) for status in re.findall(r"%% status (\d+)", done.stdout)]
            self.assertEqual(len(statuses), len(lines), done.stderr)
            for line, status in zip(lines, statuses):
                expected = 4 if "gated-lm" in line else 0
                self.assertEqual(status, expected, "%s\n%s\n%s" % (line, done.stdout[-3000:], done.stderr[-3000:]))
            self.assertIn("held-out loss 1.993377, baseline 1.996154", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)

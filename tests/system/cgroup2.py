#!/usr/bin/env python3
"""The local engine on a machine that has cgroup v2 and nothing else: Debian's kernel in a virtual machine, with systemd as its
service manager and cgroup2_inside.py as what it runs. Nothing of this host is changed, and no network is used.

    STINT_BUILD=build tests/system/cgroup2.py [Private|Service|Given|Alone|Engine[.test_NAME]]...

Needs qemu-system-x86_64, a kernel in /boot with its console on the serial line (any of Debian's), and systemd; `contrib/packages
vm` installs them. Without one of them it says which is missing and ends with 77, which meson counts as skipped. With KVM it takes
a minute, without it some five.

The machine's whole file system is one archive in its memory, made here from this host's own files: the programs under test at
the paths where they were built, Python, a shell, systemd, and the libraries that `ldd` names for each of them.
"""

import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
import threading
from pathlib import Path

BUILD = Path(os.environ["STINT_BUILD"]).resolve()
SOURCE = Path(__file__).resolve().parents[2]
PYTHON = os.path.realpath(sys.executable)
SKIP = 77
GUARD_S = 1500  # for a machine that hangs, not a measure of speed
MEMORY_MIB = 3072

PROGRAMS = ["sh", "rm", "ls", "ln", "chmod", "grep", "mkfifo", "head", "tr", "sleep", "dd", "cat", "true", "id", "touch", "kill", "env", "pgrep", "systemctl", "systemd-run", "mkdir",
            "setpriv", "setsid", "cut", "wc"]
ENGINE_TESTS = ["run", "limits", "restart", "users", "hostile", "service"]
SYSTEMD = ["systemd", "systemd-shutdown"]
LEFT_OUT = {"test", "idlelib", "site-packages", "dist-packages", "lib2to3", "pydoc_data", "ensurepip", "distutils", "tkinter", "turtledemo", "__pycache__"}

PASSWD = """root:x:0:0:root:/root:/bin/sh
nobody:x:65534:65534:nobody:/:/bin/sh
stint:x:990:990:Stint:/var/lib/stint:/bin/sh
ada:x:1001:1001:Ada:/home/ada:/bin/sh
"""
GROUP = "root:x:0:\nnogroup:x:65534:\nstint:x:990:\nada:x:1001:\n"
CHECK_UNIT = """[Unit]
Description=what the machine is for
DefaultDependencies=no
[Service]
Type=oneshot
Environment=STINT_BUILD=%s PATH=/usr/bin:/bin:/usr/sbin:/sbin PYTHONDONTWRITEBYTECODE=1 TMPDIR=/tmp STINT_PATIENCE=8
ExecStart=%s -B -W ignore %s %s
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS0
TimeoutStartSec=infinity
Delegate=yes
ExecStopPost=/bin/systemctl poweroff --force --force
"""
TARGET_UNIT = "[Unit]\nDescription=the check\nRequires=check.service\nAllowIsolate=yes\n"
MANAGER = "[Manager]\nDefaultStandardOutput=null\nDefaultTimeoutStopSec=20s\nLogTarget=null\nShowStatus=no\n"


class Archive:
    """A file system as the kernel unpacks it: cpio's `newc` format (Documentation/driver-api/early-userspace)."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.names = set()
        self.programs = []
        self.number = 0

    def entry(self, name, mode, data=b"", device=(0, 0)):
        self.number += 1
        fields = [self.number, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0]
        self.file.write(b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0")
        self.pad()
        self.file.write(data)
        self.pad()

    def pad(self):
        self.file.write(b"\0" * (-self.file.tell() % 4))

    def folder(self, path, mode=0o755):
        path = str(path).strip("/")
        if not path or path in self.names:
            return
        self.folder(os.path.dirname(path))
        self.names.add(path)
        self.entry(path, stat.S_IFDIR | mode)

    def put(self, path, data, mode=0o644):
        path = str(path).strip("/")
        if path in self.names:
            return
        self.folder(os.path.dirname(path))
        self.names.add(path)
        self.entry(path, stat.S_IFREG | mode, data if isinstance(data, bytes) else data.encode())

    def link(self, path, target):
        path = str(path).strip("/")
        if path not in self.names:
            self.folder(os.path.dirname(path))
            self.names.add(path)
            self.entry(path, stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, mode, major, minor):
        self.folder(os.path.dirname(path))
        self.entry(path.strip("/"), mode, device=(major, minor))

    def close(self):
        self.entry("TRAILER!!!", 0)
        self.file.close()


def place(path):
    """Where a file of this host lies in the archive, whose /bin, /sbin and /lib are links into /usr."""
    text = os.path.normpath(str(path))
    for top in ("/bin", "/sbin", "/lib64", "/lib"):
        if text == top or text.startswith(top + "/"):
            return "/usr" + text
    return text


def add_file(archive, path):
    """With what the path leads through; programs are remembered for their libraries."""
    path = str(path)
    real = os.path.realpath(path)
    if os.path.islink(path) and place(path) != place(real):
        archive.link(place(path), place(real))
    if place(real).strip("/") in archive.names:
        return
    data = Path(real).read_bytes()
    archive.put(place(real), data, 0o755 if os.stat(real).st_mode & 0o111 else 0o644)
    if data.startswith(b"\x7fELF"):
        archive.programs.append(real)


def add_libraries(archive):
    listed = subprocess.run(["ldd", *archive.programs], capture_output=True, text=True).stdout
    for library in sorted(set(re.findall(r"(/\S+) \(0x", listed))):
        add_file(archive, library)


def add_tree(archive, root, left_out=frozenset()):
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in left_out)
        archive.folder(place(folder))
        for name in sorted(files):
            add_file(archive, os.path.join(folder, name))


def add_programs(archive):
    for name in PROGRAMS:
        add_file(archive, shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin"))
    for name in SYSTEMD:
        add_file(archive, "/usr/lib/systemd/" + name)
    for name in ["daemon/stintd", "daemon/cli/stint", "daemon/engine/stint-launcher", "daemon/evaluator/stint-evaluate"]:
        add_file(archive, BUILD / name)
    for name in ENGINE_TESTS:
        add_file(archive, BUILD / "tests/unit/engine" / ("test_engine_" + name))
    for library in ["libnss_files.so.2", "libgcc_s.so.1"]:
        found = "/usr/lib/x86_64-linux-gnu/" + library
        if os.path.exists(found):
            add_file(archive, found)
    add_file(archive, PYTHON)
    if PYTHON != "/usr/bin/python3":
        archive.link("/usr/bin/python3", PYTHON)
    add_tree(archive, sysconfig.get_paths()["stdlib"], LEFT_OUT)


def add_settings(archive):
    unit = (SOURCE / "contrib/systemd/stintd.service.in").read_text().replace("@sbindir@", str(BUILD / "daemon"))
    check = SOURCE / "tests/system/cgroup2_inside.py"
    files = {
        "/etc/passwd": PASSWD, "/etc/group": GROUP, "/etc/machine-id": "0123456789abcdef0123456789abcdef\n", "/etc/hostname": "vm\n",
        "/etc/nsswitch.conf": "passwd: files\ngroup: files\n", "/etc/os-release": "ID=stint-check\nNAME=stint-check\n",
        "/etc/systemd/system.conf": MANAGER,
        "/etc/systemd/system/check.service": CHECK_UNIT % (BUILD, PYTHON, check, " ".join(sys.argv[1:])),
        "/etc/systemd/system/check.target": TARGET_UNIT,
        "/etc/systemd/system/stintd.service": unit,
        "/etc/systemd/system/stintd.service.d/log.conf": "[Unit]\nDefaultDependencies=no\nAfter=\n[Service]\nStandardError=append:/var/log/stintd\n",
        "/etc/stint/stint.conf": (SOURCE / "config/stint.conf").read_text(),
    }
    for path, text in files.items():
        archive.put(path, text)
    archive.put("/etc/shadow", "root:*:::::::\n", 0o600)
    add_tree(archive, SOURCE / "config")
    for name in ["cgroup2_inside.py", "daemon.py"]:
        archive.put(SOURCE / "tests/system" / name, (SOURCE / "tests/system" / name).read_text())


def image_make(path):
    archive = Archive(path)
    for folder in ["proc", "sys", "dev", "run", "root", "home", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "var/log", "var/lib"]:
        archive.folder(folder)
    archive.folder("tmp", 0o1777)
    archive.folder("var/tmp", 0o1777)
    for name in ["bin", "sbin", "lib", "lib64"]:
        archive.link(name, "usr/" + name)
    archive.link("var/run", "/run")
    archive.device("/dev/console", stat.S_IFCHR | 0o600, 5, 1)
    archive.device("/dev/null", stat.S_IFCHR | 0o666, 1, 3)
    add_programs(archive)
    add_libraries(archive)
    add_settings(archive)
    archive.link("init", "/usr/lib/systemd/systemd")
    archive.close()


def kernel_find():
    """The newest of /boot that this user may read."""
    kernels = [Path(os.environ["STINT_KERNEL"])] if "STINT_KERNEL" in os.environ else sorted(Path("/boot").glob("vmlinuz-*"))
    kernels = [kernel for kernel in kernels if os.access(kernel, os.R_OK)]
    return kernels[-1] if kernels else None


def boot(kernel, image):
    command = ["qemu-system-x86_64", "-machine", "q35", "-smp", "2", "-m", str(MEMORY_MIB),
               "-kernel", str(kernel), "-initrd", str(image), "-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio",
               "-append", "console=ttyS0 quiet panic=-1 systemd.unified_cgroup_hierarchy=1 systemd.unit=check.target systemd.show_status=0"]
    if os.access("/dev/kvm", os.W_OK):
        command += ["-accel", "kvm", "-cpu", "host"]
    else:
        command += ["-accel", "tcg", "-cpu", "max"]
    machine = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    guard = threading.Timer(GUARD_S, machine.kill)
    guard.start()
    said = []
    try:
        for line in machine.stdout:
            text = line.decode(errors="replace").rstrip()
            said.append(text)
            print(text, flush=True)
    finally:
        guard.cancel()
        machine.kill()
        machine.wait()
    return said


def skip(word):
    print("skipped: " + word)
    sys.exit(SKIP)


def main():
    if not shutil.which("qemu-system-x86_64"):
        skip("no qemu-system-x86_64 here (contrib/packages vm)")
    kernel = kernel_find()
    if not kernel:
        skip("no kernel in /boot that could be booted (contrib/packages vm)")
    if not os.path.exists("/usr/lib/systemd/systemd"):
        skip("no systemd here (contrib/packages vm)")
    with tempfile.TemporaryDirectory(prefix="stint-cgroup2-") as folder:
        image = Path(folder) / "image"
        image_make(image)
        said = boot(kernel, image)
    if not any(line.endswith("cgroup2: all of it holds") for line in said):
        sys.exit(1)


if __name__ == "__main__":
    main()

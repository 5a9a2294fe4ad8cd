"""A daemon that is started, stopped and killed, and the small things that bench and torture both need.

Every daemon started here stays in the foreground (`-f`), so that it is a child whose end is seen; only children are ever
signalled. All waits are bounded.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

START_S = 60.0
STOP_S = 60.0
KILL_S = 10.0
SUPPRESSIONS = pathlib.Path(__file__).resolve().parents[1] / "torture" / "thread.suppressions"


class Failure(Exception):
    """What was promised does not hold; the text says what was seen."""


def wait_until(condition, seconds, what):
    """Polls until `condition()` is true and returns its value; Failure, naming `what`, after that many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"{what}: not within {seconds:g} s")
        time.sleep(0.005)


def scratch_directory(build, prefix):
    """A new directory on the disk that the checkout is on."""
    base = pathlib.Path(tempfile.gettempdir())
    if os.stat(base).st_dev != os.stat(build).st_dev:
        base = pathlib.Path(build)
    return pathlib.Path(tempfile.mkdtemp(prefix=prefix, dir=base))


def program(build, path):
    """tests/bench/load under the build directory; Failure when it was not built."""
    full = pathlib.Path(build) / "tests" / path
    if not full.exists():
        raise Failure(f"{full} is not built: make tests")
    return str(full)


def run_json(arguments, seconds=600):
    """Runs a measuring program and reads the line of JSON that it prints."""
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=seconds)
    if done.returncode:
        raise Failure(f"{' '.join(map(str, arguments))}: {done.stderr.strip() or done.returncode}")
    return json.loads(done.stdout)


class Daemon:
    """One store and its mount."""

    def __init__(self, build, directory, store=None, options=()):
        self.factfs = os.environ.get("FACTFS") or str(pathlib.Path(build).resolve() / "factfs")
        self.directory = pathlib.Path(directory)
        self.store = pathlib.Path(store) if store else self.directory / "store"
        self.mount = self.directory / "mount"
        self.log = self.directory / "daemon.log"
        self.sanitizer = self.directory / "sanitizer"
        self.options = list(options)
        self.process = None
        self.rss_kib = 0  # the most that was seen
        self.store.mkdir(parents=True, exist_ok=True)
        self.mount.mkdir(parents=True, exist_ok=True)

    def spawn(self):
        """Starts the process and waits for nothing."""
        environment = dict(os.environ)
        for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS"):
            given = environment.get(name)
            environment[name] = (given + ":" if given else "") + f"log_path={self.sanitizer}"
        environment["TSAN_OPTIONS"] += f":suppressions={SUPPRESSIONS}"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.factfs, "-f", *self.options, str(self.store), str(self.mount)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, start_new_session=True)

    def start(self):
        """Starts the daemon and returns when it serves; Failure when it ends instead."""
        self.spawn()
        wait_until(lambda: self.process.poll() is not None or os.path.ismount(self.mount), START_S, "mount")
        if self.process.poll() is not None:
            raise Failure(f"factfs ended with {self.process.returncode}: {self.log_tail()}")
        os.listdir(self.mount)
        return self

    @property
    def pid(self):
        return self.process.pid

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def require_alive(self):
        if not self.alive():
            raise Failure(f"the daemon ended with {self.process.returncode}: {self.log_tail()}")

    def log_tail(self, size=2000):
        return self.log.read_bytes()[-size:].decode(errors="replace").strip() if self.log.exists() else ""

    def require_sanitizers_silent(self):
        for report in self.directory.glob("sanitizer.*"):
            raise Failure(f"a sanitizer reported:\n{report.read_text(errors='replace')[:4000]}")

    def detach(self):
        """Takes the mount away, whatever state it is in. The first command also ends what still waits for its answers."""
        for command in (["umount", "-f"], ["umount", "-l"], ["fusermount3", "-uz"]):
            if subprocess.run([*command, str(self.mount)], capture_output=True).returncode == 0:
                return

    def stop(self):
        """Unmounts and waits for the daemon's end, which must be a good one."""
        self.note_memory()
        unmount = ["fusermount3", "-u", str(self.mount)]
        if subprocess.run(unmount, capture_output=True).returncode:
            wait_until(lambda: subprocess.run(unmount, capture_output=True).returncode == 0 or not self.alive(),
                       STOP_S, "unmount")
        try:
            status = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.end()
            raise Failure(f"the daemon did not end within {STOP_S:g} s of its unmount") from None
        self.require_sanitizers_silent()
        if status:
            raise Failure(f"the daemon ended with {status}: {self.log_tail()}")

    def kill(self):
        """kill -9, which must end it, and the dead mount is taken away."""
        self.process.send_signal(signal.SIGKILL)
        try:
            self.process.wait(KILL_S)
        except subprocess.TimeoutExpired:
            self.end()
            raise Failure(f"kill -9 did not end the daemon within {KILL_S:g} s: a thread waits for its own mount") from None
        self.detach()

    def end(self):
        """Nothing is left of it afterwards."""
        if self.alive():
            self.process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(KILL_S)
        self.detach()
        self.process.wait(KILL_S)

    def restart(self):
        self.stop()
        return self.start()

    def status_field(self, name):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        raise Failure(f"/proc/{self.pid}/status has no {name}")

    def note_memory(self):
        """What is resident now, in KiB; the most that was seen is kept."""
        now = self.status_field("VmRSS") if self.alive() else 0
        self.rss_kib = max(self.rss_kib, now)
        return now

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def settle(self, seconds=60.0):
        """Waits until what the daemon does in the background is done; returns the CPU seconds that this took."""
        before = last = self.cpu_s()
        since, end = time.monotonic(), time.monotonic() + seconds
        while time.monotonic() < end and time.monotonic() - since < 0.5:
            time.sleep(0.05)
            now = self.cpu_s()
            if now - last > 0.011:
                last, since = now, time.monotonic()
        return last - before

    def tenant(self, name):
        path = self.mount / name
        path.mkdir(exist_ok=True)
        return path


@contextlib.contextmanager
def daemon_in(build, prefix, keep=False, options=()):
    """A daemon on a new store; both are gone at the end."""
    directory = scratch_directory(build, prefix)
    daemon = Daemon(build, directory, options=options)
    try:
        yield daemon.start()
        daemon.stop()
    finally:
        if daemon.process:
            daemon.end()
        if keep:
            print(f"# kept: {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)


def machine():
    """What the figures were taken on, as (name, value) pairs."""
    cpu = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    memory_kib = int(pathlib.Path("/proc/meminfo").read_text().split()[1])
    return [
        ("CPU", f"{cpu}, {os.cpu_count()} cores"),
        ("Memory", f"{memory_kib / 1048576:.0f} GiB"),
        ("Kernel", os.uname().release),
    ]


def disk(path):
    """Device and file system under a path."""
    best = ("", "unknown", "unknown")
    for line in pathlib.Path("/proc/self/mounts").read_text().splitlines():
        device, point, kind = line.split()[:3]
        inside = str(path) == point or str(path).startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best[0]):
            best = (point, device, kind)
    return f"{best[2]} on {os.path.basename(best[1])}"


def fdatasync_us(directory, count=400):
    """(median, 99th percentile) of a 4 KiB overwrite and its fdatasync, in microseconds."""
    path = pathlib.Path(directory) / "fdatasync"
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.pwrite(fd, bytes(4096 * 64), 0)
        os.fsync(fd)
        took = []
        for i in range(count):
            began = time.perf_counter_ns()
            os.pwrite(fd, bytes(4096), 4096 * (i % 64))
            os.fdatasync(fd)
            took.append((time.perf_counter_ns() - began) / 1000)
    finally:
        os.close(fd)
        path.unlink()
    took.sort()
    return took[len(took) // 2], took[len(took) * 99 // 100]

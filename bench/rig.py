"""rig.py - what the cards are measured with: an engine and an agent of their own, the floor's program, rows of the table."""
import contextlib
import os
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import time

B = os.path.abspath(os.environ.get("B", "build"))
BIN = os.path.join(B, "bin")
BENCH = os.path.join(B, "bench")
WORK = os.path.abspath(os.environ.get("BENCH_DIR") or os.path.join(BENCH, "w"))
QUICK = bool(os.environ.get("QUICK"))
DEADLINE_S = 120
left_out = []


class Failed(Exception):
    """A card that could not be measured; its text says why."""


def size(full, quick):
    return quick if QUICK else full


def row(card, name, value, unit, floor, ratio, target, met):
    return {"card": card, "name": name, "value": value, "unit": unit, "floor": floor, "ratio": ratio, "target": target, "met": met}


def median(values):
    return statistics.median(values)


def values_of(text):
    """The "name value" lines of one of the bench's own programs."""
    return {k: float(v) for k, v in (line.split() for line in text.splitlines() if line.strip())}


def run(argv, **more):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=DEADLINE_S, check=False, **more)
    if done.returncode:
        raise Failed(f"{' '.join(argv[:3])}: {(done.stderr or done.stdout).strip()[-300:]}")
    return done.stdout


def program(name, *args):
    return values_of(run([os.path.join(BENCH, "wf-bench-" + name)] + [str(a) for a in args]))


def floor(*args):
    return program("floor", *args)


def timed(argv, **more):
    begin = time.monotonic()
    run(argv, **more)
    return time.monotonic() - begin


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def wait_for(what, fn):
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        got = fn()
        if got:
            return got
        time.sleep(0.005)
    raise Failed(f"{what} did not come")


# ---- processes ------------------------------------------------------------------------------------------------------

def cpu_us(pid):
    """Of a process and its threads, without its children."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1e6 / os.sysconf("SC_CLK_TCK")


def threads_cpu_ns(pid):
    """Finer, for what hardly runs; threads that ended are missed."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as f:
            total += int(f.read().split()[0])
    return total


def memory_bytes(pid, key="VmRSS"):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(rf"^{key}:\s+(\d+) kB", f.read(), re.M).group(1)) * 1024


def pids_of(program_name, *words):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                argv = f.read().decode(errors="replace").split("\0")
            if os.path.basename(argv[0]) == program_name and all(w in argv for w in words):
                found.append(int(pid))
    return found


def end(child, sig=signal.SIGTERM):
    if child and child.poll() is None:
        child.send_signal(sig)
        child.wait(timeout=60)


# ---- an engine ------------------------------------------------------------------------------------------------------

class Engine:
    """A state directory, its engine, and (quick) an agent that ends everything at once, or the real local agent."""

    def __init__(self, name, cores, quick=False, hold=0):
        self.dir = os.path.join(WORK, name)
        self.cores, self.quick, self.hold = cores, quick, hold
        self.child = self.agent = None
        self.agent_dir = os.path.join(self.dir, "agents", socket.gethostname(), "local")
        os.makedirs(self.agent_dir, mode=0o700)
        os.chmod(self.dir, 0o700)
        self.agent_log = os.path.join(self.dir, "agent.log")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("WF_")}
        self.env.update(WF_STATE_DIR=self.dir, WF_EXECUTOR="local", WF_LOCAL_CORES=str(cores), WF_LOCAL_NICE="0",
                        WF_IDLE="0", XDG_CONFIG_HOME=self.dir)

    def __enter__(self):
        if self.quick:
            argv = [os.path.join(BIN, "wf-fake-agent"), "--dir", self.agent_dir, "--quick", str(self.cores)]
            with open(self.agent_log, "wb") as log:
                self.agent = subprocess.Popen(argv + (["--hold", str(self.hold)] if self.hold else []), stderr=log)
            wait_for("the agent's socket", self.agent_listens)
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        end(self.agent)
        if not self.quick:
            for pid in pids_of("wf-agent-local", self.agent_dir):
                os.kill(pid, signal.SIGTERM)
                wait_for("the agent's end", lambda p=pid: not os.path.exists(f"/proc/{p}") or is_zombie(p))

    def agent_listens(self):
        if self.agent.poll() is not None:
            raise Failed("the agent ended: " + open(self.agent_log, encoding="utf-8").read()[-300:])
        return os.path.exists(os.path.join(self.agent_dir, "s"))

    def launch(self):
        with open(os.path.join(self.dir, "engine.log"), "ab") as log:
            self.child = subprocess.Popen([os.path.join(BIN, "wf-engine"), "--state-dir", self.dir, "--foreground"], env=self.env, stderr=log)

    def start(self):
        self.launch()
        wait_for("the engine", self.serves)

    def serves(self):
        if self.child.poll() is not None:
            raise Failed("the engine ended: " + open(os.path.join(self.dir, "engine.log"), encoding="utf-8").read()[-300:])
        with socket.socket(socket.AF_UNIX) as s:
            return s.connect_ex(os.path.join(self.dir, "socket")) == 0

    def stop(self, sig=signal.SIGTERM):
        end(self.child, sig)
        self.child = None

    def wf(self, *args):
        return run([os.path.join(BIN, "wf")] + list(args), env=self.env, cwd=self.dir).strip()

    def submit(self, path):
        return self.wf("submit", "-q", path)

    def wall(self, path):
        """Seconds from the command that submits to the answer that the run has ended."""
        begin = time.monotonic()
        self.wf("wait", self.submit(path))
        return time.monotonic() - begin

    def pids(self):
        return [self.child.pid] + ([self.agent.pid] if self.agent else pids_of("wf-agent-local", self.agent_dir))

    def cpu_us(self):
        return sum(cpu_us(p) for p in self.pids())

    def first_starts(self):
        """When the first start of each connection reached the agent, in seconds of the monotonic clock."""
        with open(self.agent_log, encoding="utf-8") as f:
            return [int(us) / 1e6 for us in re.findall(r"first start at (\d+)", f.read())]

    def held_at(self):
        """When the first start was held; None: not yet."""
        with open(self.agent_log, encoding="utf-8") as f:
            found = re.search(r"holds since (\d+)", f.read())
        return int(found.group(1)) / 1e6 if found else None

    def copy_database(self, to):
        os.makedirs(to, exist_ok=True)
        for name in ("wf.db", "wf.db-wal"):
            if os.path.exists(os.path.join(self.dir, name)):
                shutil.copy(os.path.join(self.dir, name), os.path.join(to, name))
        return os.path.join(to, "wf.db")


def query(folder, sql):
    """From the database of a state directory; only while no engine serves it."""
    with contextlib.closing(sqlite3.connect(os.path.join(folder, "wf.db"))) as db:
        return db.execute(sql).fetchall()


def row_sizes(folder):
    """Bytes of every row of events, in the order they were committed: what a bare loop commits for comparison."""
    return [n for n, in query(folder, "SELECT length(blob) FROM events ORDER BY first_seq")]


def is_zombie(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True

"""peers.py - other programs that run the same 10,000 processes, two at a time, beside the same floor in the same minute."""
import os
import shutil
import subprocess
import sys

from rig import BENCH, WORK, Failed, floor, left_out, median, row, size, timed, write

DASK = """
import os, sys
from dask.distributed import Client, LocalCluster
def one(i):
    return os.waitpid(os.posix_spawn('/bin/true', ['/bin/true'], os.environ), 0)[1]
if __name__ == '__main__':
    import time
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster, Client(cluster) as client:
        client.gather(client.map(one, range(100), pure=False))
        begin = time.monotonic()
        client.gather(client.map(one, range(100, 100 + int(sys.argv[1])), pure=False))
        print(time.monotonic() - begin)
"""


def make(n):
    path = write(os.path.join(WORK, "Makefile"), "all: " + " ".join(f"t{i}" for i in range(n)) + "\n.SUFFIXES:\n" +
                 "".join(f"t{i}:\n\t@/bin/true\n" for i in range(n)))
    return lambda: timed(["make", "-rR", "-s", "-j2", "-f", path, "all"])


def ninja(n):
    folder = os.path.join(WORK, "ninja")
    os.makedirs(folder, exist_ok=True)
    write(os.path.join(folder, "build.ninja"), "rule t\n  command = /bin/true\n" + "".join(f"build t{i}: t\n" for i in range(n)))

    def once():
        for name in (".ninja_log", ".ninja_deps"):
            if os.path.exists(os.path.join(folder, name)):
                os.remove(os.path.join(folder, name))
        return timed(["ninja", "--quiet", "-j2", "-C", folder])
    return once


def parallel(n):
    names = write(os.path.join(WORK, "names"), "".join(f"{i}\n" for i in range(n)))
    return lambda: timed(["parallel", "-j2", "-a", names, "/bin/true"], env=dict(os.environ, HOME=WORK))


def venv_python():
    """Dask in an environment of its own; None when it cannot be had."""
    python = os.path.join(BENCH, "venv", "bin", "python")
    if not os.path.exists(python) or subprocess.run([python, "-c", "import distributed"], capture_output=True, check=False).returncode:
        try:
            timed([sys.executable, "-m", "venv", os.path.join(BENCH, "venv")])
            timed([os.path.join(BENCH, "venv", "bin", "pip"), "-q", "install", "distributed"])
        except Failed as why:
            left_out.append(("Dask", str(why)))
            return None
    return python


def dask(n):
    python = venv_python()
    script = write(os.path.join(WORK, "dask_true.py"), DASK)
    if not python:
        return None

    def once():
        done = subprocess.run([python, script, str(n)], capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            raise Failed(done.stderr.strip()[-300:])
        return float(done.stdout.split()[-1])
    return once


def hq(n):
    if not shutil.which("hq"):
        left_out.append(("HyperQueue", "no hq on PATH"))
        return None
    home = os.path.join(WORK, "hq")
    env = dict(os.environ, HQ_SERVER_DIR=home)
    server = subprocess.Popen(["hq", "server", "start"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    timed(["hq", "server", "wait", "--timeout", "20s"], env=env)
    worker = subprocess.Popen(["hq", "worker", "start", "--cpus", "2"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def once():
        return timed(["hq", "submit", "--array", f"1-{n}", "--stdout", "none", "--stderr", "none", "--wait", "/bin/true"], env=env)
    once.end = lambda: (timed(["hq", "server", "stop"], env=env), server.wait(60), worker.wait(60))
    return once


# name, how it is set up, how many tasks of ten thousand it gets (the slow ones fewer), rounds
PEERS = (("make -j2", make, 1, 3), ("ninja -j2 (a shell per task)", ninja, 1, 1), ("GNU parallel -j2", parallel, 10, 1),
         ("Dask, 2 workers, posix_spawn", dask, 5, 1), ("HyperQueue, 2 slots", hq, 1, 1))


def rows(full):
    out = []
    for name, set_up, part, rounds in PEERS:
        n = full // part
        once = set_up(n)
        if not once:
            continue
        took, loop = [], []
        for _ in range(size(rounds, 1)):
            loop.append(floor("spawn", n, 2)["seconds"])
            took.append(once())
        if hasattr(once, "end"):
            once.end()
        out.append(row("B1", f"peer, not durable: {name}, {n:,}", median(took), "s", median(loop), sum(took) / sum(loop), None, None))
    return out

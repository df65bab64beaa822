#!/usr/bin/env python3
"""An engine that only answers: the interface of docs/design/004-api.md over a unix socket, with canned documents.

    fake_engine.py --state-dir DIR      serves in the background, as wf-engine does; returns when it serves

DIR/script.json, read at every request, maps "METHOD /path" (without query) to an answer or a list of answers given in turn, the last one
for ever: {"status": 200, "body": ..., "headers": {...}, "text": "...", "die": true}. Anything not in the script has a canned answer below.
DIR/requests gets a line per request: METHOD path?query, a tab, the body. DIR/fake-refuses, if there, holds "EXIT text": the
engine then does not start.
"""
import fcntl
import http.server
import json
import os
import signal
import socketserver
import sys
import threading
import urllib.parse

RUN_ID = "01jd8m3v5qk7x2f4h6n8p0r2t4"


def zero():
    names = ("waiting ready submitting queued running unknown held canceling succeeded failed skipped canceled total")
    return dict.fromkeys(names.split(), 0)


def counts(**some):
    return {**zero(), **some, "total": sum(some.values())}


def run(**over):
    doc = {
        "id": RUN_ID, "name": "crack", "workflow": "crack", "state": "running", "rev": 7,
        "counts": counts(succeeded=41, running=4, failed=1, waiting=50),
        "attention": [{"kind": "failed", "task": "simulate[3]", "text": "simulate[3] failed: exit 1"}],
        "executor": "local", "executor_why": "no Slurm configuration on this host", "workdir": "/home/u/crack",
        "created_at": "2026-11-21T09:00:00.000Z", "started_at": "2026-11-21T09:00:00.500Z", "ended_at": None,
        "failed_steps": ["simulate"], "message": "simulate[3] failed: exit 1",
        "estimate": {"critical_ms": 7000, "makespan_ms": 48000},
    }
    doc.update(over)
    return doc


def ended(state="succeeded", **over):
    return run(state=state, rev=9, ended_at="2026-11-21T09:01:03.500Z", attention=[],
               counts=over.pop("counts", counts(succeeded=96)), message=state, **over)


def task(name, state, **over):
    step, _, index = name.partition("[")
    doc = {
        "id": name, "step": step, "index": int(index[:-1]) if index else None, "state": state, "ahead": False, "attempt": 1,
        "exit_code": None, "signal": None, "class": None, "reason": None, "executor": "local", "host": "node1", "pid": 4711,
        "started_at": "2026-11-21T09:00:01.000Z", "ended_at": "2026-11-21T09:00:03.500Z", "retries": 0, "losses": 0,
        "usage": {"cpu_ms": 2300, "max_rss_kib": 51200, "read_bytes": 0, "write_bytes": 4096},
    }
    doc.update(over)
    return doc


TASKS = [
    task("prepare", "succeeded", exit_code=0, **{"class": "ok"}),
    task("simulate[0]", "succeeded", exit_code=0, **{"class": "ok"}),
    task("simulate[3]", "failed", attempt=2, exit_code=1, reason="exit 1 twice", **{"class": "exit"}),
    task("simulate[4]", "running", ended_at="2026-11-21T09:00:09.000Z"),
    task("gather", "waiting", attempt=0, host=None, pid=None, started_at=None, ended_at=None, executor=None),
]

STEPS = [
    {"step": "prepare", "count": 1, "counts": counts(succeeded=1), "weight": 7, "wants": [], "time_ms": 1000, "services": []},
    {"step": "simulate", "count": 24, "counts": counts(succeeded=19, running=4, failed=1), "weight": 6, "wants": [],
     "time_ms": 3000, "services": []},
    {"step": "bonds", "count": 24, "counts": counts(succeeded=21, waiting=3), "weight": 3, "wants": ["simulate"],
     "time_ms": 1000, "services": ["db"]},
    {"step": "gather", "count": 1, "counts": counts(waiting=1), "weight": 1, "wants": ["bonds"], "time_ms": 1000,
     "services": ["db"]},
]

SERVICES = [{
    "name": "db", "type": "REDIS", "scope": "run", "state": "ready", "generation": 1, "view": 2,
    "endpoint": {"unix": "/tmp/wf-u/db/s"}, "provides": {"REDIS_SOCKET": "/tmp/wf-u/db/s"},
    "members": [{"n": 0, "role": "self", "state": "ready", "generation": 1, "address": None, "pid": 99, "host": "node1"}],
    "leases": [{"step": "bonds", "state": "held", "mode": "RW"}], "reason": None, "restarts": 0,
}]

EVENTS = [
    {"seq": 1, "at": "2026-11-21T09:00:00.000Z", "kind": "run.submitted", "subject": {"kind": "run", "id": RUN_ID}, "run": RUN_ID,
     "cause": None, "epoch": 1, "data": {"name": "crack"}},
    {"seq": 2, "at": "2026-11-21T09:00:01.000Z", "kind": "task.released", "subject": {"kind": "task", "id": "prepare"},
     "run": RUN_ID, "cause": 1, "epoch": 1, "data": {}},
    {"seq": 3, "at": "2026-11-21T09:00:03.500Z", "kind": "attempt.ended", "subject": {"kind": "attempt", "id": "prepare/1"},
     "run": RUN_ID, "cause": 2, "epoch": 1, "data": {"class": "ok", "exit_code": 0}},
]

GRAPH = {
    "nodes": [{"id": 0, "name": "prepare", "step": "prepare", "fans_out": False, "count": 1, "rank": 0, "order": 0, "x": 0, "y": 0,
               "state": "succeeded", "counts": counts(succeeded=1)},
              {"id": 1, "name": "simulate", "step": "simulate", "fans_out": True, "count": 24, "rank": 1, "order": 0, "x": 0, "y": 100,
               "state": "failed", "counts": counts(succeeded=19, running=4, failed=1)}],
    "edges": [{"from": 0, "to": 1, "kind": "all", "result": "any", "cause": "data"}],
    "services": [{"name": "db", "type": "REDIS", "users": [1], "after": {"nodes": [0], "services": []}}],
}

LOGS = {"prepare": b"one\ntwo\nthree\n", "simulate[0]": b"fine\n", "simulate[3]": b"bad input\nno newline", "simulate[4]": b"step 1\n"}


def problem(status, code, detail, **more):
    return {"status": status, "type": "application/problem+json",
            "body": {"type": "about:blank", "title": code, "status": status, "detail": detail, "code": code, **more}}


def run_in(state):
    return {"succeeded": ended, "canceled": ended, "failed": ended}.get(state, run)(state=state)


def with_steps(a):
    """What is scripted of a run holds of the run beside its steps."""
    if a and "run" in a:
        return {"body": {"items": STEPS, "run": run_in(a["run"])}}
    if a and "body" in a and a.get("status", 200) < 300:
        return {"body": {"items": STEPS, "run": a["body"]}}
    return a


class World:
    def __init__(self, state_dir):
        self.dir = state_dir
        self.turn = {}
        self.lock = threading.Lock()

    def engine(self):
        return {
            "running": True, "pid": os.getpid(), "host": "node1", "version": "0.1.0", "state_dir": self.dir,
            "run_root": self.dir + "/runs", "socket": self.dir + "/socket", "epoch": 3, "started_at": "2026-11-21T08:00:00.000Z",
            "schema": 1, "full": False, "runs": {"running": 1, "succeeded": 4},
            "agents": [{"executor": "local", "instance": "a", "pid": 77, "host": "node1", "cores": 4, "cores_free": 1,
                        "memory": 8 << 30, "memory_free": 2 << 30, "connected": True}],
        }

    def scripted(self, key):
        try:
            with open(self.dir + "/script.json", encoding="utf-8") as f:
                script = json.load(f)
        except FileNotFoundError:
            return None
        if key not in script:
            return None
        answers = script[key] if isinstance(script[key], list) else [script[key]]
        with self.lock:
            n = self.turn.get(key, 0)
            self.turn[key] = n + 1
        return answers[min(n, len(answers) - 1)]

    def known(self, name):
        return name in (RUN_ID, "crack", "@last") or (len(name) >= 4 and RUN_ID.endswith(name))

    def answer(self, method, path, query, body):
        parts = [urllib.parse.unquote(p) for p in path.split("/")[3:]]
        last, _, verb = parts[-1].partition(":")
        if verb:
            parts[-1] = last
        if parts == ["engine"]:
            if verb == "stop":
                return {"status": 202, "body": {}, "leave": True}
            if verb == "backup":
                return {"body": {"file": json.loads(body)["file"], "bytes": 123456}}
            return {"body": self.engine()}
        if parts == ["config"]:
            return {"body": {"items": [{"key": "executor", "value": "local", "origin": "default"},
                                       {"key": "cores", "value": 2, "origin": "/etc/wf/site.yaml"}]}}
        if parts == ["services"]:
            return {"body": {"items": SERVICES, "next": None}}
        if parts == ["runs"] and method == "GET":
            runs = [run(), ended(id="01jd8m3v5qk7x2f4h6n8p0r2aa", name="hello", counts=counts(succeeded=1))]
            return {"body": {"items": [r for r in runs if query.get("state", r["state"]) == r["state"]], "next": None}}
        if parts == ["runs"]:
            doc = json.loads(body)
            return {"status": 201, "body": run(name=doc.get("name", "crack"), rev=1, attention=[],
                                               counts=counts(waiting=96), executor=doc.get("executor", "local"))}
        if parts[0] != "runs":
            return problem(404, "not_found", "no such path '%s'" % path)
        if not self.known(parts[1]):
            return problem(404, "not_found", "no run '%s'; did you mean 'crack'?" % parts[1])
        what = parts[2:]
        if not what:
            if method == "DELETE":
                return {"status": 204}
            state = {"cancel": "canceling", "retry": "running", "pause": "paused", "resume": "running"}.get(verb, "running")
            return {"status": 202 if verb in ("cancel", "retry") else 200, "body": run(state=state)}
        if what == ["steps"]:
            return {"body": {"items": STEPS, "run": run()}}
        if what == ["services"]:
            return {"body": {"items": SERVICES}}
        if what == ["graph"]:
            return {"body": GRAPH}
        if what == ["events"]:
            since = int(query.get("since", 0))
            items = [e for e in EVENTS if e["seq"] > since][:int(query.get("limit", 1000))]
            return {"body": {"items": items, "next": None}}
        if what == ["tasks"]:
            items = [t for t in TASKS if query.get("state", t["state"]) == t["state"] and query.get("step", t["step"]) == t["step"]]
            return {"body": {"items": items, "next": None}}
        for t in TASKS:
            if t["id"] == what[1]:
                return self.task(t, what[2:], query)
        return problem(404, "not_found", "run 'crack' has no task '%s'; did you mean 'simulate[0]'?" % what[1])

    def task(self, t, what, query):
        if what == ["why"]:
            return {"body": {"state": t["state"], "why": "%s waits for bonds, of which 3 of 24 have not ended" % t["id"],
                             "because": [{"task": "simulate[3]", "state": "failed", "text": "exit 1 twice"},
                                         {"service": "db", "state": "ready", "text": None}]}}
        if what == ["log"]:
            data = LOGS.get(t["id"], b"")
            if query.get("stream") == "stderr":
                data = b"on stderr\n"
            at = int(query.get("offset", 0))
            at = max(0, len(data) + at) if at < 0 else min(at, len(data))
            piece = data[at:at + int(query.get("limit", 1 << 20))]
            done = at + len(piece) == len(data)
            return {"raw": piece, "headers": {"Wf-Log-Next-Offset": str(at + len(piece)), "Wf-Log-Attempt": str(t["attempt"]),
                                              "Wf-Log-Complete": "true" if done else "false"}}
        return {"body": {**t, "attempts": [
            {"attempt": 1, "state": "ended", "class": "exit", "exit_code": 1, "signal": None, "reason": None, "host": "node1",
             "started_at": "2026-11-21T09:00:01.000Z", "ended_at": "2026-11-21T09:00:02.000Z",
             "usage": {"cpu_ms": 900, "max_rss_kib": 51200}, "log": {"bytes": 10}},
            {"attempt": 2, "state": "ended", "class": "exit", "exit_code": 1, "signal": None, "reason": "exit 1 twice",
             "host": "node1", "started_at": "2026-11-21T09:00:02.500Z", "ended_at": "2026-11-21T09:00:03.500Z",
             "usage": {"cpu_ms": 900, "max_rss_kib": 51200}, "log": {"bytes": 10}}],
            "command": ["./md.sh", "-var", "seed", "it's 13"], "workdir": "/home/u/crack/member/13",
            "parameters": {"rate": "0.008", "seed": 13}, "inputs": ["in.crack"], "outputs": ["dump.crack"], "result": None,
            "why": "failed: exit 1 twice, and its retry limit is 1"}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "unix"

    def log_message(self, *args):
        pass

    def serve(self):
        world = self.server.world
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path, _, query = self.path.partition("?")
        with world.lock, open(world.dir + "/requests", "a", encoding="utf-8") as f:
            f.write("%s %s\t%s\n" % (self.command, self.path, body.decode("utf-8", "replace")))
        key = "%s %s" % (self.command, urllib.parse.unquote(path))
        a = world.scripted(key)
        if a is None and key.endswith("/steps"):
            a = with_steps(world.scripted(key[:-len("/steps")]))
        if a is None:
            a = world.answer(self.command, path, dict(urllib.parse.parse_qsl(query)), body)
        if "run" in a:
            a["body"] = run_in(a["run"])
        if a.get("die"):
            os._exit(0)
        raw = a.get("raw", a.get("text", "").encode())
        if "body" in a:
            raw = json.dumps(a["body"]).encode()
        self.send_response(a.get("status", 200))
        self.send_header("Content-Type", a.get("type", "application/json"))
        for k, v in a.get("headers", {}).items():
            self.send_header(k, v)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)
        self.wfile.flush()
        if a.get("leave"):
            os.unlink(world.dir + "/socket")
            os.unlink(world.dir + "/owner")
            os._exit(0)

    do_GET = do_POST = do_DELETE = serve


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64


def start_time():
    with open("/proc/self/stat", encoding="ascii") as f:
        return int(f.read().rpartition(")")[2].split()[19])


def owner(state_dir):
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as f:
        boot = f.read().strip()
    doc = {"host": os.uname().nodename.partition(".")[0], "boot_id": boot, "pid_ns": os.stat("/proc/self/ns/pid").st_ino,
           "pid": os.getpid(), "start_time": start_time(), "epoch": 3}
    with open(state_dir + "/owner", "w", encoding="utf-8") as f:
        json.dump(doc, f)


def main():
    state_dir = sys.argv[sys.argv.index("--state-dir") + 1]
    if "--recover-rebuild" in sys.argv:
        print("rebuilt" + (" (checked)" if "--check" in sys.argv else ""))
        sys.exit(0)
    os.makedirs(state_dir, mode=0o700, exist_ok=True)
    with open(state_dir + "/starts", "a", encoding="ascii") as f:
        f.write("start\n")
    if os.path.exists(state_dir + "/fake-refuses"):
        with open(state_dir + "/fake-refuses", encoding="utf-8") as f:
            code, _, text = f.read().partition(" ")
        print("wf-engine: " + text.strip(), file=sys.stderr)
        sys.exit(int(code))
    # Held by whoever serves, for as long as it lives: the loser of two starts says so, as the real one does.
    lock = os.open(state_dir + "/lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print("wf-engine: another engine owns '%s'" % state_dir, file=sys.stderr)
        sys.exit(6)
    ready, tell = os.pipe()
    if os.fork():
        os.close(tell)
        sys.exit(0 if os.read(ready, 1) else 70)
    os.setsid()
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    # The limit of 107 bytes for a socket's path holds for us too: bind where we stand.
    os.chdir(state_dir)
    if os.path.exists("socket"):
        os.unlink("socket")
    server = Server("socket", Handler)
    server.world = World(state_dir)
    owner(state_dir)
    with open(state_dir + "/pid", "w", encoding="ascii") as f:
        f.write(str(os.getpid()))
    os.write(tell, b"1")
    os.close(tell)
    server.serve_forever()


main()

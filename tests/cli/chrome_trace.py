#!/usr/bin/env python3
"""What must hold of a timeline in the Trace Event Format.

    chrome_trace.py TRACE TASKS...        exits 0 if it does, and if its slices are the attempts of TASKS (`wf show RUN TASK --json` each)
"""
import json
import sys
from collections import defaultdict
from datetime import datetime

FIELDS = {"X": {"name", "cat", "ts", "dur"}, "M": {"name", "args"}, "i": {"name", "ts", "s"}, "C": {"name", "ts", "args"},
          "s": {"name", "cat", "id", "ts"}, "f": {"name", "cat", "id", "ts", "bp"}}


def us(time):
    return round(datetime.fromisoformat(time.replace("Z", "+00:00")).timestamp() * 1000) * 1000


def main(argv):
    with open(argv[1], encoding="utf-8") as f:
        doc = json.load(f)
    events, begins = doc["traceEvents"], us(doc["otherData"]["begins"])
    by = defaultdict(list)
    for e in events:
        missing = ({"ph", "pid", "tid"} | FIELDS[e["ph"]]) - set(e)
        assert not missing, (e, missing)
        by[e["ph"]].append(e)

    processes = {e["pid"]: e["args"]["name"] for e in by["M"] if e["name"] == "process_name"}
    threads = {(e["pid"], e["tid"]) for e in by["M"] if e["name"] == "thread_name"}
    rows = defaultdict(list)
    for e in by["X"]:
        assert e["pid"] in processes and (e["pid"], e["tid"]) in threads, e
        assert isinstance(e["ts"], int) and isinstance(e["dur"], int) and e["dur"] >= 0, e
        rows[e["pid"], e["tid"]].append((e["ts"], e["ts"] + e["dur"]))
    for row, slices in rows.items():
        slices.sort()
        for a, b in zip(slices, slices[1:]):
            assert a[1] <= b[0], ("slices of a row overlap", row, a, b)

    want = []
    for path in argv[2:]:
        with open(path, encoding="utf-8") as f:
            task = json.load(f)
        want += [(task["id"], us(a["started_at"]) - begins, us(a["ended_at"]) - us(a["started_at"])) for a in task["attempts"]
                 if a["started_at"]]
    got = [(e["name"], e["ts"], e["dur"]) for e in by["X"] if processes[e["pid"]] not in ("engine", "services")]
    assert sorted(got) == sorted(want), (sorted(got), sorted(want))

    starts = {e["id"]: e for e in by["s"]}
    ends = {e["id"]: e for e in by["f"]}
    assert set(starts) == set(ends) and len(starts) == len(by["s"])
    for i, s in starts.items():
        assert any(a <= s["ts"] < b or a == s["ts"] for a, b in rows[s["pid"], s["tid"]]), ("an arrow leaves no slice", s)
        assert any(a == ends[i]["ts"] for a, _ in rows[ends[i]["pid"], ends[i]["tid"]]), ("an arrow meets no start", ends[i])
        assert s["ts"] <= ends[i]["ts"], s
    assert all(v >= 0 for e in by["C"] for v in e["args"].values())
    last = max(by["C"], key=lambda e: e["ts"])
    assert last["args"] == {"running": 0, "ready": 0}, last
    assert max(e["args"]["running"] for e in by["C"]) <= sum(1 for row in rows if processes[row[0]] not in ("engine", "services"))
    print(len(got), "slices,", len(starts), "arrows,", sorted(processes.values()))


if __name__ == "__main__":
    main(sys.argv)

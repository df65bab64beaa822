#!/usr/bin/env python3
"""WfFormat documents for tests, and what must hold of one.

    wfformat.py make VERSION TASKS SEED      prints a random trace in that version's dialect; the same seed is the same workflow
    wfformat.py valid FILE                   exits 0 if it is WfFormat 1.6 by the published description of the format
    wfformat.py same FILE FILE [files]       exits 0 if both have the same tasks and edges (and files with their sizes, links and runtimes)
    wfformat.py edges FILE GRAPH             exits 0 if the graph (of `wf graph --format json`) has the trace's edges, by name of the step
"""
import json
import random
import re
import sys
from datetime import datetime

TASK_ID = re.compile(r"[0-9a-zA-Z_.#:/-]+")
FILE_ID = re.compile(r"[0-9a-zA-Z_./:#-]+")


def draw(tasks, seed):
    """A layered workflow: [(name, runtime, cores, parents, reads, writes)] and sizes of files."""
    r = random.Random(seed)
    sizes = {f"in{i}": r.randrange(5000) for i in range(3)}
    out, layer, before = [], [], []
    for i in range(tasks):
        if len(layer) >= max(2, tasks // 8):
            before, layer = layer, []
        parents = sorted(r.sample(before, min(len(before), r.randrange(1, 4)))) if before else []
        reads = [f"in{r.randrange(3)}"] + [f for p in parents for f in out[p][5][:2]]
        writes = [f"f{i}.{k}" for k in range(r.randrange(3))]
        sizes.update({f: r.randrange(5000) for f in writes})
        out.append((f"task_{i}", round(r.uniform(0, 20), 3), r.choice([1, 1, 1, 2]), parents, sorted(set(reads)), writes))
        layer.append(i)
    return out, sizes


def make(version, tasks, seed):
    drawn, sizes = draw(tasks, seed)
    minor = int(version[2:])
    doc = {"name": "drawn", "schemaVersion": version}
    if minor >= 5:
        children = {i: [] for i in range(tasks)}
        for i, t in enumerate(drawn):
            for p in t[3]:
                children[p].append(i)
        ident = lambda i: f"ID{i:07}"
        doc["workflow"] = {
            "specification": {
                "tasks": [{"name": t[0], "id": ident(i), "parents": [ident(p) for p in t[3]], "children": [ident(c) for c in children[i]],
                           "inputFiles": t[4], "outputFiles": t[5]} for i, t in enumerate(drawn)],
                "files": [{"id": f, "sizeInBytes": n} for f, n in sizes.items()]},
            "execution": {
                "makespanInSeconds": 1, "executedAt": "2020-01-01T00:00:00Z",
                "tasks": [{"id": ident(i), "runtimeInSeconds": t[1], "coreCount": t[2]} for i, t in enumerate(drawn)]}}
        return doc
    runtime, size = ("runtimeInSeconds", "sizeInBytes") if minor == 4 else ("runtime", "size")
    listed = []
    for i, t in enumerate(drawn):
        task = {"name": t[0], "type": "compute", runtime: t[1], "cores": t[2], "parents": [drawn[p][0] for p in t[3]],
                "files": [{"link": link, "name": f, size: sizes[f]} for link, fs in (("input", t[4]), ("output", t[5])) for f in fs]}
        if minor >= 2:
            task["id"] = f"ID{i:07}"
        listed.append(task)
    doc["workflow"] = {"makespanInSeconds" if minor == 4 else "makespan": 1, "executedAt": "2020", "jobs" if minor < 3 else "tasks": listed}
    return doc


def valid(doc):
    def need(obj, where, **kinds):
        for key, kind in kinds.items():
            assert key in obj, f"{where} lacks {key}"
            assert isinstance(obj[key], kind) and not isinstance(obj[key], bool), f"{where}.{key} is {obj[key]!r}"

    number = (int, float)
    need(doc, "the document", name=str, schemaVersion=str, workflow=dict)
    assert doc["name"] and doc["schemaVersion"] == "1.6"
    if "createdAt" in doc:
        datetime.fromisoformat(doc["createdAt"].replace("Z", "+00:00"))
    if "runtimeSystem" in doc:
        need(doc["runtimeSystem"], "runtimeSystem", name=str, version=str)
    need(doc["workflow"], "workflow", specification=dict, execution=dict)
    spec, run = doc["workflow"]["specification"], doc["workflow"]["execution"]
    need(spec, "specification", tasks=list, files=list)
    need(run, "execution", makespanInSeconds=number, executedAt=str, tasks=list)
    datetime.fromisoformat(run["executedAt"].replace("Z", "+00:00"))
    files = {}
    for f in spec["files"]:
        need(f, "a file", id=str, sizeInBytes=int)
        assert FILE_ID.fullmatch(f["id"]) and f["sizeInBytes"] >= 0 and f["id"] not in files, f
        files[f["id"]] = f
    tasks = {}
    for t in spec["tasks"]:
        need(t, "a task", name=str, id=str, parents=list, children=list)
        assert t["name"] and TASK_ID.fullmatch(t["id"]) and t["id"] not in tasks, t
        tasks[t["id"]] = t
    assert tasks
    for t in tasks.values():
        assert all(f in files for f in t.get("inputFiles", []) + t.get("outputFiles", [])), t
        assert all(t["id"] in tasks[p]["children"] for p in t["parents"]), t
        assert all(t["id"] in tasks[c]["parents"] for c in t["children"]), t
    machines = [m["nodeName"] for m in run.get("machines", [])]
    assert machines or "machines" not in run
    for m in run.get("machines", []):
        assert m.get("system", "linux") in ("linux", "macos", "windows")
        if "memoryInBytes" in m:
            assert isinstance(m["memoryInBytes"], int) and m["memoryInBytes"] >= 1
        if "coreCount" in m.get("cpu", {}):
            assert isinstance(m["cpu"]["coreCount"], int) and m["cpu"]["coreCount"] >= 1
    assert run["tasks"]
    seen = set()
    for t in run["tasks"]:
        need(t, "an execution", id=str, runtimeInSeconds=number)
        assert t["id"] in tasks and t["id"] not in seen and t["runtimeInSeconds"] >= 0, t
        seen.add(t["id"])
        if "coreCount" in t:
            assert t["coreCount"] >= 1
        if "executedAt" in t:
            datetime.fromisoformat(t["executedAt"].replace("Z", "+00:00"))
        assert all(m in machines for m in t.get("machines", [])), t


def shape(doc, with_files):
    spec = doc["workflow"]["specification"]
    out = {t["id"]: [t["name"], sorted(t["parents"])] for t in spec["tasks"]}
    if with_files:
        sizes = {f["id"]: f["sizeInBytes"] for f in spec["files"]}
        for t in spec["tasks"]:
            for key in ("inputFiles", "outputFiles"):
                out[t["id"]].append(sorted((f, sizes[f]) for f in t.get(key, [])))
        cores = {t["id"]: t.get("coreCount", 1) for t in doc["workflow"]["execution"]["tasks"]}
        for t in out:
            out[t].append(cores.get(t, 1))
    return out


def edges(doc, graph):
    """Steps carry the ids of 1.5 and 1.6 and the names or ids of those before."""
    w = doc["workflow"]
    tasks = w.get("tasks") or w.get("jobs") or w["specification"]["tasks"]
    called = {t["name"]: t.get("id", t["name"]) for t in tasks}
    want = {(called.get(p, p), t.get("id", t["name"])) for t in tasks for p in t["parents"]}
    step = {n["id"]: n["step"] for n in graph["nodes"]}
    got = {(step[e["from"]], step[e["to"]]) for e in graph["edges"] if not step[e["from"]].startswith("wf-inputs")}
    assert got == want, (sorted(want - got)[:5], sorted(got - want)[:5])


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def main(argv):
    if argv[1] == "make":
        json.dump(make(argv[2], int(argv[3]), int(argv[4])), sys.stdout, indent=1)
    elif argv[1] == "valid":
        valid(load(argv[2]))
    elif argv[1] == "same":
        a, b = (shape(load(f), len(argv) > 4) for f in argv[2:4])
        assert a == b, next((k, a.get(k), b.get(k)) for k in sorted({*a, *b}) if a.get(k) != b.get(k))
    else:
        edges(load(argv[2]), load(argv[3]))


if __name__ == "__main__":
    main(sys.argv)

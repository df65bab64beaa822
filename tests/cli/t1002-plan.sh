#!/bin/sh
# shellcheck disable=SC2119 # fake without a script
# plan and graph: what a file would run, and pictures of files and runs.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$T" || exit 1
cat >wf.yaml <<'Y'
workflow: {name: small}
params:
  n: 4
services:
  - {name: db, type: REDIS}
  - {name: idle, type: REDIS}
steps:
  - name: prepare
    command: make-input > in
    outputs: [in]
    resources: {time: 10s}
  - name: sim
    foreach: {i: {range: "{{ n }}"}}
    workdir: "m/{{ i }}"
    command: simulate ../../in
    inputs: [../../in]
    outputs: [out]
    services: [db]
    resources: {cpus: 2, memory: 1GiB, time: 60s}
  - name: report
    after: [sim]
    command: report
    services: [db]
    resources: {time: 5s}
Y
try 0 "plan" "$WF" plan wf.yaml --cores 4 --memory 8GiB
same out - <<'O'
workflow  small: 6 tasks in 3 steps, at most 4 at once, the longest chain has 3
critical  prepare > sim > report: 1m15s
work      4m15s of tasks, 0.14 core-hours
time      about 2m15s on 4 cores and 8.0 GiB
service   db (REDIS): starts before sim, stops after report
service   idle (REDIS): used by no step, never started

LEVEL  STEP     TASKS  CORES   MEMORY   TIME  SERVICES  AFTER
    1  prepare      1      1             10s
    2  sim          4      2  1.0 GiB  1m00s  db        prepare
    3  report       1      1            5.0s  db        sim
O
try 0 "plan --json" "$WF" plan wf.yaml --cores 4 --json
python3 -c '
import json, sys
p = json.load(sys.stdin)
assert p["tasks"] == 6 and p["width"] == 4 and p["depth"] == 3, p
assert p["critical"] == {"steps": ["prepare", "sim", "report"], "ms": 75000}, p["critical"]
assert [l["tasks"] for l in p["levels"]] == [1, 4, 1], p["levels"]
assert p["cores"] == 4 and p["makespan_ms"] == 135000, p
s = p["services"][0]
assert (s["first"], s["last"], s["first_level"], s["last_level"]) == (["sim"], ["report"], 2, 3), s
assert p["services"][1]["users"] == 0 and p["services"][1]["first_level"] is None
assert p["cannot_run"] == []' <"$T/out" 2>>"$T/err"
result $? "... says the same"
try 0 "a parameter changes it" "$WF" plan wf.yaml -p n=100
has out "102 tasks"
try 0 "this host's cores when none are given" "$WF" plan wf.yaml --json
has out '"cores": '
try 2 "no cores" "$WF" plan wf.yaml --cores 0
try 3 "a size that is none" "$WF" plan wf.yaml --memory much
printf 'workflow: {name: x}\nsteps:\n  - {name: a, command: echo, resources: {ranks: 4}}\n' >ranks.yaml
try 0 "what cannot run yet is planned" "$WF" plan ranks.yaml
has out "cannot run yet"
has out "MPI"
has out "not known: no step declares resources.time"
printf 'workflow: {name: x}\nsteps:\n  - {name: a, comand: echo}\n' >bad.yaml
try 3 "a file with errors" "$WF" plan bad.yaml
has err "bad.yaml:3:"
try 5 "a file that is missing" "$WF" plan nosuch.yaml

# --- graph
try 0 "graph of a file" "$WF" graph wf.yaml
has out 'digraph "small" {'
has out 'sim x 4'
try 0 "graph --format mermaid" "$WF" graph wf.yaml --format mermaid
has out "flowchart TD"
try 0 "graph --format json" "$WF" graph wf.yaml --format json
has out '"nodes": ['
try 5 "a word that ends in .yaml is a file" "$WF" graph nosuch.yaml
fake
try 0 "graph of a run" "$WF" graph crack
same out - <<'O'
digraph run {
	node [shape=box, style="rounded,filled"];
	n0 [label="prepare\nsucceeded", fillcolor="#e6f4ea", color="#1e7e34"];
	n1 [label="simulate x 24\nfailed 20/24", fillcolor="#fde7e9", color="#b3261e", peripheries=2];
	n0 -> n1 [label="any", style=dashed];
	s0 [label="db\nREDIS", shape=cylinder, style=""];
	n0 -> s0;
	s0 -> n1 [style=dotted, dir=none];
}
O
try 0 "... for Mermaid" "$WF" graph crack --format mermaid
same out - <<'O'
flowchart TD
    n0["prepare<br/>succeeded"]
    style n0 fill:#e6f4ea,stroke:#1e7e34
    n1[["simulate x 24<br/>failed 20/24"]]
    style n1 fill:#fde7e9,stroke:#b3261e
    n0 -.->|any| n1
    s0[("db<br/>REDIS")]
    n0 --> s0
    s0 -.- n1
O
try 0 "... as the interface has it" "$WF" graph crack --format json
has out '"state": "failed"'
try 5 "a run that is none" "$WF" graph nosuch
if command -v dot >/dev/null; then
	for what in wf.yaml crack; do
		"$WF" graph $what | dot -Tsvg >"$T/svg" 2>"$T/err"
		result $? "Graphviz reads the graph of $what"
	done
fi
done_testing

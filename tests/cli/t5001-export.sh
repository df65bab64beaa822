#!/usr/bin/env bash
# t5001-export.sh - runs told as WfFormat and as a timeline: every task, its times as the interface has them, and back again
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
need jq
need redis-cli
need redis-server
wfformat=$ROOT/tests/cli/wfformat.py chrome=$ROOT/tests/cli/chrome_trace.py
mkdir -p "$T/w" && cd "$T/w" || exit 1

# The timeline of the last run against what the interface says of each task.
timeline() { # file
	local id n=0 files=()
	for id in $("$WF" tasks @last --json | jq -r '.items[].id'); do
		n=$((n + 1))
		"$WF" show @last "$id" --json >"task$n" || return 1
		files+=("task$n")
	done
	python3 "$chrome" "$1" "${files[@]}"
}

# ---- there and back --------------------------------------------------------------------------------------------------
python3 "$wfformat" make 1.6 40 5 >a.json
exits 0 "a trace is imported" "$WF" import wfformat a.json --time-scale 0.001 -o a.yaml
exits 0 "... and run" "$WF" submit a.yaml --executor local --wait
exits 0 "it is exported" "$WF" export @last -o b.json
exits 0 "... as valid WfFormat 1.6" python3 "$wfformat" valid b.json
exits 0 "... with the tasks, edges, files, sizes and cores of the trace" python3 "$wfformat" same a.json b.json files
is "$(jq '.workflow.execution.tasks | length' b.json)" 40 "every task has its execution"
is "$(jq -c '[.workflow.execution.machines[].nodeName] == ([.workflow.execution.tasks[].machines[]] | unique)' b.json)" true \
	"the machines are those that the tasks name"
want=$("$WF" show @last ID0000003 --json | jq '.attempts[-1] | [.started_at, .ended_at] |
	map(sub("\\.(?<ms>[0-9]+)Z"; "Z\(.ms)") | (.[:20] | fromdateiso8601 * 1000) + (.[20:] | tonumber)) | .[1] - .[0]')
is "$(jq '.workflow.execution.tasks[] | select(.id == "ID0000003") | .runtimeInSeconds * 1000 | round' b.json)" "$want" \
	"a runtime is what the interface says"
exits 0 "the export is imported" "$WF" import wfformat b.json --time-scale 0 --size-scale 0 -o b.yaml
"$WF" graph b.yaml --format json >graph.json
exits 0 "... and has the same graph" python3 "$wfformat" edges a.json graph.json
exits 0 "its run" "$WF" submit b.yaml --executor local --wait
exits 0 "... is exported to standard output" "$WF" export @last --format wfformat
printf '%s\n' "$out" >c.json
exits 0 "... valid" python3 "$wfformat" valid c.json
exits 0 "... and the same again" python3 "$wfformat" same a.json c.json

# ---- names that a step cannot have, edges that files do not have --------------------------------------------------------
cat >odd.json <<'J'
{"name": "odd", "schemaVersion": "1.6", "workflow": {"specification": {"tasks": [
 {"id": "x:1", "name": "an x", "parents": [], "children": ["x#1"], "outputFiles": ["/d/f", "g"]},
 {"id": "x#1", "name": "x", "parents": ["x:1"], "children": [], "inputFiles": ["g", "h/i"], "outputFiles": ["/d/f"]},
 {"id": "x_1", "name": "x_1", "parents": [], "children": [], "inputFiles": ["g", "/d/f"]}],
 "files": [{"id": "g", "sizeInBytes": 7}, {"id": "/d/f", "sizeInBytes": 5}, {"id": "h/i", "sizeInBytes": 3}]},
 "execution": {"makespanInSeconds": 1, "executedAt": "2020", "tasks": [{"id": "x#1", "runtimeInSeconds": 0.1}]}}}
J
exits 0 "odd names" "$WF" import wfformat odd.json -o odd.yaml
exits 0 "... run" "$WF" submit odd.yaml --executor local --wait
exits 0 "... and are exported" "$WF" export @last -o odd2.json
exits 0 "... validly" python3 "$wfformat" valid odd2.json
exits 0 "... as they were, the second writer and the reader without an edge too" python3 "$wfformat" same odd.json odd2.json files
exits 0 "a timeline of it" "$WF" export @last --format chrome-trace -o odd-trace.json
exits 0 "... is one" timeline odd-trace.json

# ---- a run of our own: fan-outs, retries, a service, a failure -------------------------------------------------------------
cat >own.yaml <<'Y'
workflow: {name: own}
services:
  - {name: db, type: REDIS}
steps:
  - {name: seed, command: echo 1 > seed.txt, outputs: [seed.txt]}
  - name: each
    foreach: {i: {range: 6}}
    inputs: [seed.txt]
    command: 'redis-cli -s "$REDIS_SOCKET" incr n && if [ {{ i }} = 3 ] && [ $WF_ATTEMPT = 1 ]; then exit 7; fi; cp seed.txt {{ i }}.txt'
    outputs: ["{{ i }}.txt"]
    services: [db]
    retry: {limit: 1}
    labels: {kind: each one}
  - {name: twin, after: [{step: each, each: true}], command: "test {{ i }} != 4"}
  - {name: all, after: [{step: twin, result: any}], command: "true"}
  - {name: late, after: [twin], command: "true"}
Y
exits 1 "a run that fails" "$WF" submit own.yaml --executor local --wait
exits 0 "is exported" "$WF" export @last -o own.json
exits 0 "... validly" python3 "$wfformat" valid own.json
is "$(jq -c '.workflow.specification | [(.tasks | length), (.files | length)]' own.json)" "[15,7]" "with all tasks and files"
is "$(jq -c '.workflow.specification.tasks[] | select(.id == "twin#2") | [.name, .parents]' own.json)" '["twin",["each#2"]]' \
	"a task of a fan-out has its own parents"
is "$(jq -c '.workflow.specification.tasks[] | select(.id == "all") | .parents | length' own.json)" 6 "one behind it has all"
is "$(jq -c '.workflow.specification.tasks[] | select(.id == "each#3") | [.inputFiles, .outputFiles]' own.json)" '[["seed.txt"],["3.txt"]]' \
	"files are told as the run's directory has them"
is "$(jq -c '[.workflow.specification.files[] | select(.id == "3.txt") | .sizeInBytes]' own.json)" "[2]" "with their sizes"
is "$(jq -c '[.workflow.execution.tasks[].id] | [length, index("late")]' own.json)" "[14,null]" "who did not run has no execution"
exits 0 "its timeline" "$WF" export @last --format chrome-trace -o own-trace.json
exits 0 "... has each attempt, as the interface says" timeline own-trace.json
is "$(jq -c '[.traceEvents[] | select(.ph == "X" and .name == "each[3]") | .args.class]' own-trace.json)" '["exit","ok"]' "also that which failed"
is "$(jq -c '.traceEvents as $e | [$e[] | select(.ph == "M" and .name == "process_name" and .args.name == "services") | .pid] as $p |
	[$e[] | select(.pid == $p[0] and .ph == "X") | .name | select(. == "starting" or . == "ready")]' own-trace.json)" '["starting","ready"]' \
	"the service's life is a row"
is "$(jq -c '[.traceEvents[] | select(.ph == "i") | .name] | contains(["run.submitted", "run.failed"])' own-trace.json)" true "the engine's marks are there"
is "$("$WF" show @last 'twin[2]' --json | jq -c '[.cores, .labels, .parents]')" '[1,{},[{"step":"each","index":2,"result":"success"}]]' \
	"the interface says a task's parents"
is "$("$WF" show @last 'each[2]' --json | jq -c '[.labels, .parents]')" '[{"kind":"each one"},[{"step":"seed","index":null,"result":"success"}]]' \
	"and its labels"

# ---- a run that goes on -----------------------------------------------------------------------------------------------------
printf 'workflow: {name: going}\nsteps:\n  - {name: a, command: "true"}\n  - {name: b, after: [a], command: "until test -e go; do sleep 0.02; done"}\n' >on.yaml
exits 0 "a run that goes on" "$WF" submit on.yaml --executor local
state_of_b() { "$WF" show @last b --json | jq -r .state; }
b_runs() { [ "$(state_of_b)" = running ]; }
until_ok 20 "its task runs" b_runs
exits 0 "can be exported" "$WF" export @last -o on.json
exits 0 "... validly" python3 "$wfformat" valid on.json
exits 0 "and shown" "$WF" export @last --format chrome-trace -o on-trace.json
is "$(jq -c '[.traceEvents[] | select(.ph == "X" and .name == "b") | .args.state]' on-trace.json)" '["running"]' "with what runs"
touch go
exits 0 "it ends" "$WF" wait @last --timeout 20s

exits 5 "a run that is none" "$WF" export nosuch
exits 2 "a format that is none" "$WF" export @last --format dax
exits 5 "a place that is none" "$WF" export @last -o nosuch/x.json
done_testing

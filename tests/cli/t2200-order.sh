#!/usr/bin/env bash
# t2200-order.sh - who starts first: priority, then the longest path; cores and memory bound what runs at once; retries grow
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
need jq
mkdir -p "$T/w"
cd "$T/w" || exit 1
export WF_LOCAL_CORES=1 WF_LOCAL_MEMORY=1GiB

cat >order.yaml <<'YAML'
workflow: {name: order}
steps:
  - {name: gate, priority: 9, command: "until test -e go; do sleep 0.02; done"}
  - {name: short, command: echo short >> order, resources: {time: 1m}}
  - {name: long, command: echo long >> order, resources: {time: 10m}}
  - {name: first-of-two, command: echo first-of-two >> order, resources: {time: 8m}}
  - {name: second-of-two, after: [first-of-two], command: echo second-of-two >> order, resources: {time: 8m}}
  - {name: urgent, priority: 5, command: echo urgent >> order, resources: {time: 1s}}
YAML
"$WF" submit order.yaml --executor local -q >/dev/null
all_wait() { [ "$("$WF" status @last --json | jq '.counts.ready')" = 4 ]; }
until_ok 20 "one core: one task runs, the others are ready" all_wait
has "$("$WF" explain @last urgent)" "core" "explain says that it waits for a core"
touch go
ok "the run ends" "$WF" wait @last --timeout 30
is "$(tr '\n' ' ' <order)" "urgent first-of-two long second-of-two short " "priority first, then the longest path still to go"

cat >memory.yaml <<'YAML'
workflow: {name: memory}
steps:
  - name: hungry
    foreach: {i: {range: 3}}
    command: "mkdir lock && sleep 0.02 && rmdir lock"
    resources: {cpus: 1, memory: 600MiB}
  - name: grows
    command: 'exit 3'
    resources: {memory: 300MiB, time: 10s}
    retry: {limit: 2, backoff: 1ms, grow: {memory: x2, time: x2, max: {memory: 500MiB}}}
YAML
"$WF" engine stop >/dev/null
WF_LOCAL_CORES=4 "$WF" engine start >/dev/null
exits 1 "memory bounds what runs at once" "$WF" submit memory.yaml --executor local --wait
is "$("$WF" tasks @last --json | jq -c '[.items[] | select(.step == "hungry") | .state]')" '["succeeded","succeeded","succeeded"]' \
	"three tasks of 600 MiB never meet in 1 GiB"
is "$("$WF" show @last grows --json | jq -c '[.attempt, .class]')" '[3,"exit"]' "a retried task grew and was tried three times"

cat >eager.yaml <<'YAML'
workflow: {name: eager}
services: [{name: db, type: REDIS, start: eager}]
steps:
  - {name: gate, command: "until test -e up; do sleep 0.02; done"}
  - {name: use, after: [gate], services: [db], argv: ["true"]}
YAML
"$WF" submit eager.yaml --executor local -q >/dev/null
is_ready() { [ "$("$WF" services @last --json | jq -r '.items[0].state')" = ready ]; }
until_ok 20 "an eager service is there before its first consumer" is_ready
touch up
ok "and its run ends well" "$WF" wait @last --timeout 30

for f in dot mermaid json; do
	ok "graph of a file as $f" "$WF" graph order.yaml --format $f
	ok "graph of a run as $f" "$WF" graph @last --format $f
done
ok "a backup is taken while it serves" "$WF" engine backup "$T/copy.db"
ok "and is a database" test -s "$T/copy.db"
done_testing

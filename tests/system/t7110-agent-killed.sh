#!/usr/bin/env bash
# t7110-agent-killed.sh - the agent is killed with -9 under running tasks and a service; then engine and agent at once
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
. tests/system/hostile.bash
export WF_LOCAL_CORES=2
cat >run.yaml <<'YAML'
workflow: {name: agents}
services:
  - {name: db, type: REDIS, on_failure: restart}
steps:
  - name: a
    foreach: {i: {range: 6}}
    argv: [./body.sh]
    services: [{name: db, access: RO}]
  - name: b
    after: [{step: a, each: true}]
    argv: [./body.sh]
    services: [{name: db, access: RO}]
YAML
verdict() {
	ok "$1: the run ends well" "$WF" wait "$run" --timeout 60
	is "$(lines twice)" 0 "$1: no task ran twice at the same time"
	is "$(lines end) $(awk '$1 == "end" { print $2 }' ledger | sort -u | wc -l)" "12 12" "$1: every task came to its end once"
	is "$(lines unreachable)" 0 "$1: the service answered whoever started"
	is "$(count '.attempt > 2')" 0 "$1: none has a third attempt"
	is "$(count '.attempt == 2')" 2 "$1: those that ran have a second, and only those"
	is "$(service state)" stopped "$1: the service is stopped"
	until_ok 5 "$1: no process is left" none_left
}

# ---- the agent alone ---------------------------------------------------------------------------------------
touch hold
submit run.yaml
until_ok 20 "two tasks run" count_is '.state == "running"' 2
until_ok 20 "and have begun" test 2 = "$(lines start)"
old=$(agent)
pids="$(awk '$1 == "start" { print $4 }' ledger) $(left)"
kill -9 "$old"
# shellcheck disable=SC2086
until_ok 10 "all its processes end with the agent" all_gone $pids
until_ok 20 "another agent is there" agent_is_other "$old"
until_ok 20 "the service is founded again" is_service generation 2
until_ok 20 "and ready" is_service state ready
until_ok 20 "tasks run again" count_is '.state == "running"' 2
touch go
verdict "agent killed"
has "$("$WF" events "$run" --json)" agent_lost "the events say why"

# ---- four times: a loss has a limit of its own (3), whatever the user's retry is -----------------------------
fresh
touch hold
cat >loss.yaml <<'YAML'
workflow: {name: losses}
steps:
  - {name: a, argv: [./body.sh]}
  - {name: b, after: [a], argv: [./body.sh]}
YAML
submit loss.yaml
n=1
while [ $n -le 4 ]; do
	until_ok 20 "attempt $n runs" count_is ".step == \"a\" and .state == \"running\" and .attempt == $n" 1 || break
	old=$(agent)
	kill -9 "$old"
	until_ok 20 "another agent after kill $n" agent_is_other "$old"
	n=$((n + 1))
done
exits 1 "four losses are too many" "$WF" wait "$run" --timeout 20
is "$(tasks '[.items[] | [.state, .class, .attempt]]')" '[["failed","agent_lost",4],["skipped",null,0]]' \
	"the task has failed as agent_lost after three more tries"
is "$(lines twice)" 0 "never two at one time"
until_ok 5 "no process is left" none_left

# ---- engine and agent at once ------------------------------------------------------------------------------------
fresh
touch hold
submit run.yaml
until_ok 20 "two tasks run" count_is '.state == "running"' 2
pids="$(awk '$1 == "start" { print $4 }' ledger) $(left)"
kill -9 "$(engine)" "$(agent)"
# shellcheck disable=SC2086
until_ok 10 "all processes end with them" all_gone $pids
ok "the engine comes back" "$WF" status "$run"
until_ok 20 "tasks run again" count_is '.state == "running"' 2
touch go
verdict "both killed"
ok "the events rebuild what is stored" sh -c "'$WF' engine stop && '$WF' engine recover --rebuild --check"
done_testing

#!/usr/bin/env bash
# t7150-tasks.sh - services that are killed, tasks that leave children, flood their output, delete their directory
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
. tests/system/hostile.bash
task() { tasks ".items[] | select(.id == \"$1\") | .$2"; }
is_task() { [ "$(task "$1" "$2")" = "$3" ]; }

# ---- the host of a service, then the service itself, killed -------------------------------------------------------------
cat >service.yaml <<'YAML'
workflow: {name: service}
services: [{name: db, type: REDIS, on_failure: restart}]
steps:
  - {name: a, argv: [./body.sh], services: [{name: db, access: RO}]}
  - {name: b, after: [a], argv: [./body.sh], services: [{name: db, access: RO}]}
YAML
touch hold
submit service.yaml
until_ok 20 "a consumer runs" is_task a state running
ok "its service too" test -n "$(redis_pid)"
host=$(pgrep -f "wf-service.*$T") redis=$(redis_pid)
kill -9 "$host"
until_ok 20 "with the host of a service the service ends" all_gone "$redis"
until_ok 20 "it is founded again" is_service generation 2
until_ok 20 "and ready" is_service state ready
ok "its consumer was left alone" is_task a state running
redis=$(redis_pid)
kill -STOP "$redis" # a probe hangs now, and the next one when that was given up
suspect() { "$WF" events "$run" --json | grep -q member.suspect; }
until_ok 20 "a probe is given up" suspect
kill -9 "$redis"
until_ok 20 "killed under a probe the service is founded once more" is_service generation 3
until_ok 20 "it is ready once more" is_service state ready
touch go
ok "the run ends well" "$WF" wait "$run" --timeout 30
is "$(lines start) $(lines end) $(lines unreachable)" "2 2 0" "each task ran once"
until_ok 5 "nothing is left" none_left

# ---- what a task may do to us ------------------------------------------------------------------------------------------------
fresh
cat >daemon.sh <<'B'
#!/bin/bash
# Twice forked, sessions of their own, one without our environment: the task ends, they do not.
setsid bash -c 'setsid bash -c "echo \$\$ >>daemons; exec sleep 300" & wait' >/dev/null 2>&1 &
until [ "$(wc -l <daemons 2>/dev/null)" = 1 ]; do sleep 0.01; done
exit 0
B
chmod +x daemon.sh
cat >rude.yaml <<'YAML'
workflow: {name: rude}
steps:
  - {name: daemon, argv: [./daemon.sh]}
  - {name: limit, command: "yes output", output_limit: 1MiB}
  - {name: big, command: "head -c 104857600 /dev/zero | tr '\\0' x"}
  - {name: gone, workdir: doomed, command: 'rmdir "$WF_WORKDIR"; echo left'}
  - {name: dirfull, command: 'rm -rf "$(dirname "$WF_RESULT")"; true'}
  - {name: closed, command: "exec >&- 2>&-; exit 3"}
  - {name: zero, command: 'printf "a\0b\377\n"'}
YAML
submit rude.yaml
exits 1 "a run of rude tasks ends" "$WF" wait "$run" --timeout 60
is "$(tasks '[.items[] | [.id, .state, .class]]')" \
	'[["daemon","succeeded",null],["limit","failed","output_limit"],["big","succeeded",null],["gone","succeeded",null],["dirfull","succeeded",null],["closed","failed","exit"],["zero","succeeded",null]]' \
	"each as it deserves"
# shellcheck disable=SC2046
until_ok 10 "daemons of a task end with it" all_gone $(cat daemons)
is "$("$WF" logs "$run" big | wc -c)" 104857600 "100 MB of output are there"
is "$("$WF" logs "$run" gone)" left "so is what a task without a directory wrote"
is "$("$WF" logs "$run" zero | od -An -tx1 | tr -d ' \n')" 610062ff0a "bytes are kept as they are"
has "$("$WF" explain "$run" limit)" "output" "explain says that it wrote too much"
is "$("$WF" logs "$run" big --tail 1 | wc -c)" 104857600 "so is a last line of 100 MB"
"$WF" logs "$run" big | head -c 10 >/dev/null
ok "a reader that goes away harms nobody" "$WF" status "$run"

# ---- 3,000 tiny outputs -------------------------------------------------------------------------------------------------------
cat >tiny.yaml <<'YAML'
workflow: {name: tiny}
steps:
  - {name: t, foreach: {i: {range: 3000}}, argv: [echo, "line {{ i }}"]}
YAML
submit tiny.yaml
ok "3,000 tasks end" "$WF" wait "$run" --timeout 120
"$WF" logs "$run" | grep -ao 'line [0-9]*' | sort -u >all
is "$(wc -l <all)" 3000 "what each wrote can be read"
is "$("$WF" logs "$run" 't[2999]')" "line 2999" "by its name too"
ok "few files hold it" test "$(find "$WF_STATE_DIR/runs/" -type f -path "*$run*" | wc -l)" -lt 100
done_testing

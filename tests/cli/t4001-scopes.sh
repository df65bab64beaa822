#!/usr/bin/env bash
# t4001-scopes.sh - a service for each step, and for each task: whose is whose, how long it lives, over a killed engine and a retry too
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
need jq
need redis-server
need redis-cli
mkdir -p "$T/w"
cd "$T/w" || exit 1
services() { "$WF" services @last --json | jq -c "[.items[] | $1]"; }
state() { "$WF" services @last --json | jq -r ".items[] | select(.label == \"$1\") | .state"; }
is_state() { [ "$(state "$1")" = "$2" ]; }
seen() { "$WF" tasks @last --json | jq -r ".items[] | select(.id == \"$1\") | .state"; }
is_seen() { [ "$(seen "$1")" = "$2" ]; }
none_left() { ! pgrep -f "wf-service.*$T/" && ! pgrep -f "$T/.*redis"; }
kill_engine() { kill -9 "$("$WF" engine status --json | jq .pid)"; }
# Adds one to a counter in the service, and keeps what it says, and where the service is.
cat >count <<'SH'
#!/bin/bash -e
redis-cli -s "$REDIS_SOCKET" incr n >>"$1"
echo "$REDIS_SOCKET" >>sockets
cp "$WF_SERVICE_DB_FILE" "$1.view"
[ -z "$2" ] || until test -e "$2"; do sleep 0.02; done
SH
chmod +x count

# ---- one for each step -------------------------------------------------------------------------------------------
cat >step.yaml <<'YAML'
workflow: {name: step}
services: [{name: db, type: REDIS, scope: step}]
steps:
  - {name: a, foreach: {i: {range: 3}}, parallel: 1, services: [db], command: "./count a"}
  - {name: b, after: [a], services: [db], command: "./count b"}
YAML
ok "two steps with a service each" "$WF" submit step.yaml --executor local --wait
is "$(tr '\n' ' ' <a)$(cat b)" "1 2 3 1" "the tasks of a step share theirs, the next step has another"
is "$(sort -u sockets | wc -l)" 2 "two of them"
is "$(services '[.name, .scope, .label, .step, .task, .state, .generation]')" \
	'[["db","step","db (of a)","a",null,"stopped",1],["db","step","db (of b)","b",null,"stopped",1]]' "each is shown with its step"
ok "no process is left" none_left

# ---- one for each task, over a killed engine -------------------------------------------------------------------------
rm -f a b sockets
cat >task.yaml <<'YAML'
workflow: {name: task}
services: [{name: db, type: REDIS, scope: task}]
steps:
  - {name: sim, foreach: {i: {range: 5}}, parallel: 2, services: [db], command: "./count {{ i }} go"}
  - {name: last, after: [sim], services: [db], command: "./count last"}
YAML
"$WF" submit task.yaml --executor local -q >/dev/null
until_ok 30 "two tasks run" test -s 0.view -a -s 1.view
is "$(services .state)" '["ready","ready","declared","declared","declared","declared"]' "so many services are up, the others are not founded yet"
has "$("$WF" events @last)" "db (of sim[1])" "events name whose it is"
kill_engine
touch go
ok "the run ends well with another engine" "$WF" wait @last --timeout 60
is "$(cat 0 1 2 3 4 last | tr '\n' ' ')" "1 1 1 1 1 1 " "each task counted alone"
is "$(sort -u sockets | wc -l)" 6 "in a service of its own"
is "$(services '[.task, .state, .generation]')" \
	'[["sim[0]","stopped",1],["sim[1]","stopped",1],["sim[2]","stopped",1],["sim[3]","stopped",1],["sim[4]","stopped",1],["last","stopped",1]]' \
	"founded once each, and stopped"
ok "no process is left after that" none_left

# ---- kept while its task is tried again, anew for `wf retry` -----------------------------------------------------------
rm -f go sockets ./0 ./1
cat >retry.yaml <<'YAML'
workflow: {name: retry}
services: [{name: db, type: REDIS, scope: task}]
steps:
  - {name: sim, foreach: {i: {range: 2}}, services: [db], retry: {limit: 1, backoff: 10ms}, command: "./count {{ i }} && [ {{ i }} = 0 ] || test -e cured"}
YAML
exits 1 "a task fails twice" "$WF" submit retry.yaml --executor local --wait
is "$(tr '\n' ' ' <1)" "1 2 " "its service was kept in between"
touch cured
ok "retry the run" "$WF" retry @last
ok "it ends well" "$WF" wait @last --timeout 30
is "$(tr '\n' ' ' <1)$(cat 0)" "1 2 1 1" "in a service founded anew, the other was left alone"
is "$(services .generation)" '[1,2]' "of the next generation"

# ---- a list that is known when the run runs ------------------------------------------------------------------------------
rm -f go sockets ./?
cat >list.yaml <<'YAML'
workflow: {name: list}
services:
  - {name: db, type: REDIS, scope: task, after: [base]}
  - {name: base, type: REDIS, scope: step}
steps:
  - {name: list, command: "printf '7\n8\n9\n' >cases"}
  - {name: sim, foreach: {i: {from: list, list: cases}}, parallel: 1, services: [db], command: "./count {{ i }} go"}
  - {name: own, services: [db], command: "./count o"}
YAML
"$WF" submit list.yaml --executor local -q >/dev/null
until_ok 30 "the first task of the list runs" test -s 7.view
is "$(services .label)" \
	'["db (of own)","base (of sim)","base (of own)","db (of sim[0])","db (of sim[1])","db (of sim[2])"]' "what a list brings comes to the end"
is "$(services '.label + " " + .state' | jq -r '.[1, 3, 4]' | tr '\n' ,)" "base (of sim) ready,db (of sim[0]) ready,db (of sim[1]) declared," \
	"the step's own is there before its first task's"
kill_engine
ok "rebuilt from the events it is the same" "$WF" engine recover --rebuild --check
touch go
"$WF" engine start >/dev/null
ok "it ends well" "$WF" wait @last --timeout 60
is "$(cat 7 8 9 o | tr '\n' ' ')" "1 1 1 1 " "each counted alone"
ok "and rebuilt once more" sh -c "'$WF' engine stop && '$WF' engine recover --rebuild --check"

# ---- one that is held, and cancel --------------------------------------------------------------------------------------------
rm -f go sockets ./?
# The back-off is long enough for the service's end to be seen before the next attempt.
cat >hold.yaml <<'YAML'
workflow: {name: hold}
services: [{name: db, type: REDIS, scope: task, on_failure: hold}]
steps:
  - {name: sim, foreach: {i: {range: 2}}, services: [db], retry: {limit: 1, backoff: 3s},
     command: 'if test {{ i }} = 1 && ! test -e killed; then touch killed; redis-cli -s "$REDIS_SOCKET" shutdown nosave; exit 1; fi; ./count {{ i }} never'}
YAML
"$WF" submit hold.yaml --executor local -q >/dev/null
until_ok 30 "one that dies is held" is_state "db (of sim[1])" degraded
until_ok 30 "its task waits for it" is_seen "sim[1]" ready
waits_for_it() { "$WF" explain @last 'sim[1]' | grep -qF "waits for service 'db (of sim[1])', which is held"; }
until_ok 30 "explain says for what" waits_for_it
has "$("$WF" explain @last 'sim[1]')" "wf resolve RUN 'db (of sim[1])' --as" "and what to do"
until_ok 30 "the other task runs on" is_seen "sim[0]" running
ok "resolve it by its name" "$WF" resolve @last 'db (of sim[1])' --as rerun
until_ok 30 "the task goes on" is_seen "sim[1]" running
"$WF" cancel @last >/dev/null
exits 9 "cancel" "$WF" wait @last --timeout 60
is "$(services .state)" '["stopped","stopped"]' "stops every one"
ok "nothing is left of them" none_left

# ---- too many ------------------------------------------------------------------------------------------------------------------
sed 's/range: 5/range: 10001/' task.yaml >many.yaml
exits 3 "more than a run may have" "$WF" submit many.yaml --executor local
has "$("$WF" submit many.yaml --executor local 2>&1)" "many.yaml:2:12: error[E0319]: with service 'db' for each of the tasks that use it" "are refused, where they are declared"
has "$("$WF" plan task.yaml)" "db (REDIS): 6, one for each task that uses it" "a plan says how many there will be"
done_testing

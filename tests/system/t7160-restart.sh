#!/usr/bin/env bash
# t7160-restart.sh - engines that stop or die with a run paused, a task in its back-off, a task held, tasks running
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
. tests/system/hostile.bash
task() { tasks ".items[] | select(.id == \"$1\") | .$2"; }
is_task() { [ "$(task "$1" "$2")" = "$3" ]; }
again() { kill -9 "$(engine)" && "$WF" engine start >/dev/null; }

# ---- paused --------------------------------------------------------------------------------------------------------------
cat >two.yaml <<'YAML'
workflow: {name: two}
steps:
  - {name: a, argv: [./body.sh]}
  - {name: b, after: [a], argv: [./body.sh]}
YAML
touch hold
submit two.yaml
until_ok 20 "a task runs" is_task a state running
ok "pause" "$WF" pause "$run"
again
is "$(status .state)" paused "a paused run is paused after a kill"
touch go
until_ok 20 "what ran ends" is_task a state succeeded
again
is "$(status .state) $(task b state)" "paused ready" "and nothing new starts"
ok "resume" "$WF" resume "$run"
ok "it ends" "$WF" wait "$run" --timeout 20
is "$(lines start)" 2 "each ran once"

# ---- stop, with tasks running ------------------------------------------------------------------------------------------------
fresh
touch hold
submit two.yaml
begun() { [ "$(lines start)" = 1 ]; }
until_ok 20 "a task runs again" begun
pid=$(awk '$1 == "start" { print $4 }' ledger)
ok "engine stop" "$WF" engine stop
ok "its task goes on" kill -0 "$pid"
touch go
ended() { [ "$(lines end)" = 1 ]; }
until_ok 20 "and ends while no engine is there" ended
ok "the next engine hears of it, and goes on" "$WF" wait "$run" --timeout 20
is "$(lines start) $(lines end) $(count '.attempt != 1')" "2 2 0" "nobody was disturbed"

# ---- back-off ----------------------------------------------------------------------------------------------------------------
fresh
cat >back.yaml <<'YAML'
workflow: {name: back}
steps:
  - {name: a, command: "echo start $WF_ATTEMPT $(date +%s%N) >>ledger; test $WF_ATTEMPT = 2", retry: {limit: 1, backoff: 3s}}
YAML
submit back.yaml
until_ok 20 "the first attempt has failed" is_task a state ready
again
again
is "$(task a state)" ready "after two kills it waits on"
has "$("$WF" explain "$run" a)" "attempt" "explain says for what"
ok "and succeeds" "$WF" wait "$run" --timeout 20
waited=$(awk '$2 == 1 { a = $3 } $2 == 2 { b = $3 } END { print int((b - a) / 1000000) }' ledger)
ok "not before its back-off was over ($waited ms)" test "$waited" -ge 2900
is "$(lines start)" 2 "there were two attempts"

# ---- held --------------------------------------------------------------------------------------------------------------------
fresh
rm -f held
cat >held.yaml <<'YAML'
workflow: {name: held}
services: [{name: db, type: REDIS, on_failure: hold}]
steps:
  - {name: a, argv: [./body.sh], services: [db]}
  - {name: b, after: [a], argv: [./body.sh], services: [db]}
YAML
touch hold
submit held.yaml
until_ok 20 "a consumer runs" is_task a state running
kill -9 "$(redis_pid)"
until_ok 20 "a service whose data is lost is held" is_service state degraded
again
is "$(service state)" degraded "it is held after a kill"
touch go
until_ok 20 "its consumer ends" is_task a state succeeded
again
is "$(service state) $(task b state)" "degraded ready" "the next waits, after another kill too"
ok "resolve" "$WF" resolve "$run" db --as rerun
ok "the run ends" "$WF" wait "$run" --timeout 20
until_ok 5 "nothing is left" none_left
ok "the events rebuild what is stored" sh -c "'$WF' engine stop && '$WF' engine recover --rebuild --check"
done_testing

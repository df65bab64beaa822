#!/usr/bin/env bash
# t2100-verbs.sh - cancel, pause, resume, retry, resolve, wait, rm, keys, ids
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
need jq
mkdir -p "$T/w"
cd "$T/w" || exit 1
state() { "$WF" status "${1:-@last}" --json | jq -r .state; }
seen() { "$WF" tasks @last --json | jq -r ".items[] | select(.id == \"$1\") | .state"; }
is_state() { [ "$(state)" = "$1" ]; }
is_seen() { [ "$(seen "$1")" = "$2" ]; }
alive() { pgrep -f "$T/w/marker" >/dev/null; }

# ---- cancel ends process groups -----------------------------------------------------------------------------
cat >marker.sh <<'SH'
#!/bin/bash
# A child of its own, and deaf to TERM: only the whole group's KILL ends it.
trap '' TERM
bash -c "trap '' TERM; while :; do read -t 0.2 <>$0.fifo; done # $PWD/marker" &
while :; do read -t 0.2 <>"$0.fifo"; done
SH
chmod +x marker.sh
mkfifo marker.sh.fifo
cat >long.yaml <<'YAML'
workflow: {name: long}
steps:
  - {name: one, command: ./marker.sh}
  - {name: two, after: [one], argv: ["true"]}
YAML
run=$("$WF" submit long.yaml --executor local -q)
until_ok 20 "the task runs" is_seen one running
until_ok 20 "and has a child" alive
exits 8 "wait with a time-out says: still running" "$WF" wait "$run" --timeout 100ms
ok "cancel is accepted" "$WF" cancel "$run"
ok "and safe to repeat" "$WF" cancel "$run"
exits 9 "wait says: canceled" "$WF" wait "$run" --timeout 60
is "$(seen one) $(seen two)" "canceled canceled" "both tasks are canceled"
none_alive() { ! alive; }
ok "no process of it is left" none_alive
exits 6 "pause of a finished run is refused" "$WF" pause "$run"
exits 6 "so is resume" "$WF" resume "$run"
cat >marker.sh <<'SH'
#!/bin/bash
exit 0
SH
ok "a canceled run is taken up again" "$WF" retry "$run"
ok "and succeeds" "$WF" wait "$run" --timeout 60

# ---- what a run ends in ---------------------------------------------------------------------------------------
cat >chain.yaml <<'YAML'
workflow: {name: chain}
steps:
  - {name: a, command: sleep 0.2}
  - {name: b, after: [a], command: sleep 0.2}
  - {name: sig, after: [b], command: "kill -KILL $$"}
YAML
run=$("$WF" submit chain.yaml --executor local -q)
# One request sees the end, whatever changes on the way to it: that is what `wf wait` asks for.
cat >ask.py <<'PY'
import http.client, json, os, socket, sys
c = http.client.HTTPConnection("localhost")
c.sock = socket.socket(socket.AF_UNIX)
c.sock.connect(os.environ["WF_STATE_DIR"] + "/socket")
c.request("GET", "/api/v1/runs/" + sys.argv[1])
r = c.getresponse()
print(r.status, json.load(r).get("state"))
PY
is "$(python3 ask.py "$run?until=end&wait=50")" "200 failed" "one request waits for the end of a run"
is "$(python3 ask.py "$run?until=noon&wait=50" | cut -d' ' -f1)" 400 "and knows what to wait for"
has "$("$WF" status "$run")" "look at   sig: killed by signal 9" "status names the task, although a word of the text begins like it"

# ---- pause -----------------------------------------------------------------------------------------------------
cat >pause.yaml <<'YAML'
workflow: {name: paused}
steps:
  - {name: gate, command: "until test -e go; do sleep 0.02; done"}
  - {name: after, after: [gate], argv: ["true"]}
YAML
run=$("$WF" submit pause.yaml --executor local -q)
until_ok 20 "the gate runs" is_seen gate running
ok "pause" "$WF" pause "$run"
is "$(state)" paused "the run is paused"
has "$("$WF" explain "$run" after)" "gate" "explain says what it waits for"
touch go
until_ok 20 "what runs goes on and ends" is_seen gate succeeded
is "$(seen after)" ready "nothing new starts"
has "$("$WF" explain "$run" after)" "paused" "explain says why"
exits 6 "pause twice is refused" "$WF" pause "$run"
ok "resume" "$WF" resume "$run"
ok "and the rest runs" "$WF" wait "$run" --timeout 20

# ---- retry: only what failed or did not run -----------------------------------------------------------------------
cat >again.yaml <<'YAML'
workflow: {name: again}
steps:
  - {name: good, command: echo good >> starts}
  - {name: bad, after: [good], command: "echo bad >> starts; test -e cured"}
  - {name: below, after: [bad], command: echo below >> starts}
YAML
exits 1 "a run fails" "$WF" submit again.yaml --executor local --wait
is "$(seen below)" skipped "what follows is skipped"
touch cured
ok "retry" "$WF" retry @last
ok "it succeeds" "$WF" wait @last --timeout 20
is "$(tr '\n' , <starts)" "good,bad,bad,below," "only the failed task and what hangs on it ran"
exits 6 "retry of a succeeded run is refused" "$WF" retry @last

# ---- a list of no use ------------------------------------------------------------------------------------------
cat >list.yaml <<'YAML'
workflow: {name: listless}
services: [{name: db, type: COMMAND, command: exec sleep 60, ready: {exec: ["true"]}}]
steps:
  - {name: make, command: "echo made >>starts.list"}
  - {name: fan, foreach: {x: {from: make, list: list.json}}, command: 'echo "{{ x }}" >>got.list', if_empty: run, services: [db]}
  - {name: post, after: [{step: fan, each: true}], argv: ["true"]}
  - {name: sum, after: [post], command: 'wc -l <got.list >sum.list'}
YAML
run=$("$WF" submit list.yaml --executor local -q)
exits 1 "a list that is not there fails the run" "$WF" wait "$run" --timeout 20
has "$("$WF" status "$run" --json | jq -r '.attention[0].text')" "list" "and says so"
has "$("$WF" explain "$run" sum)" "skipped: the list of 'fan' cannot be used" "what comes after it is skipped"
"$WF" retry "$run" >/dev/null
exits 1 "a retry without a cure fails again" "$WF" wait "$run" --timeout 20
"$WF" engine stop >/dev/null
echo '["red", "green"]' >list.json
ok "a retry reads the list again" "$WF" retry "$run"
ok "and the run succeeds" "$WF" wait "$run" --timeout 20
is "$(sort got.list | tr '\n' ,) $(wc -l <starts.list) $(cat sum.list)" "green,red, 1 2" "with the list's tasks and all that follows, and nothing else"
is "$("$WF" status "$run" --json | jq -c .attention)" "[]" "and nothing wants attention"
"$WF" engine stop >/dev/null
exits 0 "a rebuilt store is the same" "$WF" engine recover --rebuild --check

"$WF" engine stop >/dev/null
ok "a run retried after the engine left and came back" sh -c "rm cured; '$WF' submit again.yaml --executor local --wait; '$WF' engine stop; touch cured; '$WF' retry @last && '$WF' wait @last --timeout 20"

# ---- a name within names ------------------------------------------------------------------------------------------------
printf 'workflow: {name: "of {{ SESSION }}"}\nsteps:\n  - {name: "a-{{ SESSION }}", command: "echo $IOI_WORKFLOW_NAME"}\n' >session.yaml
ok "IO-SEA's name of the session stands in other names" "$WF" submit session.yaml --executor local --name bay --wait
ok "the engine stops" "$WF" engine stop
is "$("$WF" logs @last a-bay)" "of bay" "and the next one reads them the same way"

exits 7 "a state directory that cannot be" env WF_STATE_DIR=/dev/null/state "$WF" ls
has "$(WF_STATE_DIR=/dev/null/state "$WF" ls 2>&1)" "cannot make directory '/dev/null/state'" "is told why"

# ---- keys and ids ----------------------------------------------------------------------------------------------------
echo 'workflow: {name: keyed}
steps: [{name: a, argv: ["true"]}]' >keyed.yaml
a=$("$WF" submit keyed.yaml --executor local --key k1 -q)
b=$("$WF" submit keyed.yaml --executor local --key k1 -q)
is "$a" "$b" "the same key answers with the same run"
exits 6 "the same key with another file is refused" "$WF" submit again.yaml --executor local --key k1
has "$("$WF" submit again.yaml --executor local --key k1 2>&1)" "run $a ('keyed', " "naming the run that has it, and its state"
ok "a suffix of the id names it" "$WF" status "${a: -8}"
ok "its name too" "$WF" status keyed
exits 5 "an unknown run" "$WF" status nosuch
has "$err" "nosuch" "is named"
exits 5 "an unknown task" "$WF" show keyed nosuch
exits 5 "an unknown file" "$WF" submit nosuch.yaml
"$WF" wait keyed --timeout 20
ok "rm forgets a finished run" "$WF" rm keyed
exits 5 "and it is gone" "$WF" status "$a"
exits 10 "slurm has no agent yet" "$WF" submit keyed.yaml --executor slurm
has "$err" "slurm" "and the answer says so"
exits 10 "no such executor" "$WF" submit keyed.yaml --executor moon
echo 'workflow: {name: huge}
steps: [{name: a, argv: ["true"], resources: {cpus: 5000}}]' >huge.yaml
exits 10 "what can never fit is refused at once" "$WF" submit huge.yaml --executor local
has "$err" "huge.yaml:2" "with its place"
done_testing

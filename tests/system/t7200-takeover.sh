#!/usr/bin/env bash
# t7200-takeover.sh - another host takes a state directory over: from an engine that sleeps, that was killed, that wakes up again
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
. tests/system/hostile.bash
. "$ROOT/tests/system/hosts.bash"
need python3
need sqlite3
here=$(hostname -s)
host login2
export WF_IDLE=never WF_LEASE=1s
two() { on login2 "$@"; }
pid_of_owner() { jq .pid "$WF_STATE_DIR/owner"; }
owner_host() { jq -r .host "$WF_STATE_DIR/owner"; }
keys() { "$WF" ls --json --limit 500 | jq -r '.items[].key // empty' | sort; }
# What an engine is asked while it sleeps: the request lies in its socket, and what comes back ever is in the file.
ask() { # file method path [body]
	python3 - "$WF_STATE_DIR" "$@" <<'P' &
import os, socket, sys
dir, out, method, path, body = (sys.argv + [""])[1:6]
os.chdir(dir)
s = socket.socket(socket.AF_UNIX)
s.connect("socket")
s.sendall((f"{method} /api/v1/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
           f"Content-Length: {len(body)}\r\n\r\n" + body).encode())
open(out + ".sent", "w").close()
got = b""
try:
    while True:
        b = s.recv(65536)
        if not b: break
        got += b
        if b"\r\n\r\n" in got: break
except ConnectionError: pass
open(out + ".tmp", "wb").write(got)
os.rename(out + ".tmp", out)
P
	until [ -e "$1.sent" ]; do read -r -t 0.02 <>"$T/.tick" || :; done
}
submit_body() { jq -nc --arg t "$(cat small.yaml)" --arg d "$PWD" --arg k "$1" '{workflow: $t, workdir: $d, key: $k, executor: "local"}'; }

printf 'workflow: {name: small}\nsteps: [{name: a, argv: ["true"]}]\n' >small.yaml
cat >long.yaml <<'Y'
workflow: {name: long}
steps:
  - {name: a, foreach: {i: {range: 2}}, command: ./body.sh}
  - {name: b, after: [a], argv: ["true"]}
Y

# ---- an engine that sleeps -------------------------------------------------------------------------------------------------
export WF_STATE_DIR=$T/s1
touch hold
submit long.yaml --key long
until_ok 20 "two tasks run" count_is '.state == "running"' 2
old=$(pid_of_owner)
# A client submits as fast as it is answered; then the engine stops, wherever it is.
: >acked
(for i in $(seq 500); do "$WF" submit small.yaml --executor local --key "k$i" -q >/dev/null 2>&1 || exit; echo "k$i" >>acked; done) &
client=$!
until_ok 20 "a client is answered" test "$(wc -l <acked)" -ge 0
until [ "$(wc -l <acked)" -ge 15 ]; do read -r -t 0.02 <>"$T/.tick" || :; done
kill -STOP "$old"
kill "$client"; wait "$client" 2>/dev/null
ask "$T/write" POST runs "$(submit_body late)"
ask "$T/read" GET runs
mv "$WF_STATE_DIR/socket" "$WF_STATE_DIR/hidden"

exits 7 "a client on another host: exit 7" two "$WF" ls
has "$err" "host '$here' (pid $old)" "names the owner"
exits 7 "engine start, too" two "$WF" engine start
has "$err" "host '$here'" "names it"
is "$(owner_host)" "$here" "and took nothing"

before=$(date +%s%N)
exits 0 "with --takeover it is taken" two "$WF" engine start --takeover
after=$(date +%s%N)
has "$err" "taking over from host '$here' (pid $old)" "it says from whom"
has "$err" "waiting 1 s" "and how long it waits"
ok "it did wait" test $(((after - before) / 1000000)) -ge 1000
is "$(owner_host)" login2 "the owner is the new one"
data=$WF_STATE_DIR/$(jq -r .data "$WF_STATE_DIR/owner")
ok "its database lies in its epoch" test -f "$data/wf.db" -a "$data" != "$WF_STATE_DIR/"
new=$(two "$WF" engine status --json | jq .pid)
ok "it serves" test -n "$new"
keys >have
lost=$(comm -23 <(sort acked) have)
is "$lost" "" "nothing that was acknowledged is lost ($(wc -l <acked) runs)"
is "$(count '.state == "held"')" 2 "the tasks of the other host are held, for nobody can tell"
has "$(two "$WF" explain "$run" 'a[0]')" "$here" "which is said with the host's name"

# ---- it wakes up ----------------------------------------------------------------------------------------------------------
kill -CONT "$old"
until_ok 20 "the old engine ends" gone "$old"
until [ -e "$T/write" ] && [ -e "$T/read" ]; do read -r -t 0.02 <>"$T/.tick" || :; done
is "$(cat "$T/write" "$T/read")" "" "without answering what it was asked"
has "$(tail -n 3 "$WF_STATE_DIR/engine.log")" "another engine owns" "it says why in its log"
# It may have looked before it wrote.
wrote=$(sqlite3 "$WF_STATE_DIR/wf.db" "SELECT count(*) FROM run WHERE key = 'late'" 2>&1)
has "0 1" "$wrote" "its last write, if there was one, went to its own files ($wrote)"
lacks "$(keys)" late "and reached no reader"
ok "the new one's socket is there" test -S "$WF_STATE_DIR/socket"
is "$("$WF" engine status --json | jq -r .host)" login2 "a client sees the new one"
ok "which takes what the old one was asked" "$WF" submit small.yaml --executor local --key late --wait
is "$(lines twice)" 0 "no task runs twice"
is "$(lines start)" 2 "each was started once"

# ---- killed on the new host: followed in place there ---------------------------------------------------------------------------
# The old agent's tasks go on, and nobody here asks this host's agent for them.
two kill -9 "$new"
rm "$WF_STATE_DIR/socket"
exits 0 "the next engine there needs no takeover" two "$WF" ls
is "$(jq -r .data "$WF_STATE_DIR/owner")" "${data#"$WF_STATE_DIR"/}" "it goes on in the same files"
is "$(count '.state == "held"')" 2 "and holds what was held"
exits 0 "a person says what became of one" "$WF" resolve "$run" 'a[0]' --as succeeded

# ---- back ---------------------------------------------------------------------------------------------------------------------
two "$WF" engine stop >/dev/null
exits 7 "what was stopped there is not proven dead here" "$WF" ls
has "$err" "login2" "it is named"
exits 0 "back with --takeover" "$WF" engine start --takeover
until_ok 20 "its agent is asked for what it kept: both tasks run" count_is '.state == "running" or .state == "succeeded"' 2
touch go
ok "the run ends" "$WF" wait "$run" --timeout 20
is "$(lines start) $(lines end) $(lines twice)" "2 2 0" "everything ran once"
"$WF" engine stop >/dev/null
ok "what is stored is what the events say" "$WF" engine recover --rebuild --check

# ---- told to end while it sleeps: the name of the socket is not its any more ------------------------------------------------------
fresh
export WF_STATE_DIR=$T/s2
submit small.yaml --key one
"$WF" wait "$run" --timeout 20 >/dev/null
old=$(pid_of_owner)
kill -STOP "$old"
rm "$WF_STATE_DIR/socket"
exits 0 "taken over" two "$WF" engine start --takeover
kill -TERM "$old"
kill -CONT "$old"
until_ok 20 "the old one ends" gone "$old"
is "$("$WF" engine status --json | jq -r .host)" login2 "and leaves the new one its socket"
two "$WF" engine stop >/dev/null

# ---- a service that was left behind -------------------------------------------------------------------------------------------
export WF_STATE_DIR=$T/s3
fresh
touch hold
cat >db.yaml <<'Y'
workflow: {name: db}
services: [{name: db, type: REDIS}]
steps: [{name: a, command: ./body.sh, services: [db], on_unknown: rerun}]
Y
submit db.yaml --key db
until_ok 20 "its consumer runs" count_is '.state == "running"' 1
old=$(pid_of_owner)
kill -9 "$old"
rm -f "$WF_STATE_DIR/socket"
exits 0 "taken over" two "$WF" engine start --takeover
until_ok 20 "the service is held" is_service held true
ok "no second one was founded" test "$(redis_pid | wc -w)" = 1
touch go
exits 0 "a person says it is gone" "$WF" resolve "$run" db --as rerun
until_ok 20 "another is founded, and the run ends" is_status .state succeeded
"$WF" engine stop >/dev/null
pid=$(agent) && kill "$pid"
until_ok 20 "nothing is left" none_left

hosts_end
done_testing

#!/usr/bin/env bash
# t7140-owners.sh - two engines at once, an owner on another host, a damaged owner file, an open directory, idle exit
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
. tests/system/hostile.bash
ENGINE=$(dirname "$WF")/wf-engine
# The engines on a directory, by their command line; whoever waits for its daemon has the same, so count who holds a session.
engines() { local p; for p in $(pgrep -f "wf-engine.*$1\$"); do [ "$(ps -o sid= -p "$p" | tr -d ' ')" = "$p" ] && echo "$p"; done; }

# ---- two at once, twenty times -------------------------------------------------------------------------------------------
# A loser waits a little for the lock before it gives up: five directories at a time.
race() {
	local one two rc1 rc2
	export WF_STATE_DIR=$T/s$1
	"$ENGINE" --state-dir "$WF_STATE_DIR" >"$T/o1.$1" 2>&1 & one=$!
	"$ENGINE" --state-dir "$WF_STATE_DIR" >"$T/o2.$1" 2>&1 & two=$!
	wait $one; rc1=$?
	wait $two; rc2=$?
	case $rc1$rc2 in 06 | 60) ;; *) echo "exit codes $rc1 and $rc2: $(cat "$T/o1.$1" "$T/o2.$1")" ;; esac
	grep -q "an engine is running already" "$WF_STATE_DIR/engine.log" || echo "engine.log does not say why one left"
	[ "$(engines "$WF_STATE_DIR" | wc -l)" = 1 ] || echo "engines: $(engines "$WF_STATE_DIR")"
	[ "$("$WF" engine status --json | jq .pid)" = "$(engines "$WF_STATE_DIR")" ] || echo "another answers"
	"$WF" engine stop >/dev/null || echo "it does not stop"
}
for i in 1 2 3 4; do
	pids=
	for k in 1 2 3 4 5; do race "$i$k" >"$T/race.$i$k" 2>&1 & pids="$pids $!"; done
	# shellcheck disable=SC2086
	wait $pids
done
is "$(cat "$T"/race.*)" "" "of two engines started at once exactly one serves and engine.log says why, 20 times"

# Two clients that both find no engine: both are served, by one.
export WF_STATE_DIR=$T/clients
printf 'workflow: {name: small}\nsteps: [{name: a, argv: ["true"]}]\n' >small.yaml
"$WF" submit small.yaml --executor local -q >"$T/c1" 2>"$T/e1" & one=$!
"$WF" submit small.yaml --executor local -q >"$T/c2" 2>"$T/e2" & two=$!
wait $one; rc1=$?
wait $two; rc2=$?
is "$rc1 $rc2" "0 0" "two clients that start an engine at once are both served"
is "$("$WF" ls --json | jq '.items | length')" 2 "by one engine"
has "$("$WF" ls --json)" "$(cat "$T/c1")" "each has its run"

# ---- the same key, from two clients at once, fifty times --------------------------------------------------------------------
differ=0
for i in $(seq 50); do
	"$WF" submit small.yaml --executor local --key "k$i" -q >"$T/c1" 2>/dev/null & one=$!
	"$WF" submit small.yaml --executor local --key "k$i" -q >"$T/c2" 2>/dev/null & two=$!
	wait $one && wait $two && [ -s "$T/c1" ] && cmp -s "$T/c1" "$T/c2" || { differ=$((differ + 1)); cat "$T/c1" "$T/c2" | sed 's/^/# /'; }
done
is "$differ" 0 "two clients with one key get one run, 50 times"
is "$("$WF" ls --json --limit 500 | jq '.items | length')" 52 "there are as many runs as keys"
"$WF" engine stop >/dev/null

# ---- another host's ----------------------------------------------------------------------------------------------------------
cp "$WF_STATE_DIR/owner" "$T/owner"
jq -c '.host = "login7.example.org" | .boot_id = "00000000-0000-0000-0000-000000000000"' "$T/owner" >"$WF_STATE_DIR/owner"
exits 7 "an owner on another host: exit 7" "$WF" status
has "$err" "login7.example.org" "which is named"
exits 7 "submit says so too" "$WF" submit small.yaml --executor local
exits 7 "and wf-engine itself" "$ENGINE" --state-dir "$WF_STATE_DIR"
is "$(engines "$WF_STATE_DIR")" "" "no engine was started"
is "$(jq -r .host "$WF_STATE_DIR/owner")" "login7.example.org" "the owner file is as it was"

# ---- damaged -----------------------------------------------------------------------------------------------------------------
for text in '' '{"host":' 'nonsense'; do
	printf '%s' "$text" >"$WF_STATE_DIR/owner"
	exits 10 "an owner file that says '$text': exit 10" "$WF" submit small.yaml --executor local
	has "$err" "owner' is damaged" "says so"
	has "$err" "remove it" "with a cure"
done
rm "$WF_STATE_DIR/owner"
ok "the cure works" "$WF" status
"$WF" engine stop >/dev/null

# ---- a directory that others can read ----------------------------------------------------------------------------------------------
chmod 755 "$WF_STATE_DIR"
exits 4 "an open state directory: exit 4" "$WF" submit small.yaml --executor local
has "$err" "chmod 700 " "with a cure"
chmod 700 "$WF_STATE_DIR"

# ---- idle ------------------------------------------------------------------------------------------------------------------------------
export WF_STATE_DIR=$T/idle
export WF_IDLE=1s
"$WF" submit small.yaml --executor local --wait -q >/dev/null
pid=$("$WF" engine status --json | jq .pid)
until_ok 20 "an idle engine leaves" gone "$pid"
exits 0 "the next command does not notice" "$WF" status @last
now=$(jq .pid "$WF_STATE_DIR/owner")
ok "though it is another one" test "$now" != "$pid"
fresh
touch hold
printf 'workflow: {name: long}\nsteps: [{name: a, command: ./body.sh}]\n' >long.yaml
submit long.yaml
until_ok 20 "a task runs" count_is '.state == "running"' 1
pid=$(engine)
# Longer than the idle time, told by its own clock: another directory's engine comes and goes meanwhile.
other() { WF_STATE_DIR=$T/idle2 "$@"; }
other "$WF" submit small.yaml --executor local --wait -q >/dev/null
opid=$(other "$WF" engine status --json | jq .pid)
until_ok 20 "another engine leaves idle" gone "$opid"
ok "one with a live run stays" kill -0 "$pid"
touch go
ok "and the run ends" "$WF" wait "$run" --timeout 20
done_testing

#!/bin/sh
# Waiting and watching: the exit code follows the run, the engine may die meanwhile, Ctrl-C leaves the run alone.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
id=01jd8m3v5qk7x2f4h6n8p0r2t4
esc=$(printf '\033')

# A run that is running for so many answers, then ends so.
ends() { # state [more of the script]
	printf '{"GET /api/v1/runs/%s": [{"run":"running"},{"run":"running"},{"run":"%s"}]%s}' "$id" "$1" "${2:+, $2}"
}

for way in "succeeded 0" "failed 1" "canceled 9"; do
	state=${way% *} rc=${way#* }
	fake "$(ends "$state")"
	try "$rc" "wait for a run that $state" "$WF" wait crack
	has out "crack (n8p0r2t4) $state"
	grep -q "GET /api/v1/runs/$id?until=end&wait=50" "$S/requests"
	result $? "... asks for its id, its end, and to be kept waiting"
	end_fake
	fake "$(ends "$state")"
	try "$rc" "watch it without a terminal" "$WF" watch crack
	has out "crack (n8p0r2t4) running for"
	[ "$(grep -c running "$T/out")" -eq 1 ]
	result $? "... one line for changes that follow at once"
	has out "crack (n8p0r2t4) $state"
	hasnt out "$esc"
	end_fake
	fake "$(ends "$state")"
	TERM=xterm try "$rc" "watch it on a terminal" "$here/in_pty.py" --size 24x80 --screen --raw "$T/raw" "$WF" watch crack
	has out "simulate failed"
	[ "$(grep -n 'simulate failed' "$T/out" | cut -d: -f1)" -lt "$(grep -n 'prepare  succeeded' "$T/out" | cut -d: -f1)" ]
	result $? "... what failed stands above what succeeded"
	grep -q "$esc\[?25h" "$T/raw"
	result $? "... and the cursor is shown again"
	end_fake
done
fake
try 8 "wait that gives up at once" "$WF" wait crack --timeout 0
has err "running"
[ "$(grep -c "^GET /api/v1/runs/" "$S/requests")" -eq 1 ]
result $? "... after one question"
try 8 "wait that gives up after a second" "$WF" wait crack --timeout 1s
try 8 "wait -q" "$WF" wait -q "$id" --timeout 0
[ ! -s "$T/out" ]
result $? "... prints no result"
end_fake

# --- several, and tasks
fake "{\"GET /api/v1/runs/$id\": {\"run\": \"succeeded\"}, \"GET /api/v1/runs/crack\": {\"run\": \"failed\"}}"
try 1 "wait for two, of which one failed" "$WF" wait "$id" crack
try 1 "... in the other order" "$WF" wait crack "$id"
try 1 "... --json is one list" "$WF" wait crack "$id" --json
python3 -c 'import json, sys; assert len(json.load(sys.stdin)["items"]) == 2' <"$T/out"
result $? "... of both"
try 1 "... --json of one is the run" "$WF" wait crack --json
has out '"state": "failed"'
try 5 "wait for one that is none, and one that failed" "$WF" wait nosuch crack
end_fake
fake
try 1 "wait for a task that failed" "$WF" wait crack --task 'simulate[3]'
try 0 "... that succeeded" "$WF" wait crack --task prepare
try 8 "... that waits" "$WF" wait crack --task gather --timeout 0
try 5 "... that is none" "$WF" wait crack --task nosuch
end_fake

# --- small screens, many steps
steps=$(python3 -c '
import json
counts = dict.fromkeys("waiting ready submitting queued running unknown held canceling succeeded failed skipped canceled".split(), 0)
print(json.dumps({"body": {"items": [{"step": "a-step-with-a-rather-long-name-%03d" % i, "count": 1000000, "counts": {**counts, "running": 1000000,
    "total": 1000000}, "weight": 1, "wants": [], "time_ms": 0, "services": []} for i in range(200)]}}))')
for size in 24x80 10x40 5x20; do
	fake "$(ends succeeded "\"GET /api/v1/runs/$id/steps\": $steps")"
	TERM=xterm try 0 "200 steps on a screen of $size" "$here/in_pty.py" --size "$size" --screen "$WF" watch crack
	has out "crack n8p0r2t4 succ"
	end_fake
done

# --- Ctrl-C
fake
TERM=xterm try 130 "Ctrl-C in watch" "$here/in_pty.py" --interrupt-after prepare "$WF" watch crack
has out "wf: detached; run n8p0r2t4 goes on"
has out "${esc}[?25h"
! grep -q cancel "$S/requests"
result $? "... cancels nothing"
# A shell without a terminal starts what stands before & with SIGINT ignored, and what is ignored stays so.
env --default-signal=INT "$WF" wait crack >"$T/out" 2>"$T/err" &
pid=$!
until [ -r "$S/requests" ] && grep -q 'wait=50' "$S/requests"; do kill -0 $pid || break; done
kill -INT $pid
wait $pid
[ $? -eq 130 ]
result $? "Ctrl-C in wait"
has err "wf: detached; run n8p0r2t4 goes on"
end_fake

# --- the engine dies and comes back
fake "{\"GET /api/v1/runs/$id\": [{\"run\": \"running\"}, {\"die\": true}]}"
"$WF" wait crack >"$T/out" 2>"$T/err" &
pid=$!
until [ -r "$S/requests" ] && grep -q 'wait=50' "$S/requests"; do kill -0 $pid || break; done
until gone "$(cat "$S/pid")"; do :; done
ends succeeded >"$S/script.json"
wait $pid
result $? "an engine that died is started again, and the run followed to its end"
[ "$(wc -l <"$S/starts")" -eq 2 ]
result $? "... by us, once"
end_fake
fake "{\"GET /api/v1/runs/$id\": [{\"run\": \"running\"}, {\"die\": true}]}"
"$WF" watch crack >"$T/out" 2>"$T/err" &
pid=$!
until [ -r "$S/requests" ] && grep -q 'wait=10' "$S/requests"; do kill -0 $pid || break; done
until gone "$(cat "$S/pid")"; do :; done
ends failed >"$S/script.json"
"$T/bin/wf-engine" --state-dir "$S"
wait $pid
[ $? -eq 1 ]
result $? "one that somebody else starts again is found"
has err "waiting for it"
has err "the engine is back"
done_testing

#!/bin/sh
# shellcheck disable=SC2119 # fake without a script
# What goes where: data and talk, colour, widths, streams that are closed, full or gone, bytes that would move the cursor.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
esc=$(printf '\033')
fake

for c in ls "status crack" "tasks crack" "show crack simulate[3]" "explain crack gather" "services" "config"; do
	# shellcheck disable=SC2086
	try 0 "wf $c | cat" "$WF" $c
	hasnt out "$esc"
	awk 'length > 80 { exit 1 }' "$T/out"
	result $? "... in 80 columns"
done
for c in ls "tasks crack" "tasks crack --failed" services "services crack" config; do
	# shellcheck disable=SC2086
	TERM=xterm try 0 "the table of wf $c on 70 columns" "$here/in_pty.py" --size 24x70 --screen --strict "$WF" $c
done
try 0 "--color always" "$WF" ls --color always
has out "${esc}[31m1${esc}[0m"
TERM=xterm try 0 "a terminal has colour" "$here/in_pty.py" "$WF" ls
has out "${esc}[36mrunning${esc}[0m"
NO_COLOR=1 TERM=xterm try 0 "NO_COLOR takes it away" "$here/in_pty.py" "$WF" ls
hasnt out "$esc"
NO_COLOR='' TERM=xterm try 0 "an empty NO_COLOR does not" "$here/in_pty.py" "$WF" ls
has out "${esc}[36mrunning"
TERM=dumb try 0 "TERM=dumb takes it away" "$here/in_pty.py" "$WF" ls
hasnt out "$esc"
TERM=xterm try 0 "--color never takes it away" "$here/in_pty.py" "$WF" ls --color never
hasnt out "$esc"
has out "running"
LC_ALL=C TERM=xterm try 130 "no glyph beyond ASCII where the locale has none" "$here/in_pty.py" --size 8x60 --interrupt-after 42/96 "$WF" watch crack
tr -d ' -~\n\033' <"$T/out" >"$T/rest"
[ ! -s "$T/rest" ]
result $? "... none"

# --- streams
sh -c 'exec "$0" ls >&-' "$WF" 2>"$T/err"
[ $? -eq 10 ]
result $? "standard output closed: 10"
has err "standard output is closed"
"$WF" ls >/dev/full 2>"$T/err"
[ $? -eq 10 ]
result $? "standard output full: 10"
has err "cannot write to standard output: No space left on device"
{ "$WF" help errors; echo $? >"$T/rc"; } | true
rc=$(cat "$T/rc")
[ "$rc" -eq 141 ] || [ "$rc" -eq 0 ]
result $? "the reader left: 141 (or everything was written before, $rc)"
printf '{"GET /api/v1/runs/crack/tasks/prepare/log": {"text": "%s", "headers": {"Wf-Log-Complete": "true"}}}' \
	"$(head -c 200000 /dev/zero | tr '\0' x)" >"$S/script.json"
{ "$WF" logs crack prepare; echo $? >"$T/rc"; } | head -c 1 >/dev/null
[ "$(cat "$T/rc")" -eq 141 ]
result $? "a reader of one byte: 141"
(
	trap '' PIPE
	"$WF" logs crack prepare 2>"$T/err"
	echo $? >"$T/rc"
) | head -c 1 >/dev/null
[ "$(cat "$T/rc")" -eq 141 ]
result $? "the same where SIGPIPE is ignored"

# --- text from outside
cat >"$S/script.json" <<'J'
{"GET /api/v1/runs/crack/tasks/gather/why": {"body": {"state": "failed", "why": "says \u001b]0;evil\u0007 and\nnewline \u009b2J", "because": []}},
 "GET /api/v1/runs/nosuch": {"status": 404, "body": {"code": "not_found", "detail": "no run '\u001b[2J'"}}}
J
try 0 "control bytes in a reason" "$WF" explain crack gather
has out 'says \x1b]0;evil\x07 and\x0anewline \x9b2J'
hasnt out "$esc"
try 5 "control bytes in an error" "$WF" status nosuch
has err "wf: no run '\\x1b[2J'"
hasnt err "$esc"
try 0 "--json has them as JSON has them" "$WF" explain crack gather --json
has out '\u001B]0;evil'

# --- quiet and JSON
try 0 "-q" "$WF" ls -q
same out - <<'O'
01jd8m3v5qk7x2f4h6n8p0r2t4
01jd8m3v5qk7x2f4h6n8p0r2aa
O
for c in ls "status" "status crack" "tasks crack" "show crack prepare" "explain crack gather" "services" "services crack" "events crack" \
	"config" "engine status" "version" "cancel crack" "cancel crack @last" "retry crack" "pause crack" "resume crack" \
	"resolve crack simulate[3] --as failed" "graph crack --format json"; do
	j=--json
	case $c in graph*) j= ;; esac
	# shellcheck disable=SC2086
	try 0 "wf $c --json" "$WF" $c $j
	python3 -c 'import json, sys; json.load(sys.stdin)' <"$T/out" 2>>"$T/err"
	result $? "... is one JSON document"
done
done_testing

#!/usr/bin/env bash
# t7135-checker.sh - the checker of the kill sweep sees: copies of a good directory, each damaged in one way, each found
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
need sqlite3
. tests/fault/build.bash
# One undisturbed trial, whose directory is kept.
"$FAULT_TESTS/sweep" --keep "$T/good" >"$T/sweep.log" 2>&1 || { cat "$T/sweep.log"; echo "Bail out! no good directory to begin with"; exit 1; }
good=$T/good
check=$FAULT_TESTS/check
ok "a good directory is found good" "$check" --calm "$good"

damaged() { # text expected-words command...
	local text=$1 want=$2
	shift 2
	rm -rf "$T/bad"
	cp -a "$good" "$T/bad"
	(cd "$T/bad" && "$@") >"$T/.damage" 2>&1 || { cat "$T/.damage"; echo "Bail out! cannot damage: $text"; exit 1; }
	capture "$check" --calm "$T/bad"
	local rc=$?
	case $rc$out in 1*"$want"*) rc=0 ;; *) rc=1 ;; esac
	tap_report $rc "found: $text"
}
sql() { sqlite3 s/wf.db "$1"; }
token() { awk -v n="$1" '$1 == "start" && ++k == n { print $2 }' w/ledger; }

# ---- lost ------------------------------------------------------------------------------------------------------------
last_row() { sql "DELETE FROM events WHERE first_seq = (SELECT max(first_seq) FROM events WHERE run > 0)"; }
middle_row() { sql "DELETE FROM events WHERE first_seq = (SELECT first_seq FROM events ORDER BY first_seq LIMIT 1 OFFSET 9)"; }
flipped() { sql "UPDATE events SET blob = substr(blob, 1, length(blob) - 1) || x'7f' WHERE first_seq = (SELECT first_seq FROM events ORDER BY length(blob) DESC LIMIT 1)"; }
two_engines() { sql "UPDATE events SET epoch = 9 WHERE first_seq = (SELECT first_seq FROM events ORDER BY first_seq LIMIT 1 OFFSET 5)"; }
run_row() { sql "UPDATE run SET state = 6 WHERE number = 1"; }
missing_row() { sql "DELETE FROM lease WHERE run = 1 AND service = 0"; }
service_row() { sql "UPDATE service SET seq = seq - 1 WHERE number = 0"; }
task_row() { sql "UPDATE tasks SET records = x'06' || substr(records, 2) WHERE run = 1 AND instance = 0"; }
forgotten_run() { sed -i 's/^submit main [^ ]*/submit main 01zzzzzzzzzzzzzzzzzzzzzzzz/' acks; }
other_end() { sed -i 's/^\(ended [^ ]*\) succeeded/\1 failed/' acks; }
later_answer() { id=$(awk '$1 == "submit" { print $3; exit }' acks); echo "seen $id 999999" >>acks; }
no_pause() { id=$(awk '$2 == "other" { print $3 }' acks); echo "pause $id 1" >>acks; }
no_end() { sed -i "0,/^end /{/^end /d}" w/ledger; }
damaged "the last events of a run are gone" "lost:" last_row
damaged "a row in the middle is gone" "numbers have a gap" middle_row
damaged "a byte of an event is another" "checksum" flipped
damaged "events of an older engine after those of a newer" "after one of engine" two_engines
damaged "a run's row says another state" "its row says state" run_row
damaged "a lease's row is missing" "rows of lease" missing_row
damaged "a service's row is older than its last event" "its row says state" service_row
damaged "a task's record says another state" "the events say" task_row
damaged "an acknowledged run that no event knows" "no event knows that run" forgotten_run
damaged "a run that was said to have ended otherwise" "was said to be failed" other_end
damaged "an answer as of an event that is not there" "its last is" later_answer
damaged "an acknowledged pause that no event says" "no event says so" no_pause
damaged "a success that never came to its end" "with 1 starts and 0 ends" no_end

# ---- twice -------------------------------------------------------------------------------------------------------------
again() { grep -m 1 '^start' w/ledger >>w/ledger.more; cat w/ledger.more >>w/ledger; }
never_started() { sed -i "0,/^start /s|^start \([^ ]*\)/[0-9]* |start \1/4711 |" w/ledger; }
at_once() { echo "twice $(token 3) gate 1 1" >>w/ledger; }
as_second() { sed -i '0,/^start /s/^\(start [^ ]* [^ ]*\) 1 /\1 2 /' w/ledger; }
too_early() { { grep "^start .* b\[0\] " w/ledger; grep -v "^start .* b\[0\] " w/ledger; } >l && mv l w/ledger; }
two_runs() { sed -i 's/^submit other \([^ ]*\)/submit main \1/' acks; }
taken_twice() { f=$(find s -name journal); n=$(stat -c %s "$f"); python3 - "$f" <<'PY'
import struct, sys
data = open(sys.argv[1], 'rb').read()
at, first = 19, None
while at + 8 < len(data):
    n = struct.unpack_from('<I', data, at)[0]
    if n == 0: break
    if data[at + 8] == 2: first = data[at:at + 8 + n]
    at += 8 + n
open(sys.argv[1], 'wb').write(data[:at] + first)
PY
}
damaged "a start of an attempt that had started" "was started 2 times" again
damaged "a start that no event precedes" "which no event started" never_started
damaged "two processes of a task at one time" "two processes of" at_once
damaged "an attempt that is not the one the events say" "ran as number 2" as_second
damaged "a child that ran before its parent's end" "before the end of its parent" too_early
damaged "an answer that gives a run another key" "the events say" two_runs
damaged "an attempt that the agent took twice" "the agent took attempt" taken_twice

# ---- leaked --------------------------------------------------------------------------------------------------------------
lease_open() { sql "UPDATE lease SET state = 2 WHERE run = 1"; }
socket() { python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind("s/left")'; }
damaged "a lease that is held for ever" "lease" lease_open
damaged "a socket" "leaked: the socket" socket
damaged "a service's directory" "leaked: " mkdir t/wf-000000000000
damaged "a half-written file" "leaked: the temporary file" touch s/owner.0123456789abcdef.tmp
damaged "a directory of a run that never was" "of a run that never was" mkdir s/runs/01aaaaaaaaaaaaaaaaaaaaaaaa
rm -rf "$T/bad"
cp -a "$good" "$T/bad"
WF_WHERE=$T/bad sleep 60 &
pid=$!
capture "$check" --calm "$T/bad"
has "$out" "leaked: process $pid" "found: a process"
kill $pid
done_testing

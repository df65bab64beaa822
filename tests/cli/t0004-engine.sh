#!/bin/sh
# Which engine is meant, that it is started when none runs, and never a second one.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

start_count() { wc -l <"$1/starts" 2>/dev/null || echo 0; }

# --- where
export WF_STATE_DIR="$T/a"
try 0 "ls starts the engine of WF_STATE_DIR" "$WF" ls
[ -S "$T/a/socket" ]
result $? "... there"
try 0 "the next command does not" "$WF" ls
[ "$(start_count "$T/a")" -eq 1 ]
result $? "... one start in all"

cd "$T" || exit 1
WF_STATE_DIR=a try 0 "a relative WF_STATE_DIR counts from here" "$WF" engine status --json
has out "\"state_dir\": \"$T/a\""
unset WF_STATE_DIR
try 0 "without it: ~/.local/state/wf/HOST" "$WF" engine status --json
has out "\"state_dir\": \"$HOME/.local/state/wf/$(hostname -s)\""
XDG_STATE_HOME=$T/xdg try 0 "or XDG_STATE_HOME" "$WF" engine status --json
has out "\"state_dir\": \"$T/xdg/wf/$(hostname -s)\""
XDG_STATE_HOME=xdg try 0 "a relative one is ignored, as its rules say" "$WF" engine status --json
has out "\"state_dir\": \"$HOME/.local/state/wf/"
printf '# test\n  clustername = alps # ours\nSlurmctldHost=x\n' >"$T/slurm.conf"
SLURM_CONF=$T/slurm.conf try 0 "the cluster's name where there is a readable Slurm configuration" "$WF" engine status --json
has out "\"state_dir\": \"$HOME/.local/state/wf/alps\""
printf 'ClusterName=../../x\n' >"$T/evil.conf"
SLURM_CONF=$T/evil.conf try 0 "a cluster's name that is no word is not used" "$WF" engine status --json
has out "/wf/$(hostname -s)\""

# --- status, start, stop
export WF_STATE_DIR="$T/b"
try 0 "engine status of none returns 0" "$WF" engine status --json
for key in '"running": false' '"pid": null' '"host": ' '"version": ' "\"state_dir\": \"$T/b\"" '"run_root": ' "\"socket\": \"$T/b/socket\"" '"epoch": '; do
	has out "$key"
done
try 0 "in words too" "$WF" engine status
has out "no engine runs in $T/b"
[ ! -e "$T/b" ]
result $? "... and starts none"
try 0 "engine stop of none" "$WF" engine stop
try 0 "engine start" "$WF" engine start
has out "running, pid"
try 0 "engine start again" "$WF" engine start
has err "runs already"
try 0 "engine status of one" "$WF" engine status --json
for key in '"running": true' '"pid": ' '"host": ' '"version": ' '"state_dir": ' '"run_root": ' '"socket": ' '"epoch": 3'; do
	has out "$key"
done
try 0 "engine backup names the file in full" "$WF" engine backup copy.db
has out "wrote $PWD/copy.db (121 KiB)"
try 6 "engine recover refuses while it runs" "$WF" engine recover --rebuild
has err "stop it first"
pid=$(cat "$T/b/pid")
try 0 "engine stop" "$WF" engine stop
gone "$pid"
result $? "... returns when it is gone"
try 0 "engine recover runs the engine's own" "$WF" engine recover --rebuild --check
has out "rebuilt (checked)"

# --- two at once
export WF_STATE_DIR="$T/c"
"$WF" ls >"$T/1" 2>&1 &
one=$!
"$WF" ls >"$T/2" 2>&1 &
two=$!
wait $one
r=$?
wait $two
r=$((r + $?))
result $r "two first commands at once both succeed"
[ "$(start_count "$T/c")" -ge 1 ] && [ "$(cat "$T/1")" = "$(cat "$T/2")" ]
result $? "... with the same answer"

# --- it does not start
export WF_STATE_DIR="$T/d"
mkdir -m 700 "$T/d"
echo "10 no space left in '$T/d'" >"$T/d/fake-refuses"
try 10 "an engine that cannot start gives its reason and its exit code" "$WF" ls
has err "wf: the engine did not start: no space left in '$T/d'"
cp "$WF" "$T/lonely-wf"
try 7 "no engine beside the program" "$T/lonely-wf" ls
has err "'$T/wf-engine' is missing"

# --- another host's
export WF_STATE_DIR="$T/e"
mkdir -m 700 "$T/e"
cat >"$T/e/owner" <<'O'
{"host": "login2", "boot_id": "00000000-0000-4000-8000-000000000000", "pid_ns": 4026531836, "pid": 4711, "start_time": 99, "epoch": 5}
O
for c in ls "status x" "engine start" "engine stop" "engine status" "engine recover --rebuild"; do
	# shellcheck disable=SC2086
	try 7 "another host owns it: wf $c" "$WF" $c
	has err "host 'login2' (pid 4711)"
done
try 7 "... with --json the document still comes" "$WF" engine status --json
has out '"host": "login2"'
has out '"epoch": 5'
[ ! -e "$T/e/starts" ]
result $? "... and no second engine was started"

# --- one that died here
export WF_STATE_DIR="$T/f"
mkdir -m 700 "$T/f"
printf '{"host": "%s", "boot_id": "%s", "pid_ns": 0, "pid": 1, "start_time": 1, "epoch": 5}' "$(hostname -s)" \
	"$(cat /proc/sys/kernel/random/boot_id)" >"$T/f/owner"
try 0 "one whose process has gone is followed by another" "$WF" ls
[ "$(start_count "$T/f")" -eq 1 ]
result $? "... started once"

# --- rights
mkdir -m 777 "$T/g"
chmod 777 "$T/g"
WF_STATE_DIR=$T/g try 4 "a directory that others may write to" "$WF" ls
has err "chmod 700 '$T/g'"
ln -s "$T/a" "$T/link"
WF_STATE_DIR=$T/link try 4 "a link" "$WF" ls
has err "is a link"
if [ "$(id -u)" -eq 0 ]; then
	mkdir -m 700 "$T/h"
	chown 12345 "$T/h"
	WF_STATE_DIR=$T/h try 4 "somebody else's" "$WF" ls
	has err "belongs to user 12345"
fi
touch "$T/file"
WF_STATE_DIR=$T/file try 3 "a file" "$WF" ls
has err "is not a directory"

# --- a path longer than a socket's
long=$T/$(printf 'd%.0s' $(seq 120))
mkdir -m 700 "$long"
WF_STATE_DIR=$long try 0 "a state directory of 120 and more characters" "$WF" ls
[ -r "$long/pid" ] && kill "$(cat "$long/pid")"

# --- a proxy of the environment is not asked
WF_STATE_DIR=$T/a http_proxy=http://127.0.0.1:1 try 0 "a proxy is not for us" "$WF" ls
done_testing

#!/bin/sh
# shellcheck disable=SC2119 # fake without a script
# doctor looks, changes nothing, and has a fix for what is wrong.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
state_of() { # name -> states of its lines
	python3 -c 'import json, sys
for c in json.load(sys.stdin)["items"]:
    if c["name"] == sys.argv[1]: print(c["state"])' "$1" <"$T/out"
}
is() { # name state
	state_of "$1" | grep -qx "$2"
	r=$?
	result $r "... $1 is '$2'"
	[ $r -eq 0 ] || explain "$1: $(state_of "$1" | tr '\n' ' ')"
}
touch "$T/bin/wf-agent-local" "$T/bin/wf-service"
chmod +x "$T/bin/wf-agent-local" "$T/bin/wf-service"
[ -e "$T/share" ] || echo "Bail out! $B/share is missing: run make first"

export WF_STATE_DIR="$T/none"
try 0 "doctor without a state directory" "$WF" doctor
has out "will be made when it is needed"
[ ! -e "$T/none" ]
result $? "... makes none"
try 0 "doctor --json" "$WF" doctor --json
for name in state owner fs space programs engine service capacity slurm logout limits memory tmp shell; do
	[ -n "$(state_of "$name")" ]
	result $? "... looks at '$name'"
done
python3 -c 'import json, sys
for c in json.load(sys.stdin)["items"]:
    assert c["state"] in ("ok", "warn", "fail") and c["text"], c
    assert c["state"] != "fail" or c["fix"], c' <"$T/out"
result $? "... each line has a text, each that fails a fix"

fake
try 0 "with an engine" "$WF" doctor --json
is engine ok
is agent ok
is owner ok
printf '{"GET /api/v1/engine": {"body": {"running": true, "version": "0.0.9", "pid": 1, "full": true, "agents": [{"executor": "local", "host": "h",
	"connected": false}]}}}' >"$S/script.json"
try 10 "an old engine, full, without its agent" "$WF" doctor --json
is engine warn
is engine fail
is agent warn
end_fake

mkdir -m 755 "$T/open"
WF_STATE_DIR=$T/open try 10 "a state directory that others may read" "$WF" doctor
has out "fix: chmod 700 '$T/open'"
mkdir -m 700 "$T/away"
echo '{"host": "login2", "boot_id": "x", "pid": 7}' >"$T/away/owner"
WF_STATE_DIR=$T/away try 10 "one that another host owns" "$WF" doctor
has out "an engine on host login2 (pid 7) owns it"
echo 'garbage' >"$T/away/owner"
WF_STATE_DIR=$T/away try 0 "an owner file that makes no sense" "$WF" doctor --json
is owner warn
echo 'ClusterName=alps' >"$T/slurm.conf"
SLURM_CONF=$T/slurm.conf try 0 "a Slurm configuration" "$WF" doctor --json
is slurm warn
SLURM_CONF=$T/nosuch try 0 "one that cannot be read" "$WF" doctor --json
is slurm warn
TMPDIR=$T/nosuch try 10 "no temporary directory" "$WF" doctor --json
is tmp fail
rm "$T/bin/wf-service"
try 10 "a program that is missing" "$WF" doctor
has out "missing in $T/bin: wf-service"
PATH=/nowhere try 0 "programs that services need" "$T/bin/wf" version
touch "$T/bin/wf-service"
chmod +x "$T/bin/wf-service"
PATH=/nowhere "$WF" doctor >"$T/out" 2>"$T/err"
has out "REDIS needs redis-server, not found in PATH"
done_testing

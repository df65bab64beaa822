# lib.sh - what every test of the command line begins with; sourced
#
#     try RC NAME COMMAND...        run it; a test that it returned RC. Its streams are in $T/out and $T/err.
#     has out|err TEXT              ... and that this text is in one of them
#     hasnt out|err TEXT
#     same out|err FILE             ... and that it equals that file byte for byte ("-" reads the expectation from standard input)
#     check NAME COMMAND...         a test that COMMAND returns 0
#     fake [SCRIPT]                 a fake engine serves in a fresh state directory; $S names it. SCRIPT is JSON (see fake_engine.py)
#     done_testing
#
# $WF is the program under test: a copy with a fake wf-engine beside it, so that starting one starts the fake.
# $T is a temporary directory, removed at the end; every process started is ended by its pid.
# shellcheck shell=sh disable=SC2034

top=$(cd "$(dirname "$0")/../.." && pwd)
B=${B:-build}
case $B in /*) ;; *) B=$top/$B ;; esac
[ -x "$B/bin/wf" ] || { echo "Bail out! $B/bin/wf is missing: run make first"; exit 1; }

# A path that is a socket's neighbour must be short enough for tools that do not know better.
T=$(mktemp -d "${TMPDIR:-/tmp}/wf-cli.XXXXXX") || exit 1
tap_n=0 tap_failed=0 S=
unset SLURM_CONF XDG_STATE_HOME NO_COLOR COLUMNS LINES WF_STATE_DIR
export LC_ALL=C.UTF-8 TZ=UTC HOME="$T/home" TERM=dumb
mkdir -p "$T/home" "$T/bin"
cp "$B/bin/wf" "$T/bin/wf"
ln -s "$top/tests/cli/fake_engine.py" "$T/bin/wf-engine"
[ ! -d "$B/share" ] || ln -s "$B/share" "$T/share"
WF=$T/bin/wf

end_fake() {
	[ -n "$S" ] && [ -r "$S/pid" ] || return 0
	kill "$(cat "$S/pid")" 2>/dev/null
	rm -f "$S/pid"
}

cleanup() {
	for p in "$T"/*/pid "$T"/home/.local/state/wf/*/pid; do
		[ -r "$p" ] && kill "$(cat "$p")" 2>/dev/null
	done
	rm -rf "$T"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

result() { # rc name
	tap_n=$((tap_n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_n - $2"
	else
		tap_failed=$((tap_failed + 1))
		echo "not ok $tap_n - $2"
	fi
}

explain() {
	printf '# %s\n' "$@"
	sed 's/^/# out: /' "$T/out" | head -40
	sed 's/^/# err: /' "$T/err" | head -40
}

try() {
	want=$1 name=$2
	shift 2
	"$@" >"$T/out" 2>"$T/err" </dev/null
	got=$?
	[ "$got" -eq "$want" ]
	result $? "$name"
	[ "$got" -eq "$want" ] || explain "returned $got, not $want: $*"
}

has() {
	grep -qF -e "$2" "$T/$1"
	r=$?
	result $r "... and $1 has '$2'"
	[ $r -eq 0 ] || explain "wanted: $2"
}

hasnt() {
	! grep -qF -e "$2" "$T/$1"
	r=$?
	result $r "... and $1 has no '$2'"
	[ $r -eq 0 ] || explain "unwanted: $2"
}

same() {
	cat "${2:--}" >"$T/want"
	diff -u "$T/want" "$T/$1" >"$T/diff"
	r=$?
	result $r "... and $1 is as it was written down"
	[ $r -eq 0 ] || sed 's/^/# /' "$T/diff"
}

check() {
	name=$1
	shift
	"$@"
	result $? "$name"
}

fakes=0
fake() {
	fakes=$((fakes + 1))
	S=$T/s$fakes
	mkdir -m 700 "$S"
	[ -z "$1" ] || printf '%s' "$1" >"$S/script.json"
	export WF_STATE_DIR="$S"
	"$T/bin/wf-engine" --state-dir "$S" || { echo "Bail out! the fake engine did not start"; exit 1; }
}

done_testing() {
	echo "1..$tap_n"
	[ $tap_failed -eq 0 ]
	exit
}

# It has ended, whether or not anybody reaps it.
gone() {
	case $(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) in "" | Z | X) return 0 ;; esac
	return 1
}

# tap.sh - TAP for shell tests; source it, then:
#
#     ok "it says so" test -f file            run a command quietly: passes when it exits 0
#     exits 3 "a bad file" "$WF" validate x    passes when the command exits 3; output in $out and $err
#     is "$got" "$want" "the same"
#     has "$text" "part" "says which"
#     until_ok 20 "the run ends" cmd...        repeats the command until it exits 0, at most 20 s: an event with a deadline
#     done_testing
#
# $B names the build directory (default build); $WF is its wf; $T is a private directory, removed at the end with every engine below it.
# shellcheck shell=bash
set -u

B=${B:-build}
case $B in /*) ;; *) B=$PWD/$B ;; esac
WF=$B/bin/wf
ROOT=$PWD # of the repository, for tests
export ROOT
T=$(mktemp -d "${TMPDIR:-/tmp}/wf-test.XXXXXX") || exit 1
export WF_STATE_DIR=$T/state
export LC_ALL=C.UTF-8
unset NO_COLOR WF_EXECUTOR SLURM_CONF
export XDG_CONFIG_HOME=$T/config
tap_run=0 tap_failed=0 out='' err=''

tap_report() { # rc text
	tap_run=$((tap_run + 1))
	if [ "$1" -eq 0 ]; then
		printf 'ok %d - %s\n' "$tap_run" "$2"
	else
		tap_failed=$((tap_failed + 1))
		printf 'not ok %d - %s\n' "$tap_run" "$2"
		[ -n "$out" ] && printf '%s\n' "$out" | head -n 40 | sed 's/^/#   out: /'
		[ -n "$err" ] && printf '%s\n' "$err" | head -n 40 | sed 's/^/#   err: /'
	fi
	return "$1"
}

capture() {
	out=$("$@" 2>"$T/.err") && rc=0 || rc=$?
	err=$(cat "$T/.err")
	return "$rc"
}

ok() {
	local text=$1
	shift
	capture "$@"
	tap_report $? "$text"
}

exits() {
	local want=$1 text=$2
	shift 2
	capture "$@"
	local rc=$?
	[ "$rc" -eq "$want" ] || printf '#   exit code %d, want %d\n' "$rc" "$want"
	tap_report "$([ "$rc" -eq "$want" ] && echo 0 || echo 1)" "$text"
}

is() {
	local rc=0
	[ "$1" = "$2" ] || { rc=1; printf '#   got  %s\n#   want %s\n' "$1" "$2"; }
	tap_report $rc "$3"
}

has() {
	local rc=0
	case $1 in *"$2"*) ;; *) rc=1; printf '#   without: %s\n' "$2" ;; esac
	tap_report $rc "$3"
}

lacks() {
	local rc=0
	case $1 in *"$2"*) rc=1; printf '#   has: %s\n' "$2" ;; esac
	tap_report $rc "$3"
}

until_ok() {
	local seconds=$1 text=$2 end
	shift 2
	end=$((SECONDS + seconds))
	until "$@" >/dev/null 2>&1; do
		if [ "$SECONDS" -ge "$end" ]; then
			tap_report 1 "$text (not within $seconds s)"
			return 1
		fi
		read -r -t 0.02 <>"$T/.tick" || :
	done
	tap_report 0 "$text"
}
mkfifo "$T/.tick"

# A tool that is missing fails the test loudly; it never skips.
need() {
	command -v "$1" >/dev/null || { echo "Bail out! '$1' is missing: make deps installs it"; exit 1; }
}

tap_clean() {
	local d
	for d in "$T"/*/ "$T"/*/*/; do
		[ -S "$d/socket" ] && WF_STATE_DIR=${d%/} "$WF" engine stop >/dev/null 2>&1
	done
	rm -rf "$T"
}
trap tap_clean EXIT

done_testing() {
	printf '1..%d\n' "$tap_run"
	exit $((tap_failed > 0 || tap_run == 0))
}

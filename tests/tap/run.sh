#!/usr/bin/env bash
# run.sh [-j N] [-t SECONDS] [-l LOGDIR] TEST...  - run TAP tests, two at a time, and add up their points
#
# A TEST is a program or a .sh file; it prints TAP. One line per test; the whole output of those that failed; at the end
# `N passed, N failed` alone on a line. A test counts a failed point more when it dies, passes its time, prints no plan, or its plan
# is not what it did, or when a sanitizer had something to say of any process it started, in whatever place. Exit code 0 only when nothing
# failed.
set -u

jobs=2 limit=600 logs=${TMPDIR:-/tmp}/wf-tests.$$ title=
while getopts j:t:l:n: o; do
	case $o in
	j) jobs=$OPTARG ;;
	t) limit=$OPTARG ;;
	l) logs=$OPTARG ;;
	n) title=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
mkdir -p "$logs" || exit 2

# One test: its output to a file, then "passed failed seconds" beside it.
run_one() {
	local test=$1 name log rc start plan ran passed failed san
	name=$(printf '%s' "$test" | tr '/ ' '__')
	log=$logs/$name.log
	start=$(date +%s)
	# Engines and agents end unseen, some into a log file that the test removes: what a sanitizer says of them goes where we look.
	rm -f "$log".san.*
	for san in ASAN UBSAN TSAN LSAN; do
		export "${san}_OPTIONS=log_path=$log.san"
	done
	case $test in
	*.sh) timeout -k 10 "$limit" bash "$test" >"$log" 2>&1 </dev/null ;;
	*) timeout -k 10 "$limit" "$test" >"$log" 2>&1 </dev/null ;;
	esac
	rc=$?
	passed=$(grep -cE '^ok( |$)' "$log")
	failed=$(grep -cE '^not ok( |$)' "$log")
	plan=$(sed -n 's/^1\.\.\([0-9]\{1,\}\)$/\1/p' "$log" | tail -n 1)
	ran=$((passed + failed))
	if compgen -G "$log.san.*" >/dev/null; then
		{ echo "# a sanitizer reported:"; cat "$log".san.*; } >>"$log"
		failed=$((failed + 1))
	fi
	if [ "$rc" -eq 124 ] || [ "$rc" -eq 137 ]; then
		echo "# took longer than $limit s, or was killed" >>"$log"
		failed=$((failed + 1))
	elif [ -z "$plan" ] || [ "$plan" -ne "$ran" ]; then
		echo "# planned '${plan}', ran $ran, exit code $rc" >>"$log"
		failed=$((failed + 1))
	elif [ "$rc" -ne 0 ] && [ "$failed" -eq 0 ]; then
		echo "# exit code $rc" >>"$log"
		failed=$((failed + 1))
	fi
	echo "$passed $failed $(($(date +%s) - start))" >"$log.sum"
	printf '%s %-60s %5d passed, %d failed, %d s\n' "$([ "$failed" -eq 0 ] && echo 'ok  ' || echo 'FAIL')" \
		"$test" "$passed" "$failed" "$(($(date +%s) - start))"
}
export -f run_one
export logs limit

printf '%s\0' "$@" | xargs -0 -P "$jobs" -I{} bash -c 'run_one "$1"' _ {}

passed=0 failed=0
for test in "$@"; do
	log=$logs/$(printf '%s' "$test" | tr '/ ' '__').log
	read -r p f _ <"$log.sum" || { p=0 f=1; }
	passed=$((passed + p)) failed=$((failed + f))
	if [ "$f" -ne 0 ]; then
		printf '\n---- %s\n' "$test"
		grep -nE -B2 -A6 '^not ok|^# |ERROR|WARNING: Thread|runtime error|BUG|Bail out' "$log" | tail -n 80
		echo "---- (all of it: $log)"
	fi
done
[ -n "$title" ] && echo "$title:"
echo "$passed passed, $failed failed"
[ -n "${WF_TEST_SUMS-}" ] && echo "$passed $failed" >>"$WF_TEST_SUMS"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

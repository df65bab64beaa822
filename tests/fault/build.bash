# build.bash - a build with fault points: $B itself, $B/asan (made by `make check`), or one is made. Sourced after tests/tap/tap.sh, in the source tree.
#
#     FAULT_TESTS    directory of the sweep's programs; those that are swept are in ../../bin of it
for d in "$B" "$B/asan" "$B/faults"; do
	[ -x "$d/test/fault/sweep" ] && grep -qa WF_FAULT_LOG "$d/bin/wf-engine" 2>/dev/null && break
done
[ -x "$d/test/fault/sweep" ] || make -s B="$d" FAULTS=1 fault-programs >"$T/make" 2>&1 || {
	cat "$T/make"
	echo "Bail out! no build with fault points"
	exit 1
}
FAULT_TESTS=$d/test/fault

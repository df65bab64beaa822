#!/usr/bin/env bash
# bugs.sh [NAME...] - the simulator sees: each deliberate bug of tests/sim/bugs is put into a copy of the tree, and found within 2,000 seeds
#
# The copy lies in $B/sim-bugs and takes the objects of this build, so that a bug costs what it changed and one link. A patch that no
# longer applies is a failure: make it anew.
set -u
cd "$(dirname "$0")/../.." || exit 1

seeds=2000
B=${B:-build}
copy=$B/sim-bugs
run=0 bad=0

point() { # rc text
	run=$((run + 1))
	if [ "$1" -eq 0 ]; then echo "ok $run - $2"; else echo "not ok $run - $2"; bad=$((bad + 1)); fi
}

make_simulator() {
	make -s -C "$copy" DEVELOPER=1 B=build build/test/tests/sim/sim_test >"$copy/make.log" 2>&1
}

# Times are kept: what did not change is not built.
copy_tree() {
	rm -rf "$copy" && mkdir -p "$copy/build" || return 1
	tar -cf - --exclude='./build*' --exclude=./.git --exclude=node_modules . | tar -xf - -C "$copy" || return 1
	cp -a "$B/obj" "$B/lib" "$copy/build" && make_simulator
}

try() { # patch
	local name rc=1 said
	name=$(basename "$1" .patch)
	if ! patch -s -p1 --dry-run -d "$copy" <"$1" >/dev/null; then
		point 1 "$name: the patch does not apply any more"
		return
	fi
	patch -s -p1 -d "$copy" <"$1"
	if make_simulator; then
		said=$(cd "$copy" && build/test/tests/sim/sim_test -f $seeds 2>/dev/null)
		case $said in 'found at seed'*) rc=0 ;; esac
		said=$(printf '%s' "$said" | head -n 1)
	else
		said='it does not build'
		sed 's/^/# /' "$copy/make.log"
	fi
	point $rc "$name: $said"
	patch -s -p1 -R -d "$copy" <"$1"
	# As if just written: an object of the bug may be younger than the source that came back.
	sed -n 's|^+++ b/||p' "$1" | while read -r file; do touch "$copy/$file"; done
}

if [ $# -eq 0 ]; then
	for patch in tests/sim/bugs/*.patch; do set -- "$@" "$(basename "$patch" .patch)"; done
fi
copy_tree
point $? 'a copy of the tree builds the simulator'
[ $bad -eq 0 ] || sed 's/^/# /' "$copy/make.log"
for name; do
	[ $bad -eq 0 ] || [ -x "$copy/build/test/tests/sim/sim_test" ] || break
	try "tests/sim/bugs/$name.patch"
done
rm -rf "$copy"
echo "1..$run"
[ $bad -eq 0 ]

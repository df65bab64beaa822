#!/usr/bin/env bash
# run.sh - card B10, schedule quality: makes its traces, prints rows for build/bench.json; a table goes to standard error
#
#     bench/schedule/run.sh [DIR...]       more traces: every *.json (WfFormat) below DIR
#
# WfCommons comes from PyPI into a virtual environment of its own below $B; its traces are made once. B (default build) must hold
# bench/schedule: `make $B/bench/schedule`. QUICK=1 takes the small ones.
set -eu
cd "$(dirname "$0")/../.."
B=${B:-build}
dir=$B/bench/traces venv=$B/bench/wfcommons
wfcommons=1.6

[ -x "$B/bench/schedule" ] || { echo "B10: $B/bench/schedule is missing: make $B/bench/schedule" >&2; exit 1; }
if [ ! -e "$venv/complete" ]; then
	rm -rf "$venv"
	python3 -m venv "$venv" >&2
	"$venv/bin/pip" install --quiet --disable-pip-version-check "wfcommons==$wfcommons" >&2
	touch "$venv/complete"
fi
if [ ! "$dir/complete" -nt bench/schedule/run.sh ]; then
	rm -rf "$dir"
	# Sets of names are gone through in the order of their hashes.
	PYTHONHASHSEED=0 "$venv/bin/python" bench/schedule/generate.py "$dir" 60 110 250 500 1000 2500
	touch "$dir/complete"
fi
small=()
[ -z "${QUICK:-}" ] || small=(-size -300k)
mapfile -t traces < <(find "$dir" "$@" -name '*.json' "${small[@]}" | LC_ALL=C sort)
echo "B10: ${#traces[@]} traces" >&2
exec "$B/bench/schedule" "${traces[@]}"

#!/usr/bin/env bash
# generated.sh - pages made from tables are what the tables say
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
if "$B/tools/states" | diff -u docs/design/001-states-and-events.md - ; then
	echo "ok 1 - docs/design/001-states-and-events.md is fresh"
else
	echo "not ok 1 - docs/design/001-states-and-events.md is behind engine/state: make gen"
fi
echo 1..1

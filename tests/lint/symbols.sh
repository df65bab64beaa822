#!/usr/bin/env bash
# symbols.sh - floors are linked together: no two may define one name, whatever their headers hide
set -u
cd "$(dirname "$0")/../.." || exit 1
B=${B:-build}
twice=$(for a in "$B"/lib/lib*.a; do nm -g --defined-only "$a" 2>/dev/null | awk '$2 ~ /[TDBRV]/ { print $3 }' | sort -u; done | sort | uniq -d)
if [ -z "$twice" ]; then echo "ok 1 - every global name is defined by one floor"; else
	echo "not ok 1 - every global name is defined by one floor"
	for s in $twice; do echo "# $s: $(for a in "$B"/lib/lib*.a; do nm -g --defined-only "$a" 2>/dev/null | grep -q " $s\$" && basename "$a"; done | tr '\n' ' ')"; done
fi
echo 1..1

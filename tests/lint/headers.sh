#!/usr/bin/env bash
# headers.sh - every header compiles alone
set -u
cd "$(dirname "$0")/../.." || exit 1
run=0 bad=0
for h in $(find engine executors services cli wdf-schema dag datamovers -name '*.h' | sort); do
	run=$((run + 1))
	if printf '#include "%s"\n' "$h" | ${CC:-cc} -std=gnu11 -I. -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-missing-field-initializers \
		-Wno-unused-function -fsyntax-only -x c - 2>/tmp/wf-h.$$; then
		echo "ok $run - $h"
	else
		echo "not ok $run - $h"
		head -n 5 /tmp/wf-h.$$ | sed 's/^/# /'
		bad=$((bad + 1))
	fi
done
rm -f /tmp/wf-h.$$
echo "1..$run"
exit $((bad > 0))

#!/bin/sh
# The manual: a page for every command, every option of the table in it, and mandoc finds nothing to say.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
man=$top/docs/man

# From their directory: mandoc looks for the pages that they name where it stands.
cd "$man" || exit 1
try 0 "mandoc has nothing to say about the pages" mandoc -Tlint ./*.1
"$WF" help >"$T/overview"
sed -n 's/^  \([a-z]*\) .*/\1/p' "$T/overview" | sort -u >"$T/commands"
echo completion >>"$T/commands"
n_commands=$(wc -l <"$T/commands")
[ "$n_commands" -ge 26 ]
result $? "the table has $n_commands commands"
while read -r c; do
	page=$man/wf-$c.1
	[ -r "$page" ]
	result $? "wf-$c.1 is there"
	grep -q "^.It Xr wf-$c 1" "$man/wf.1"
	result $? "... and wf.1 names it"
	mandoc -Tascii "$page" 2>/dev/null | col -b >"$T/page"
	missing=
	for o in $("$WF" help "$c" | sed -n 's/^ *\(-[a-zA-Z], \)\{0,1\}--\([a-z-]*\).*/\2/p' | sort -u); do
		grep -q -e "--$o" "$T/page" || missing="$missing --$o"
	done
	[ -z "$missing" ]
	result $? "... with all its options$missing"
	# And the page promises none that is not there.
	extra=
	promised=$(sed -n 's/^\.It Fl \(. , \)\{0,1\}-\([a-z][a-z-]*\).*/\2/p' "$page")
	for o in $promised; do
		"$WF" help "$c" | grep -q -e "--$o" || extra="$extra --$o"
	done
	[ -z "$extra" ]
	result $? "... and no other$extra"
done <"$T/commands"
for code in 0 1 2 3 4 5 6 7 8 9 10 70 129 130 141; do
	grep -qx ".It $code" "$man/wf.1"
	result $? "wf.1 explains exit code $code"
done
for f in "$man"/*.1; do
	cmp -s "$f" "$B/share/man/man1/$(basename "$f")"
	result $? "make put $(basename "$f") into share/man"
done
done_testing

#!/usr/bin/env bash
# faults.sh - no commit, rename, link, fsync, unlink, spawn or message without a fault point: the kill sweep hits what has a name
#
# A function of engine/, executors/ or services/ that makes such a call itself has WF_FAULT (or POINTED, of engine/base/os.c) in its body. Calls through the
# table of os.h are covered where the table makes them. A file's own function that happens to have such a name is not the call.
set -u
cd "$(dirname "$0")/../.." || exit 1

calls='rename|renameat|renameat2|link|linkat|fsync|fdatasync|syncfs|unlink|unlinkat|fork|vfork|posix_spawn|posix_spawnp|send|sendto|sendmsg'
calls="$calls|recv|recvfrom|recvmsg|MHD_queue_response|sqlite3_wal_checkpoint|sqlite3_wal_checkpoint_v2|sqlite3_backup_step"

# Prints FILE:LINE: NAME for each function without a point that makes such a call. Functions begin and end with a brace in the first column.
look() { # directories
	find "$@" -name '*.c' | sort | while read -r file; do
		awk -v calls="$calls" -v file="$file" '
		NR == FNR {
			# Its own functions: a definition has its name and bracket in a line that begins in the first column.
			if ($0 ~ /^[a-z].*[a-z0-9_]\(/ && $0 !~ /;$/) {
				name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name); own[name] = 1
			}
			next
		}
		{ line = $0 }
		line ~ /^\{/ { inside = 1; found = 0; point = 0 }
		inside {
			if (line ~ /WF_FAULT\(|POINTED\(/) point = 1
			if (line ~ /"COMMIT"/ && !found) { found = FNR; what = "COMMIT" }
			gsub(/"([^"\\]|\\.)*"/, "\"\"", line); sub(/\/\*.*\*\//, "", line); sub(/\/\/.*/, "", line)
			rest = line
			while (match(rest, "(^|[^A-Za-z0-9_>.])(" calls ")[(]")) {
				name = substr(rest, RSTART, RLENGTH - 1); sub(/^[^A-Za-z0-9_]/, "", name)
				if (!(name in own) && !found) { found = FNR; what = name }
				rest = substr(rest, RSTART + RLENGTH)
			}
		}
		$0 ~ /^\}/ {
			if (inside && found && !point) printf "%s:%d: %s\n", file, found, what
			inside = 0
		}' "$file" "$file"
	done
}

run=0 bad=0
is_empty() { # text name
	run=$((run + 1))
	if [ -z "$1" ]; then echo "ok $run - $2"; else
		echo "not ok $run - $2"
		printf '%s\n' "$1" | sed 's/^/# /'
		bad=$((bad + 1))
	fi
}
is_empty "$(look engine executors services)" "every commit, rename, link, fsync, unlink, spawn and message has a fault point"

# It sees: a file with one call of each kind and no point, and the same with points.
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
mkdir "$T/bare" "$T/good"
n=0
for call in 'rename(a, b)' 'linkat(1, a, 2, b, 0)' 'fsync(fd)' 'unlink(a)' 'vfork()' 'send(fd, a, n, 0)' 'recv(fd, a, n, 0)' 'exec(db, "COMMIT")'; do
	n=$((n + 1))
	printf 'static int one(void)\n{\n\tif (x)\n\t\treturn %s;\n\treturn 0;\n}\n' "$call" >"$T/bare/$n.c"
	printf 'static int one(void)\n{\n\t(void)WF_FAULT("one.before");\n\treturn %s;\n}\n' "$call" >"$T/good/$n.c"
done
printf 'static void send(int fd)\n{\n\t(void)WF_FAULT("s");\n}\n\nstatic void two(void)\n{\n\tsend(1);\n\to->ops->rename(o, a, b);\n\tlog("unlink(x)"); /* link(a) */\n}\n' >"$T/good/own.c"
found=$(look "$T/bare" | wc -l)
is_empty "$([ "$found" = $n ] || echo "$found of $n planted calls were found")" "it finds a planted call of each kind"
is_empty "$(look "$T/good")" "and is content where there is a point, or no call"

# A name that stands for two places could be swept in one of them only.
twice=$(grep -rhoE 'WF_FAULT\("[^"]+"\)' engine executors services --include='*.c' | sort | uniq -d | grep -v 'agent.journal.room')
is_empty "$twice" "each point has a name of its own"
echo "1..$run"
exit $((bad > 0))

#!/usr/bin/env bash
# layers.sh - who may include whom (docs/design/000-house.md): the #include lines against the table below
#
# A row: folder, then the folders (or headers) whose headers it may include, then the outside headers it may include beside libc. A
# folder not named may include nothing of ours.
set -u
cd "$(dirname "$0")/../.." || exit 1

table='
engine/base       |                                                                                  | jansson
wdf-schema        | engine/base                                                                      | yaml jansson
dag               | engine/base wdf-schema/wdf.h                                                     | jansson
engine/state      | engine/base                                                                      | jansson
engine/loop       | engine/base                                                                      | uv
engine/store      | engine/base engine/state engine/loop/loop.h                                      | sqlite3 jansson xxhash
engine/link       | engine/base engine/loop                                                          | uv
engine/core       | engine/base engine/state engine/loop/loop.h engine/store/store.h engine/link dag/dag.h wdf-schema | jansson
engine/api        | engine/base engine/state engine/loop engine/core dag/dag.h wdf-schema engine/link/output.h engine/link/wire.h engine/store/store.h | jansson microhttpd uv
engine            | engine/base engine/loop engine/core engine/api/api.h engine/link/launch.h engine/store/store.h | 
executors/attempt | engine/base engine/link executors/attempt                                        | 
executors/agent   | engine/base engine/loop engine/link executors/agent                              | uv
executors/local   | engine/base engine/loop engine/link executors/agent executors/attempt            | uv jansson
services          | engine/base engine/loop wdf-schema executors/attempt                             | uv jansson curl
cli               | engine/base wdf-schema dag                                                       | curl jansson
'

run=0 bad=0
point() {
	run=$((run + 1))
	if [ "$1" -eq 0 ]; then echo "ok $run - $2"; else echo "not ok $run - $2"; bad=$((bad + 1)); fi
}

allowed_of() { # folder field
	printf '%s\n' "$table" | awk -F'|' -v f="$1" -v n="$2" '{ k = $1; gsub(/ /, "", k) } k == f { print $n }'
}

# sqlite3.h is the store's alone, microhttpd.h http.c's alone: checked by the outside column.
check_folder() { # folder
	local folder=$1 ours outside file inc rc=0 target
	ours=$(allowed_of "$folder" 2)
	outside=$(allowed_of "$folder" 3)
	for file in "$folder"/*.c "$folder"/*.h; do
		[ -e "$file" ] || continue
		while read -r inc; do
			target=0
			case $inc in "$folder"/*) [ "${inc#"$folder"/}" = "${inc##*/}" ] && target=1 ;; esac
			for a in $ours; do
				case $a in
				*.h) [ "$inc" = "$a" ] && target=1 ;;
				*) case $inc in "$a"/*) target=1 ;; esac ;;
				esac
			done
			[ $target -eq 1 ] || { echo "# $file includes \"$inc\""; rc=1; }
		done < <(sed -n 's/^#include "\(.*\)"$/\1/p' "$file")
		for lib in sqlite3 uv yaml jansson curl microhttpd rdma slurm pmix xxhash; do
			case " $outside " in *" $lib "*) continue ;; esac
			grep -qE "^#include <($lib(/|\.h)|${lib}_)" "$file" && { echo "# $file includes <$lib>"; rc=1; }
		done
	done
	point $rc "$folder keeps to its floor"
}

for folder in $(printf '%s\n' "$table" | awk -F'|' 'NF > 1 { k = $1; gsub(/ /, "", k); print k }'); do
	check_folder "$folder"
done
rc=0
for file in $(grep -lE '#include <microhttpd.h>' engine/*/*.[ch]); do
	[ "$file" = engine/api/http.c ] || { echo "# $file includes microhttpd.h"; rc=1; }
done
point $rc "microhttpd.h is http.c's alone"
rc=0
for file in $(find engine executors services cli wdf-schema dag datamovers -name '*.[ch]' | xargs -n1 dirname | sort -u); do
	allowed_of "$file" 1 | grep -q . || { echo "# $file is in no row of the table"; rc=1; }
done
point $rc "every folder is in the table"
echo "1..$run"
exit $((bad > 0))

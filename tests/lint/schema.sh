#!/bin/sh
# The JSON Schema and the reader in C agree over the corpus: TAP.
#
# ajv and yaml come from npm into the build directory, at the versions of tests/lint/schema/package-lock.json.
# Usage: tests/lint/schema.sh [BUILD_DIR]; needs BUILD_DIR/test/tests/unit/wdf/wdf_check (make wdf-check).
set -eu
cd "$(dirname "$0")/../.."
build=${1:-${B:-build}}
check=$build/test/tests/unit/wdf/wdf_check
modules=$build/npm/schema

bail() {
	echo "Bail out! $1"
	exit 1
}
command -v node >/dev/null || bail "node is missing; install nodejs and npm"
[ -x "$check" ] || bail "$check is missing; run 'make B=$build wdf-check'"
if ! cmp -s tests/lint/schema/package-lock.json "$modules/package-lock.json" || [ ! -d "$modules/node_modules/ajv" ]; then
	mkdir -p "$modules"
	cp tests/lint/schema/package.json tests/lint/schema/package-lock.json "$modules/"
	(cd "$modules" && npm ci --no-audit --no-fund --ignore-scripts >npm.log 2>&1) ||
		bail "npm could not install ajv; see $modules/npm.log"
fi
cp tests/lint/schema/agree.mjs "$modules/agree.mjs"
exec node "$modules/agree.mjs" "$PWD" "$check"

#!/usr/bin/env bash
# t4000-services.sh - founding, watching, restarting, holding, failing, stopping: nothing is left behind
cd "$(dirname "$0")/../.." || exit 1
. tests/tap/tap.sh
need jq
need redis-server
need redis-cli
mkdir -p "$T/w"
cd "$T/w" || exit 1
seen() { "$WF" tasks @last --json | jq -r ".items[] | select(.id == \"$1\") | .state"; }
is_seen() { [ "$(seen "$1")" = "$2" ]; }
service() { "$WF" services @last --json | jq -r ".items[] | select(.name == \"$1\") | .$2"; }
is_service() { [ "$(service "$1" state)" = "$2" ]; }
generation_is() { [ "$(service "$1" generation)" = "$2" ]; }
none_left() { ! pgrep -f "wf-service.*$T/" && ! pgrep -f "$T/.*redis"; }

# ---- a database and a command, lazily, in order ------------------------------------------------------------------
cat >two.yaml <<'YAML'
workflow: {name: two}
params: {word: hello}
services:
  - {name: db, type: REDIS}
  - name: web
    type: COMMAND
    after: [first, db]
    command: "echo {{ word }} > page; exec python3 -m http.server {{ service.port }} --bind 127.0.0.1"
    ready: {http: "http://{{ service.host }}:{{ service.port }}/page", expect: 200, every: 20ms, deadline: 20s}
    provides: {WEB_PORT: "{{ service.port }}", WEB_HOST: "{{ service.host }}"}
    stop: [{signal: TERM, wait: 5s}, {signal: KILL}]
  - {name: unused, type: REDIS}
steps:
  - name: first
    command: redis-cli -s "$REDIS_SOCKET" set a 1
    services: [db]
  - name: second
    after: [first]
    command: 'redis-cli -s "$REDIS_SOCKET" get a > got; curl -sf "http://$WEB_HOST:$WEB_PORT/page" >> got; cp "$WF_SERVICE_WEB_FILE" view.json'
    services: [{name: db, access: RO}, web]
YAML
exits 0 "two services in one step" "$WF" submit two.yaml --executor local --wait
is "$(tr '\n' , <got)" "1,hello," "both are used"
is "$(jq -c '[.service, .generation, .members[0].n]' view.json)" '["web",1,0]' "the view file says what there is"
is "$(service db state) $(service web state) $(service unused state)" "stopped stopped declared" \
	"they are stopped, one nobody uses was never started"
ok "no process is left" none_left

# ---- on_failure: restart ----------------------------------------------------------------------------------------------
cat >restart.yaml <<'YAML'
workflow: {name: restart}
services:
  - {name: db, type: REDIS, on_failure: restart}
steps:
  - name: killer
    command: 'redis-cli -s "$REDIS_SOCKET" shutdown nosave; touch killed; until test -e go; do sleep 0.02; done'
    services: [db]
  - name: user
    after: [killer]
    command: redis-cli -s "$REDIS_SOCKET" ping
    services: [db]
YAML
"$WF" submit restart.yaml --executor local -q >/dev/null
until_ok 30 "a service that dies is founded again, generation 2" generation_is db 2
until_ok 30 "and becomes ready" is_service db ready
touch go
ok "its consumers go on" "$WF" wait @last --timeout 30

# ---- on_failure: hold, and resolve -----------------------------------------------------------------------------------
rm -f go killed
sed 's/on_failure: restart/on_failure: hold/; s/name: restart/name: hold/' restart.yaml >hold.yaml
"$WF" submit hold.yaml --executor local -q >/dev/null
held() { "$WF" services @last --json | jq -e '.items[0].state == "degraded"'; }
until_ok 30 "a service that writes are lost with is held" held
touch go
until_ok 30 "the killer ends" is_seen killer succeeded
is "$(seen user)" ready "its next consumer waits"
has "$("$WF" explain @last user)" "db" "explain says for what"
ok "resolve it by a restart" "$WF" resolve @last db --as rerun
ok "and the run ends well" "$WF" wait @last --timeout 30

# ---- on_failure: fail --------------------------------------------------------------------------------------------------
rm -f go killed
sed 's/on_failure: restart/on_failure: fail/; s/name: restart/name: fail/' restart.yaml >fail.yaml
exits 1 "a service that fails fails its consumers" "$WF" submit fail.yaml --executor local --wait
is "$("$WF" tasks @last --json | jq -c '[.items[] | [.state, .class]]')" '[["failed","service_failed"],["skipped",null]]' \
	"the one that ran is ended as service_failed, what follows is skipped"
is "$(service db state)" failed "the service has failed"
ok "nothing is left" none_left

# ---- a service that never gets ready, and one that cannot be founded -----------------------------------------------------
cat >never.yaml <<'YAML'
workflow: {name: never}
services:
  - name: s
    type: COMMAND
    command: sleep 60
    ready: {tcp: "127.0.0.1:{{ service.port }}", every: 20ms, deadline: 300ms}
  - {name: late, type: REDIS, after: [bad]}
steps:
  - {name: uses, argv: ["true"], services: [s]}
  - {name: bad, argv: ["false"]}
  - {name: waits, argv: ["true"], services: [late]}
YAML
exits 1 "a run with two hopeless services ends" "$WF" submit never.yaml --executor local --wait
is "$(seen uses) $(seen waits)" "failed skipped" "one consumer failed, the other was skipped"
has "$("$WF" explain @last uses)" "service 's' failed" "explain names the service"
has "$("$WF" services @last)" "tcp" "and the probe that did not pass"
ok "nothing is left of them" none_left

# ---- cancel stops services too, and so does a killed engine ----------------------------------------------------------------
cat >cancel.yaml <<'YAML'
workflow: {name: cancel}
services: [{name: db, type: REDIS}]
steps:
  - {name: hold, command: "until test -e never; do sleep 0.05; done", services: [db]}
YAML
"$WF" submit cancel.yaml --executor local -q >/dev/null
until_ok 30 "it runs" is_seen hold running
kill -9 "$("$WF" engine status --json | jq .pid)"
"$WF" cancel @last >/dev/null
exits 9 "canceled after the engine was killed" "$WF" wait @last --timeout 60
is "$(service db state)" stopped "its service is stopped"
ok "nothing is left after that" none_left

# ---- what could never go on is refused -------------------------------------------------------------------------------
all=$("$WF" engine status --json | jq '.agents[0].cores')
kept() { # keys of the service 'late'
	cat >kept.yaml <<YAML
workflow: {name: kept}
services:
  - {name: db, type: REDIS, resources: {cpus: 1}}
  - {name: late, type: REDIS, after: [$1]}
steps:
  - {name: first, argv: ["true"], services: [db]}
  - {name: large, argv: ["true"], resources: {cpus: $all}}
  - {name: last, argv: ["true"], after: [first], services: [db, late]}
YAML
}
kept large
exits 10 "a step that fits only when a service has ended, which waits for the step" "$WF" submit kept.yaml --executor local
has "$("$WF" submit kept.yaml --executor local 2>&1)" "step 'large' does not fit on executor 'local'" "is named"
has "$("$WF" submit kept.yaml --executor local 2>&1)" "beside service 'db', which is kept for 'last'" "and what stands in its way"
kept first
ok "without that knot it runs" "$WF" submit kept.yaml --executor local --wait
done_testing

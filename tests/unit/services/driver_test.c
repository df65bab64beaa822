/* driver_test.c - driver files: what is shipped loads, what is wrong is located, what a workflow file lays over them is checked */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/base/os.h"
#include "tests/tap/tap.h"
#include "wdf-schema/driver.h"

static char *root;

/* A directory of types with one driver in it. */
static char *types_with(const char *text, const char *template)
{
	static int n;
	struct wf_os *os = wf_os_posix();
	struct wf_err err;
	char *dir = wf_xasprintf("%s/types%d", root, n++), *sub = wf_xasprintf("%s/one", dir);
	char *file = wf_xasprintf("%s/driver.yaml", sub), *tmpl = wf_xasprintf("%s/conf.in", sub);

	if (wf_dir_make(os, sub, 0700, &err) < 0 || wf_file_replace(os, file, text, strlen(text), 0600, &err) < 0 ||
	    (template && wf_file_replace(os, tmpl, template, strlen(template), 0600, &err) < 0))
		bail("%s", err.text);
	free(sub);
	free(file);
	free(tmpl);
	return dir;
}

static struct wdf_types *load(const char *text, struct wf_err *err)
{
	char *dir = types_with(text, "x\n");
	const char *dirs[] = { dir };
	struct wdf_types *t = wdf_types_load(dirs, 1, err);

	free(dir);
	return t;
}

static void refused(const char *text, const char *where, const char *what)
{
	struct wf_err err = { 0 };
	struct wdf_types *t = load(text, &err);

	ok(!t, "refused: %s", what);
	wdf_types_free(t);
	has_str(err.text, where, "  at %s", where);
	has_str(err.text, what, "  because %s", what);
}

static void test_shipped(void)
{
	static const char *const names[] = { "COMMAND", "DASI", "NFS", "NFSKVSNS", "REDIS", "SBB" };
	const char *dirs[] = { "services/types" };
	struct wf_err err = { 0 };
	struct wdf_types *t = wdf_types_load(dirs, 1, &err);
	const struct wdf_driver *d;
	const struct wdf_attribute *a;
	const char *const *list;
	size_t n;

	if (!t)
		bail("%s", err.text);
	list = wdf_types_names(t, &n);
	is_int(n, 6, "six types are shipped");
	for (size_t i = 0; i < n && i < 6; i++)
		is_str(list[i], names[i], "type %zu", i);
	d = wdf_types_find(t, "redis");
	ok(d && !wdf_driver_refusal(d), "REDIS runs");
	a = d ? wdf_driver_attribute(d, "memory") : NULL;
	ok(a && a->type == WDF_A_SIZE && !a->required, "its memory is an optional size");
	is_str(a ? json_string_value(a->fallback) : NULL, "1GiB", "with a default");
	is_int(d ? d->members_max : 0, 1, "it has one member");
	is_str(d && d->requires_exec_count ? d->requires_exec[0] : NULL, "redis-server", "and needs redis-server");
	d = wdf_types_find(t, "COMMAND");
	ok(d && !wdf_driver_refusal(d), "COMMAND runs");
	ok(d && wdf_driver_override(d, "command") && wdf_driver_override(d, "command")->required, "its command must be given");
	ok(d && wdf_driver_override(d, "ready")->required, "its probe must be given");
	ok(d && !wdf_driver_override(d, "stop")->required, "its stop may be given");
	for (size_t i = 0; i < n; i++) {
		d = wdf_types_at(t, i);
		if (strcmp(d->type, "REDIS") == 0 || strcmp(d->type, "COMMAND") == 0)
			continue;
		has_str(wdf_driver_refusal(d), "is not run yet", "%s is refused", d->type);
	}
	a = wdf_driver_attribute(wdf_types_find(t, "NFS"), "namespace");
	ok(a && a->required && a->distinct && a->type == WDF_A_PATH, "an NFS service needs a namespace of its own");
	ok(!wdf_types_find(t, "REDISS"), "an unknown type is not found");
	wdf_types_free(t);
}

#define HEAD "driver: X\napi: 1\n"
#define RUN HEAD "run: {argv: [x]}\nready: {tcp: \"h:1\"}\n"

static void test_bad(void)
{
	refused("driver: X\n", ":1:1:", "'api' is missing");
	refused("api: 1\n", ":1:1:", "'driver' is missing");
	refused("driver: X\napi: 2\n", ":2:6:", "this version reads api 1");
	refused("driver: x\napi: 1\n", ":1:9:", "no name of a service type");
	refused(HEAD "redy: {tcp: x}\n", ":3:1:", "did you mean 'ready'?");
	refused(HEAD "run: {argv: [x]}\n", ":1:1:", "no 'ready' says when it serves");
	refused(HEAD "run: {}\nready: {tcp: \"h:1\"}\n", ":1:1:", "neither 'argv' nor 'command'");
	refused(HEAD "run: {argv: []}\nready: {exit: 0}\n", ":3:13:", "list of words");
	refused(RUN "start: {argv: [x]}\n", ":1:1:", "'run' and 'start' exclude each other");
	refused(HEAD "run: {argv: [x, \"{{ memer.dir }}\"]}\nready: {exit: 0}\n", ":3:17:", "did you mean 'member'?");
	refused(HEAD "run: {argv: [x, \"{{ member.dri }}\"]}\nready: {exit: 0}\n", ":3:17:", "did you mean 'dir'?");
	refused(HEAD "run: {argv: [x, \"{{ attributes.size }}\"]}\nready: {exit: 0}\n", ":3:17:", "no attribute 'size'");
	refused(HEAD "run: {argv: [x, \"{{member.dir}}\"], cwd: /}\nready: {exit: 0}\n", ":3:17:",
		"not a placeholder");
	refused(HEAD "run: {argv: [x, \"{{ lease.secret }}\"]}\nready: {exit: 0}\n", ":3:17:", "visible to others");
	refused(HEAD "run: {argv: [x], env: {A: \"{{ lease.secret }}\"}}\nready: {exit: 0}\n", ":3:27:", "visible to others");
	refused(RUN "provides: {A: \"{{ lease.secret }}\"}\n", ":5:15:", "visible to others");
	refused(RUN "provides: {1A: x}\n", ":5:12:", "no name of an environment variable");
	refused(RUN "provides: {WF_A: x}\n", ":5:12:", "wf's own");
	refused(HEAD "run: {argv: [x]}\nready: {tcp: a, unix: b}\n", ":4:8:", "'tcp' and 'unix' exclude each other");
	refused(HEAD "run: {argv: [x]}\nready: {every: 1s}\n", ":4:8:", "the kind of probe is missing");
	refused(HEAD "run: {argv: [x]}\nready: {tcp: a, evry: 1s}\n", ":4:17:", "did you mean 'every'?");
	refused(HEAD "run: {argv: [x]}\nready: {tcp: a, every: 20}\n", ":4:24:", "a time is expected here");
	refused(HEAD "run: {argv: [x]}\nready: {tcp: a, every: soon}\n", ":4:24:", "'soon' is not a time");
	refused(HEAD "run: {argv: [x]}\nready: {tcp: a, misses: 3}\n", ":4:17:", "'misses' has no meaning for 'ready'");
	refused(HEAD "run: {argv: [x]}\nready: {tcp: a, newer: start}\n", ":4:17:", "no meaning for the probe 'tcp'");
	refused(HEAD "run: {argv: [x]}\nready: {all: [{tcp: a}, {file: b, every: 1s}]}\n", ":4:35:", "belongs to the whole probe");
	refused(HEAD "run: {argv: [x]}\nready: {all: []}\n", ":4:14:", "list of probes");
	refused(RUN "health: {tcp: a, misses: 0}\n", ":5:26:", "an integer from 1 to 1000");
	refused(RUN "stop: [{signal: TREM}]\n", ":5:17:", "did you mean 'TERM'?");
	refused(RUN "stop: [{signal: KILL}, {signal: TERM}]\n", ":5:17:", "nothing can follow SIGKILL");
	refused(RUN "stop: [{wait: 1s}]\n", ":5:8:", "what to do is missing");
	refused(RUN "ops: {grow: {exec: [g]}}\n", ":5:13:", "has no 'deadline'");
	refused(RUN "ops: {gro: {exec: [g], deadline: 1s}}\n", ":5:7:", "did you mean 'grow'?");
	refused(RUN "ops: {grow: {exec: [g], deadline: 1s, on: host}}\n", ":5:43:", "unknown place 'host'");
	refused(RUN "ops: {grow: {exec: [g], deadline: 1s, inverse: shrink, irreversible: true}}\n", ":5:13:",
		"exclude each other");
	refused(RUN "cleanup: [../x]\n", ":5:11:", "below the member's directory");
	refused(RUN "files: {a: missing.in}\n", ":5:12:", "no template");
	refused(RUN "files: {/a: conf.in}\n", ":5:9:", "below the member's directory");
	refused(RUN "endpoint: {tpc: a}\n", ":5:12:", "did you mean 'tcp'?");
	refused(RUN "members: {min: 2, max: 1}\n", ":5:10:", "'max' not below it");
	refused(RUN "overrides: [argv]\n", ":5:13:", "cannot be overridden");
	refused(RUN "overrides: [stop, stop]\n", ":5:19:", "given twice");
	refused(HEAD "attributes: {a: {type: siz}}\n", ":3:24:", "unknown type 'siz'");
	refused(HEAD "attributes: {a: {required: true}}\n", ":3:17:", "no 'type'");
	refused(HEAD "attributes: {a: {type: size, default: big}}\n", ":3:39:", "must be a size");
	refused(HEAD "attributes: {a: {type: integer, default: 1, required: true}}\n", ":3:17:", "no use for a 'default'");
	refused(HEAD "attributes: {1a: {type: size}}\n", ":3:14:", "no name of an attribute");
	refused(HEAD "driver: Y\n", ":3:1:", "duplicate key");
	refused("- a\n", ":1:1:", "a driver file is a mapping");
}

static void test_kept(void)
{
	struct wf_err err = { 0 };
	struct wdf_types *t;
	const struct wdf_driver *d;

	t = load("driver: BEDROCK\napi: 1\n"
		 "requires: {exec: [bedrock, bedrock-query, bedrock-shutdown]}\n"
		 "attributes: {protocol: {type: string, default: ofi+tcp}}\n"
		 "members: {min: 1, max: 512, bootstrap: founder+join, unit: database}\n"
		 "files: {conf.json: conf.in}\n"
		 "run: {argv: [bedrock, \"{{ attributes.protocol }}\", -c, \"{{ member.dir }}/conf.json\"]}\n"
		 "endpoint: {address: {json: \"{{ member.dir }}/live.json\", path: margo.mercury.address}}\n"
		 "view: {group.json: conf.in}\n"
		 "ready: {all: [{file: \"{{ member.dir }}/live.json\", newer: start}, {op: introspect}], deadline: 30s}\n"
		 "health: {op: introspect, every: 1s, misses: 3}\n"
		 "provides: {FLOCK_FILE: \"{{ view.dir }}/group.json\"}\n"
		 "ops:\n"
		 "  introspect: {exec: [bedrock-query, \"{{ attributes.protocol }}\", -a, \"{{ member.address }}\"], expect: json, deadline: 2s}\n"
		 "  configure: {exec: [./configure], deadline: 5s, expects: config_rev}\n"
		 "  migrate: {composite: checkpoint_restore, deadline: 20m}\n"
		 "  grow: {composite: start_joiner, deadline: 60s}\n"
		 "stop: [{exec: [bedrock-shutdown, -a, \"{{ member.address }}\"], wait: 5s}, {signal: TERM, wait: 2s}, {signal: KILL}]\n"
		 "cleanup: [group.json, shm]\n",
		 &err);
	ok(!!t, "a driver of a group is read and kept%s%s", t ? "" : ": ", err.text);
	d = wdf_types_find(t, "BEDROCK");
	has_str(d ? wdf_driver_refusal(d) : NULL, "missing in this version", "and refused");
	is_int(d ? d->members_max : 0, 512, "its members are known");
	ok(d && json_object_get(json_object_get(d->verbs, "ops"), "grow"), "its operations are kept");
	wdf_types_free(t);

	t = load(HEAD "run: {argv: [x]}\nready: {any: [{tcp: a}, {mount: /m}]}\n", &err);
	d = wdf_types_find(t, "X");
	has_str(d ? wdf_driver_refusal(d) : NULL, "probe 'mount'", "a probe that is not run yet is named");
	wdf_types_free(t);

	t = load(RUN "members: {min: 2, max: 4}\n", &err);
	d = wdf_types_find(t, "X");
	has_str(d ? wdf_driver_refusal(d) : NULL, "needs 2 members", "more than one member is refused");
	wdf_types_free(t);
}

static void test_attributes(void)
{
	static const struct {
		const char *attribute, *value, *error;
	} cases[] = {
		{ "name", "\"x\"", NULL },
		{ "name", "3", NULL },
		{ "name", "[1]", "must be a single value" },
		{ "name", "\"\"", "has no value" },
		{ "name", "null", "has no value" },
		{ "mode", "\"b\"", NULL },
		{ "mode", "\"c\"", "must be one of a, b, not 'c'" },
		{ "count", "2", NULL },
		{ "count", "\"{{ n }}\"", NULL },
		{ "count", "5", "must be an integer from 1 to 4, not 5" },
		{ "count", "\"two\"", "must be an integer" },
		{ "size", "\"4GiB\"", NULL },
		{ "size", "4096", NULL },
		{ "size", "\"4 GiB\"", "must be a size such as" },
		{ "time", "\"90s\"", NULL },
		{ "time", "90", "must be a time such as" },
		{ "flag", "true", NULL },
		{ "flag", "\"yes\"", "must be true or false" },
		{ "path", "\"/a\"", NULL },
		{ "path", "\"HESTIA@/a\"", NULL },
		{ "path", "\"a/b\"", "must be an absolute path" },
		{ "list", "\"one\"", NULL },
		{ "list", "[\"one\", 2]", NULL },
		{ "list", "[[1]]", "list of single values" },
		{ "list", "[]", "has no value" },
	};
	struct wf_err err = { 0 };
	struct wdf_types *t = load(HEAD "attributes:\n"
					"  name: {type: string}\n"
					"  mode: {type: string, choices: [a, b]}\n"
					"  count: {type: integer, min: 1, max: 4}\n"
					"  size: {type: size}\n"
					"  time: {type: time}\n"
					"  flag: {type: bool}\n"
					"  path: {type: path, prefix: \"HESTIA@\"}\n"
					"  list: {type: list}\n",
				   &err);
	const struct wdf_driver *d = wdf_types_find(t, "X");

	if (!d)
		bail("%s", err.text);
	for (size_t i = 0; i < WF_COUNT(cases); i++) {
		json_t *v = wf_json_parse(cases[i].value, strlen(cases[i].value), &err);
		const struct wdf_attribute *a = wdf_driver_attribute(d, cases[i].attribute);
		int rc;

		if (!v || !a)
			bail("case %zu", i);
		err.text[0] = '\0';
		rc = wdf_attribute_check(a, v, NULL, &err);
		is_int(rc, cases[i].error ? -1 : 0, "%s = %s", cases[i].attribute, cases[i].value);
		if (cases[i].error)
			has_str(err.text, cases[i].error, "  says why");
		json_decref(v);
	}
	is_int(d->attributes[2].pos.line, 6, "an attribute knows its line");
	wdf_types_free(t);
}

struct findings {
	int count;
	char text[1024];
};

static void on_found(void *self, enum wdf_code code, const char *pointer, int on_key, const char *text, const char *hint)
{
	struct findings *f = self;
	size_t n = strlen(f->text);

	(void)code;
	f->count++;
	snprintf(f->text + n, sizeof(f->text) - n, "%s%s %s%s%s\n", pointer, on_key ? "!" : "", text, hint ? "; " : "",
		 hint ? hint : "");
}

static int check(const struct wdf_driver *d, const char *json, struct findings *f)
{
	struct wf_err err;
	struct wdf_check to = { on_found, f };
	json_t *spec = wf_json_parse(json, strlen(json), &err);
	int n;

	if (!spec)
		bail("%s", err.text);
	memset(f, 0, sizeof(*f));
	n = wdf_driver_check(d, spec, &to);
	json_decref(spec);
	return n;
}

static void test_overlay(void)
{
	const char *dirs[] = { "services/types" };
	struct wf_err err = { 0 };
	struct wdf_types *t = wdf_types_load(dirs, 1, &err);
	const struct wdf_driver *d = wdf_types_find(t, "COMMAND");
	struct findings f;
	json_t *spec, *verbs;
	char *text;

	if (!d)
		bail("%s", err.text);
	is_int(check(d, "{\"command\":\"a {{ seed }}\",\"ready\":{\"tcp\":\"{{ service.host }}:1\"}}", &f), 0,
	       "a COMMAND service with the least");
	is_int(check(d, "{\"command\":\"a\"}", &f), 1, "without a probe");
	has_str(f.text, " a service of type 'COMMAND' needs 'ready'", "  says so");
	is_int(check(d, "{\"command\":\"a {{ lease.secret }}\",\"ready\":{\"exit\":0},\"redy\":1}", &f), 2, "two mistakes");
	has_str(f.text, "/command 'lease.secret'", "  the secret");
	has_str(f.text, "/redy! unknown key 'redy'; did you mean 'ready'?", "  the key");
	is_int(check(d, "{\"command\":\"a\",\"ready\":{\"all\":[{\"tcp\":\"h:1\"},{\"htp\":\"u\"}]}}", &f), 2, "deep mistakes");
	has_str(f.text, "/ready/all/1/htp!", "  are pointed at");
	is_int(check(wdf_types_find(t, "REDIS"), "{\"command\":\"a\"}", &f), 1, "REDIS has no command to override");

	spec = json_pack("{s:s,s:{s:s},s:{s:s},s:[{s:s}]}", "command", "serve", "env", "A", "1", "ready", "tcp", "h:1", "stop",
			 "signal", "INT");
	verbs = wdf_driver_overlay(d, spec);
	text = json_dumps(verbs, JSON_COMPACT | JSON_SORT_KEYS);
	is_str(text,
	       "{\"endpoint\":{\"tcp\":\"{{ service.host }}:{{ service.port }}\"},\"ready\":{\"tcp\":\"h:1\"},"
	       "\"run\":{\"command\":\"serve\",\"cwd\":\"{{ service.workdir }}\",\"env\":{\"A\":\"1\"}},\"stop\":[{\"signal\":\"INT\"}]}",
	       "what the service says lies over the driver");
	free(text);
	ok(!wdf_driver_verbs_refusal("COMMAND", verbs), "and runs");
	json_decref(spec);
	json_decref(verbs);
	wdf_types_free(t);
}

static void test_dirs(void)
{
	char *site = types_with("driver: REDIS\napi: 1\ndescription: ours\n", NULL);
	const char *dirs[] = { "services/types", site }, *bad[] = { "services/no-such" };
	struct wf_err err = { 0 };
	struct wdf_types *t = wdf_types_load(dirs, 2, &err);

	is_str(t ? wdf_types_find(t, "REDIS")->description : NULL, "ours", "a later directory mends an earlier one");
	is_int(wdf_types_count(t), 6, "and adds nothing twice");
	wdf_types_free(t);
	t = wdf_types_load(bad, 1, &err);
	ok(!t, "a directory that is not there is an error");
	has_str(err.text, "services/no-such", "  which names it");
	free(site);
}

/* Every driver shown in the manual loads. */
static void test_manual(void)
{
	struct wf_buf text = { 0 };
	struct wf_err err = { 0 };
	char *p, *end;
	int n = 0;

	if (wf_file_read(wf_os_posix(), "docs/drivers.md", 1 << 20, &text, &err) < 0)
		bail("%s", err.text);
	for (p = text.data; (p = strstr(p, "```yaml\n")); p = end) {
		struct wdf_types *t;

		p += 8;
		end = strstr(p, "\n```");
		if (!end)
			bail("docs/drivers.md: a block is not closed");
		*end++ = '\0';
		if (strncmp(p, "driver:", 7) != 0)
			continue;
		n++;
		t = load(p, &err);
		ok(t && !wdf_driver_refusal(wdf_types_at(t, 0)), "driver %d of the manual runs%s%s", n, t ? "" : ": ",
		   t ? "" : err.text);
		wdf_types_free(t);
	}
	ok(n > 0, "the manual shows a driver");
	wf_buf_release(&text);
}

int main(void)
{
	char dir[] = "/tmp/wf-driver-test-XXXXXX";
	struct wf_err err;

	root = mkdtemp(dir);
	if (!root)
		bail("mkdtemp");
	test_shipped();
	test_bad();
	test_kept();
	test_attributes();
	test_overlay();
	test_dirs();
	test_manual();
	wf_dir_remove(wf_os_posix(), root, &err);
	return done_testing();
}

/* verbs_act.c - owns the grammar of what is asked of a member (ready, health, metrics) and done to it (stop, ops,
 * cleanup). Knows what verbs.c knows: JSON, and pointers into it. */
#include <stdio.h>
#include <string.h>

#include "wdf-schema/driver_internal.h"

enum { PROBE_DEPTH = 8 };

/* ---- probes ------------------------------------------------------------------------------------------ */

static const char *const probe_kinds[] = { "exit", "tcp", "unix", "http", "resp", "file", "log", "exec", "mount", "op",
					   "all", "any" };
static const char *const op_names[] = { "introspect", "validate", "configure", "quiesce", "resume", "grow", "shrink",
					"rebalance", "migrate", "checkpoint", "restore", "grant", "revoke", "attach",
					"detach", "observe", "fence" };

/* The one key of obj that is among names; NULL and a finding when there is none or more than one. */
static const char *the_one(struct verbs_check *c, json_t *obj, const char *const *names, size_t n, const char *what)
{
	struct wf_buf list = { 0 };
	const char *one = NULL;
	int more = 0;

	for (size_t i = 0; i < n; i++) {
		if (!json_object_get(obj, names[i]))
			continue;
		more |= !!one;
		if (!one)
			one = names[i];
		else
			verbs_found(c, WDF_EXCLUSIVE, 0, NULL, "'%s' and '%s' exclude each other", one, names[i]);
	}
	if (one)
		return more ? NULL : one;
	for (size_t i = 0; i < n; i++)
		wf_buf_printf(&list, "%s%s", i ? ", " : "one of ", names[i]);
	verbs_found(c, WDF_MISSING, 0, list.data, "%s is missing here", what);
	wf_buf_release(&list);
	return NULL;
}

static void check_probe(struct verbs_check *c, json_t *v, int depth);

static void check_probes(struct verbs_check *c, json_t *v, int depth)
{
	size_t i, was;
	json_t *item;

	if (!json_is_array(v) || !json_array_size(v)) {
		verbs_found(c, WDF_KIND, 0, "write [{tcp: ...}, {file: ...}]", "a list of probes is expected here");
		return;
	}
	json_array_foreach (v, i, item) {
		was = verbs_enter_item(c, i);
		check_probe(c, item, depth + 1);
		verbs_leave(c, was);
	}
}

/* Which keys may stand beside which kind of probe. */
static const struct {
	const char *option;
	const char *kinds;             /* between blanks */
} probe_options[] = {
	{ "expect", " http resp exec file " },
	{ "path", " http file " },
	{ "at", " resp " },
	{ "newer", " file " },
	{ "lines", " file " },
};

static void check_probe(struct verbs_check *c, json_t *v, int depth)
{
	static const char *const keys[] = { "exit", "tcp", "unix", "http", "resp", "file", "log", "exec", "mount", "op",
					    "all", "any", "every", "deadline", "misses", "expect", "path", "at", "newer",
					    "lines" };
	static const char *const since[] = { "start" };
	const char *kind, *key;
	char blank[16];
	json_t *value;

	if (!json_is_object(v)) {
		verbs_found(c, WDF_KIND, 0, "write {tcp: HOST:PORT}, {unix: PATH}, {exec: [...]} or another probe",
			    "a probe is expected here");
		return;
	}
	if (depth > PROBE_DEPTH) {
		verbs_found(c, WDF_DEPTH, 0, NULL, "probes are nested too deeply");
		return;
	}
	verbs_only(c, v, keys, WF_COUNT(keys));
	kind = the_one(c, v, probe_kinds, WF_COUNT(probe_kinds), "the kind of probe");
	if (!kind)
		return;
	snprintf(blank, sizeof(blank), " %s ", kind);
	json_object_foreach (v, key, value) {
		size_t was = verbs_enter(c, key);

		for (size_t i = 0; i < WF_COUNT(probe_options); i++)
			if (strcmp(key, probe_options[i].option) == 0 && !strstr(probe_options[i].kinds, blank))
				verbs_found(c, WDF_UNKNOWN_KEY, 1, NULL, "'%s' has no meaning for the probe '%s'", key, kind);
		if (strcmp(key, "all") == 0 || strcmp(key, "any") == 0)
			check_probes(c, value, depth);
		else if (strcmp(key, "exit") == 0)
			verbs_check_int(c, value, 0, 255);
		else if (strcmp(key, "exec") == 0)
			verbs_check_words(c, value, VISIBLE);
		else if (strcmp(key, "resp") == 0)
			verbs_check_words(c, value, PRIVATE);
		else if (strcmp(key, "op") == 0)
			verbs_check_choice(c, value, op_names, WF_COUNT(op_names), "operation");
		else if (strcmp(key, "newer") == 0)
			verbs_check_choice(c, value, since, WF_COUNT(since), "word");
		else if (strcmp(key, "lines") == 0)
			verbs_check_int(c, value, 1, INT32_MAX);
		else if (strcmp(key, "misses") == 0)
			verbs_check_int(c, value, 1, 1000);
		else if (strcmp(key, "every") == 0 || strcmp(key, "deadline") == 0)
			verbs_check_time(c, value);
		else if (verbs_is_one_of(key, probe_kinds, WF_COUNT(probe_kinds)))
			verbs_check_text(c, value, PRIVATE);
		else
			verbs_check_scalar(c, value, PRIVATE);
		if (depth && (strcmp(key, "every") == 0 || strcmp(key, "deadline") == 0 || strcmp(key, "misses") == 0))
			verbs_found(c, WDF_UNKNOWN_KEY, 1, NULL, "'%s' belongs to the whole probe, not to a part of it", key);
		verbs_leave(c, was);
	}
}

void verbs_check_ready(struct verbs_check *c, json_t *v)
{
	check_probe(c, v, 0);
	if (json_is_object(v) && json_object_get(v, "misses")) {
		size_t was = verbs_enter(c, "misses");

		verbs_found(c, WDF_UNKNOWN_KEY, 1, "'deadline' bounds it", "'misses' has no meaning for 'ready'");
		verbs_leave(c, was);
	}
}

void verbs_check_health(struct verbs_check *c, json_t *v)
{
	check_probe(c, v, 0);
}

/* ---- what is done to a member ------------------------------------------------------------------------ */

static const char *const signals[] = { "TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "KILL" };

static void check_action(struct verbs_check *c, const char *kind, json_t *value)
{
	if (strcmp(kind, "exec") == 0)
		verbs_check_words(c, value, VISIBLE);
	else if (strcmp(kind, "resp") == 0)
		verbs_check_words(c, value, PRIVATE);
	else if (strcmp(kind, "http") == 0)
		verbs_check_text(c, value, PRIVATE);
	else if (strcmp(kind, "signal") == 0)
		verbs_check_choice(c, value, signals, WF_COUNT(signals), "signal");
	else if (strcmp(kind, "write") == 0)
		verbs_check_map(c, value, PRIVATE);
	else
		verbs_check_text(c, value, PRIVATE);
}

void verbs_check_stop(struct verbs_check *c, json_t *v)
{
	static const char *const keys[] = { "exec", "http", "resp", "signal", "wait", "at" };
	size_t i, was, inner;
	json_t *step, *wait, *at;

	if (!json_is_array(v) || !json_array_size(v)) {
		verbs_found(c, WDF_KIND, 0, "write [{signal: TERM, wait: 10s}]", "a list of steps is expected here");
		return;
	}
	json_array_foreach (v, i, step) {
		const char *kind = NULL;

		was = verbs_enter_item(c, i);
		if (!json_is_object(step)) {
			verbs_found(c, WDF_KIND, 0, "write {signal: TERM, wait: 10s}", "a mapping is expected here");
		} else {
			verbs_only(c, step, keys, WF_COUNT(keys));
			kind = the_one(c, step, keys, 4, "what to do");
		}
		if (kind) {
			inner = verbs_enter(c, kind);
			check_action(c, kind, json_object_get(step, kind));
			verbs_leave(c, inner);
		}
		wait = json_object_get(step, "wait");
		if (wait) {
			inner = verbs_enter(c, "wait");
			verbs_check_time(c, wait);
			verbs_leave(c, inner);
		}
		at = json_object_get(step, "at");
		if (at) {
			inner = verbs_enter(c, "at");
			if (kind && strcmp(kind, "resp") != 0)
				verbs_found(c, WDF_UNKNOWN_KEY, 1, NULL, "'at' has no meaning for '%s'", kind);
			verbs_check_text(c, at, PRIVATE);
			verbs_leave(c, inner);
		}
		if (kind && strcmp(kind, "signal") == 0 && i + 1 < json_array_size(v)) {
			const char *name = json_string_value(json_object_get(step, "signal"));

			inner = verbs_enter(c, "signal");
			if (name && strcmp(name, "KILL") == 0)
				verbs_found(c, WDF_CHOICE, 0, "put it last", "nothing can follow SIGKILL");
			verbs_leave(c, inner);
		}
		verbs_leave(c, was);
	}
}

void verbs_check_ops(struct verbs_check *c, json_t *v)
{
	static const char *const keys[] = { "exec", "http", "resp", "signal", "write", "composite", "deadline", "on",
					    "inverse", "irreversible", "expect", "expects", "yields", "at", "path" };
	static const char *const places[] = { "member", "service", "consumer" };
	const char *name, *key, *kind;
	json_t *op, *value;
	size_t was, inner;

	if (!json_is_object(v)) {
		verbs_found(c, WDF_KIND, 0, NULL, "a mapping of operations is expected here");
		return;
	}
	json_object_foreach (v, name, op) {
		was = verbs_enter(c, name);
		if (!verbs_is_one_of(name, op_names, WF_COUNT(op_names)))
			verbs_unknown(c, WDF_UNKNOWN_KEY, 1, "operation", name, op_names, WF_COUNT(op_names));
		if (!json_is_object(op)) {
			verbs_found(c, WDF_KIND, 0, "write {exec: [...], deadline: 5s}", "a mapping is expected here");
			verbs_leave(c, was);
			continue;
		}
		verbs_only(c, op, keys, WF_COUNT(keys));
		kind = the_one(c, op, keys, 6, "what to do");
		if (!json_object_get(op, "deadline"))
			verbs_found(c, WDF_MISSING, 0, "an operation without one could wait for ever",
				    "operation '%.60s' has no 'deadline'", name);
		if (json_object_get(op, "inverse") && json_object_get(op, "irreversible"))
			verbs_found(c, WDF_EXCLUSIVE, 0, NULL, "'inverse' and 'irreversible' exclude each other");
		json_object_foreach (op, key, value) {
			inner = verbs_enter(c, key);
			if (kind && strcmp(key, kind) == 0)
				check_action(c, kind, value);
			else if (strcmp(key, "deadline") == 0)
				verbs_check_time(c, value);
			else if (strcmp(key, "on") == 0)
				verbs_check_choice(c, value, places, WF_COUNT(places), "place");
			else if (strcmp(key, "inverse") == 0)
				verbs_check_choice(c, value, op_names, WF_COUNT(op_names), "operation");
			else if (strcmp(key, "irreversible") == 0 && !json_is_boolean(value))
				verbs_found(c, WDF_BOOLEAN, 0, NULL, "true or false is expected here");
			else if (strcmp(key, "yields") == 0)
				verbs_check_words(c, value, PRIVATE);
			else if (strcmp(key, "at") == 0 || strcmp(key, "path") == 0 || strcmp(key, "expect") == 0 ||
				 strcmp(key, "expects") == 0)
				verbs_check_scalar(c, value, PRIVATE);
			verbs_leave(c, inner);
		}
		verbs_leave(c, was);
	}
}

void verbs_check_metrics(struct verbs_check *c, json_t *v)
{
	static const char *const keys[] = { "resp", "http", "exec", "file", "at", "every", "pick" };
	const char *kind, *key;
	json_t *value;

	if (!json_is_object(v)) {
		verbs_found(c, WDF_KIND, 0, NULL, "a mapping is expected here");
		return;
	}
	verbs_only(c, v, keys, WF_COUNT(keys));
	kind = the_one(c, v, keys, 4, "where the figures come from");
	json_object_foreach (v, key, value) {
		size_t was = verbs_enter(c, key);

		if (kind && strcmp(key, kind) == 0)
			check_action(c, strcmp(kind, "file") == 0 ? "http" : kind, value);
		else if (strcmp(key, "every") == 0)
			verbs_check_time(c, value);
		else if (strcmp(key, "pick") == 0)
			verbs_check_words(c, value, PRIVATE);
		else if (strcmp(key, "at") == 0)
			verbs_check_text(c, value, PRIVATE);
		verbs_leave(c, was);
	}
}

void verbs_check_cleanup(struct verbs_check *c, json_t *v)
{
	size_t i, was;
	json_t *item;

	if (!json_is_array(v)) {
		verbs_found(c, WDF_KIND, 0, NULL, "a list of paths below the member's directory is expected here");
		return;
	}
	json_array_foreach (v, i, item) {
		was = verbs_enter_item(c, i);
		if (!json_is_string(item) || !verbs_stays_inside(json_string_value(item)))
			verbs_found(c, WDF_NAME, 0, NULL, "a path below the member's directory is expected here");
		verbs_leave(c, was);
	}
}

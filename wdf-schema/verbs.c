/* verbs.c - owns the grammar of a driver's verbs: values, run, files, endpoint here, what is asked of and done to a member in verbs_act.c. It
 * works on JSON, so that the same rules hold for a driver file and for the keys of a COMMAND service in a workflow file. Knows
 * neither files nor places: a finding carries a JSON pointer, which the caller turns into line and column.
 *
 * Everything of docs/drivers.md is checked here, carried out in this version or not; verbs_refusal at the foot says what is not.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "wdf-schema/driver_internal.h"
#include "wdf-schema/value.h"

const char *const verbs_names[] = { "run", "start", "files", "endpoint", "view", "ready", "health", "metrics",
				    "provides", "ops", "stop", "cleanup" };
const size_t verbs_count = WF_COUNT(verbs_names);

const char *const verbs_overridable[] = { "command", "setup", "env", "ready", "health", "stop", "provides" };
const size_t verbs_overridable_count = WF_COUNT(verbs_overridable);

/* Roots of placeholders. `args` exists in ops alone, the run's parameters only in a workflow file. */
static const char *const roots[] = { "service", "member", "members", "view", "attributes", "config", "lease", "args" };
static const char *const service_fields[] = { "name", "type", "host", "port", "dir", "run", "generation", "workdir" };
static const char *const member_fields[] = { "n", "role", "dir", "host", "unix", "tcp", "http", "address" };

/* ---- findings ---------------------------------------------------------------------------------------- */

void verbs_found(struct verbs_check *c, enum wdf_code code, int on_key, const char *hint, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->found++;
	if (c->to)
		c->to->found(c->to->self, code, wf_buf_cstr(&c->at), on_key, text, hint);
}

size_t verbs_enter(struct verbs_check *c, const char *key)
{
	size_t was = c->at.len;

	wf_buf_char(&c->at, '/');
	for (; *key; key++) {
		if (*key == '~')
			wf_buf_str(&c->at, "~0");
		else if (*key == '/')
			wf_buf_str(&c->at, "~1");
		else
			wf_buf_char(&c->at, *key);
	}
	return was;
}

size_t verbs_enter_item(struct verbs_check *c, size_t i)
{
	size_t was = c->at.len;

	wf_buf_printf(&c->at, "/%zu", i);
	return was;
}

void verbs_leave(struct verbs_check *c, size_t was)
{
	c->at.len = was;
	if (c->at.data)
		c->at.data[was] = '\0';
}

void verbs_unknown(struct verbs_check *c, enum wdf_code code, int on_key, const char *what, const char *word,
		    const char *const *names, size_t n)
{
	const char *near = wf_nearest(word, names, n);
	struct wf_buf hint = { 0 };

	if (near) {
		wf_buf_printf(&hint, "did you mean '%s'?", near);
	} else {
		wf_buf_str(&hint, "known: ");
		for (size_t i = 0; i < n; i++)
			wf_buf_printf(&hint, "%s%s", i ? ", " : "", names[i]);
	}
	verbs_found(c, code, on_key, hint.data, "unknown %s '%.60s'", what, word);
	wf_buf_release(&hint);
}

void verbs_only(struct verbs_check *c, json_t *obj, const char *const *names, size_t n)
{
	const char *key;
	json_t *v;

	json_object_foreach (obj, key, v) {
		size_t i = 0, was;

		while (i < n && strcmp(names[i], key) != 0)
			i++;
		if (i < n)
			continue;
		was = verbs_enter(c, key);
		verbs_unknown(c, WDF_UNKNOWN_KEY, 1, "key", key, names, n);
		verbs_leave(c, was);
	}
}

int verbs_is_one_of(const char *word, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], word) == 0)
			return 1;
	return 0;
}

/* ---- values ------------------------------------------------------------------------------------------ */

/* One placeholder's dotted name. */
static void check_name(struct verbs_check *c, const char *name, size_t n, enum secrecy secrecy)
{
	size_t dot = 0;
	char word[64], field[64];

	if (secrecy == VISIBLE && n >= 5 && strncmp(name, "lease", 5) == 0 &&
	    (n == 5 || (n == 12 && strncmp(name + 5, ".secret", 7) == 0)))
		verbs_found(c, WDF_UNSAFE, 0, "put it into a file of 'files', which only the member's user can read",
			    "'lease.secret' would be visible to others here");
	if (!c->driver)
		return;
	while (dot < n && name[dot] != '.')
		dot++;
	snprintf(word, sizeof(word), "%.*s", (int)dot, name);
	if (!verbs_is_one_of(word, roots, WF_COUNT(roots))) {
		verbs_unknown(c, WDF_UNKNOWN_NAME, 0, "name", word, roots, WF_COUNT(roots));
		return;
	}
	if (dot == n)
		return;
	snprintf(field, sizeof(field), "%.*s", (int)(n - dot - 1), name + dot + 1);
	field[strcspn(field, ".")] = '\0';
	if (strcmp(word, "attributes") == 0 && !wdf_driver_attribute(c->driver, field))
		verbs_found(c, WDF_UNKNOWN_NAME, 0, "attributes are declared in 'attributes'", "the driver has no attribute '%s'",
			    field);
	else if (strcmp(word, "service") == 0 && !verbs_is_one_of(field, service_fields, WF_COUNT(service_fields)))
		verbs_unknown(c, WDF_UNKNOWN_NAME, 0, "field of service", field, service_fields, WF_COUNT(service_fields));
	else if (strcmp(word, "member") == 0 && !verbs_is_one_of(field, member_fields, WF_COUNT(member_fields)))
		verbs_unknown(c, WDF_UNKNOWN_NAME, 0, "field of member", field, member_fields, WF_COUNT(member_fields));
}

static void placeholders(struct verbs_check *c, const char *text, enum secrecy secrecy)
{
	struct wdf_brace b;
	size_t at = 0;

	while (wdf_brace_next(text, strlen(text), &at, &b)) {
		if (b.form == WDF_BRACE_NAME)
			check_name(c, b.name, b.name_len, secrecy);
		else if (b.form != WDF_BRACE_TEXT)
			verbs_found(c, WDF_PLACEHOLDER, 0, "write '{{ name }}'", "'%.*s' is not a placeholder", (int)b.len,
				    text + b.at);
	}
}

static int is_scalar(const json_t *v)
{
	return json_is_string(v) || json_is_number(v) || json_is_boolean(v);
}

/* A single value: text, or a number or truth value that is taken as its text. */
int verbs_check_scalar(struct verbs_check *c, json_t *v, enum secrecy secrecy)
{
	if (!is_scalar(v)) {
		verbs_found(c, WDF_KIND, 0, NULL, "a single value is expected here");
		return -1;
	}
	if (json_is_string(v))
		placeholders(c, json_string_value(v), secrecy);
	return 0;
}

void verbs_check_text(struct verbs_check *c, json_t *v, enum secrecy secrecy)
{
	if (verbs_check_scalar(c, v, secrecy) < 0)
		return;
	if (json_is_string(v) && !json_string_length(v))
		verbs_found(c, WDF_EMPTY_VALUE, 0, NULL, "this may not be empty");
}

void verbs_check_words(struct verbs_check *c, json_t *v, enum secrecy secrecy)
{
	size_t i, was;
	json_t *word;

	if (!json_is_array(v) || !json_array_size(v)) {
		verbs_found(c, json_is_array(v) ? WDF_EMPTY_VALUE : WDF_KIND, 0, "write [word, word]",
			    "a list of words is expected here");
		return;
	}
	json_array_foreach (v, i, word) {
		was = verbs_enter_item(c, i);
		if (i == 0)
			verbs_check_text(c, word, secrecy);
		else
			verbs_check_scalar(c, word, secrecy);
		verbs_leave(c, was);
	}
}

void verbs_check_map(struct verbs_check *c, json_t *v, enum secrecy secrecy)
{
	const char *key;
	json_t *value;

	if (!json_is_object(v)) {
		verbs_found(c, WDF_KIND, 0, NULL, "a mapping is expected here");
		return;
	}
	json_object_foreach (v, key, value) {
		size_t was = verbs_enter(c, key);

		verbs_check_scalar(c, value, secrecy);
		verbs_leave(c, was);
	}
}

void verbs_check_time(struct verbs_check *c, json_t *v)
{
	struct wf_err err;
	int64_t ms;

	if (!json_is_string(v))
		verbs_found(c, WDF_TIME, 0, "write a unit: 500ms, 10s, 2m", "a time is expected here");
	else if (!strstr(json_string_value(v), "{{") && wdf_time_parse(json_string_value(v), &ms, &err) < 0)
		verbs_found(c, WDF_TIME, 0, NULL, "%s", err.text);
}

void verbs_check_int(struct verbs_check *c, json_t *v, int64_t min, int64_t max)
{
	if (json_is_string(v) && strstr(json_string_value(v), "{{"))
		return;
	if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
		verbs_found(c, WDF_INTEGER, 0, NULL, "an integer from %lld to %lld is expected here", (long long)min,
			    (long long)max);
}

void verbs_check_choice(struct verbs_check *c, json_t *v, const char *const *names, size_t n, const char *what)
{
	if (!json_is_string(v))
		verbs_found(c, WDF_KIND, 0, NULL, "a word is expected here");
	else if (!verbs_is_one_of(json_string_value(v), names, n))
		verbs_unknown(c, WDF_CHOICE, 0, what, json_string_value(v), names, n);
}

/* A path that stays where it is told to: relative, no "..". */
int verbs_stays_inside(const char *path)
{
	const char *p = path;

	if (!*p || *p == '/')
		return 0;
	while (*p) {
		size_t n = strcspn(p, "/");

		if (n == 2 && p[0] == '.' && p[1] == '.')
			return 0;
		p += n;
		p += strspn(p, "/");
	}
	return 1;
}

static int is_env_name(const char *s)
{
	if (!*s || (*s >= '0' && *s <= '9'))
		return 0;
	for (; *s; s++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_", *s))
			return 0;
	return 1;
}

static void check_env(struct verbs_check *c, json_t *v)
{
	const char *key;
	json_t *value;

	if (!json_is_object(v)) {
		verbs_found(c, WDF_KIND, 0, NULL, "a mapping of names to values is expected here");
		return;
	}
	json_object_foreach (v, key, value) {
		size_t was = verbs_enter(c, key);

		if (!is_env_name(key))
			verbs_found(c, WDF_NAME, 1, "letters, digits and '_'", "'%.60s' is no name of an environment variable",
				    key);
		else if (strncmp(key, "WF_", 3) == 0 || strncmp(key, "IOI_", 4) == 0)
			verbs_found(c, WDF_RESERVED, 1, NULL, "variables that begin with WF_ and IOI_ are wf's own");
		verbs_check_scalar(c, value, VISIBLE);
		verbs_leave(c, was);
	}
}

/* setup: one text of shell lines, or a list of them. */
static void check_setup(struct verbs_check *c, json_t *v)
{
	if (json_is_array(v))
		verbs_check_words(c, v, VISIBLE);
	else
		verbs_check_text(c, v, VISIBLE);
}

/* ---- run --------------------------------------------------------------------------------------------- */

static void check_run(struct verbs_check *c, json_t *v)
{
	static const char *const keys[] = { "argv", "command", "shell", "env", "cwd", "setup" };
	const char *key;
	json_t *value;

	if (!json_is_object(v)) {
		verbs_found(c, WDF_KIND, 0, "write {argv: [program, word]}", "a mapping is expected here");
		return;
	}
	verbs_only(c, v, keys, WF_COUNT(keys));
	if (json_object_get(v, "argv") && json_object_get(v, "command"))
		verbs_found(c, WDF_EXCLUSIVE, 0, NULL, "'argv' and 'command' exclude each other");
	json_object_foreach (v, key, value) {
		size_t was = verbs_enter(c, key);

		if (strcmp(key, "argv") == 0)
			verbs_check_words(c, value, VISIBLE);
		else if (strcmp(key, "command") == 0 || strcmp(key, "shell") == 0 || strcmp(key, "cwd") == 0)
			verbs_check_text(c, value, VISIBLE);
		else if (strcmp(key, "env") == 0)
			check_env(c, value);
		else if (strcmp(key, "setup") == 0)
			check_setup(c, value);
		verbs_leave(c, was);
	}
}

static void check_files(struct verbs_check *c, json_t *v)
{
	const char *key;
	json_t *value;

	if (!json_is_object(v)) {
		verbs_found(c, WDF_KIND, 0, "write {name: template}", "a mapping is expected here");
		return;
	}
	json_object_foreach (v, key, value) {
		size_t was = verbs_enter(c, key);

		if (!verbs_stays_inside(key))
			verbs_found(c, WDF_NAME, 1, NULL, "'%.60s' must be a path below the member's directory", key);
		if (!json_is_string(value) || !verbs_stays_inside(json_string_value(value)))
			verbs_found(c, WDF_NAME, 0, NULL, "a template file below the driver's directory is expected here");
		verbs_leave(c, was);
	}
}

static void check_endpoint(struct verbs_check *c, json_t *v)
{
	static const char *const keys[] = { "unix", "tcp", "http", "address" };
	static const char *const from[] = { "json", "path" };
	const char *key;
	json_t *value;

	if (!json_is_object(v) || !json_object_size(v)) {
		verbs_found(c, WDF_KIND, 0, "write {unix: PATH} or {tcp: HOST:PORT}", "a mapping is expected here");
		return;
	}
	verbs_only(c, v, keys, WF_COUNT(keys));
	json_object_foreach (v, key, value) {
		size_t was = verbs_enter(c, key);

		if (json_is_object(value)) {
			verbs_only(c, value, from, WF_COUNT(from));
			verbs_check_map(c, value, VISIBLE);
			if (!json_object_get(value, "json") || !json_object_get(value, "path"))
				verbs_found(c, WDF_MISSING, 0, NULL, "'json' (a file) and 'path' (inside it) belong together");
		} else {
			verbs_check_text(c, value, VISIBLE);
		}
		verbs_leave(c, was);
	}
}

/* ---- one verb, all verbs ----------------------------------------------------------------------------- */

static void check_verb(struct verbs_check *c, const char *name, json_t *v)
{
	static const struct {
		const char *name;
		void (*check)(struct verbs_check *c, json_t *v);
	} table[] = {
		{ "run", check_run },         { "start", check_run },     { "files", check_files },
		{ "endpoint", check_endpoint }, { "view", check_files },  { "ready", verbs_check_ready },
		{ "metrics", verbs_check_metrics }, { "provides", check_env },  { "ops", verbs_check_ops },
		{ "stop", verbs_check_stop },       { "cleanup", verbs_check_cleanup }, { "env", check_env },
		{ "setup", check_setup },
	};
	size_t was = verbs_enter(c, name);

	for (size_t i = 0; i < WF_COUNT(table); i++)
		if (strcmp(table[i].name, name) == 0)
			table[i].check(c, v);
	if (strcmp(name, "health") == 0)
		verbs_check_health(c, v);
	if (strcmp(name, "command") == 0)
		verbs_check_text(c, v, VISIBLE);
	verbs_leave(c, was);
}

void verbs_check_override(struct verbs_check *c, const char *name, json_t *value)
{
	check_verb(c, name, value);
}

void verbs_check_all(struct verbs_check *c, json_t *verbs)
{
	const char *key;
	json_t *value;

	json_object_foreach (verbs, key, value)
		check_verb(c, key, value);
	if (json_object_get(verbs, "run") && json_object_get(verbs, "start"))
		verbs_found(c, WDF_EXCLUSIVE, 0, "'run' stays in the foreground, 'start' returns",
			    "'run' and 'start' exclude each other");
}

/* ---- what this version does not carry out ------------------------------------------------------------ */

static char *probe_refusal(const char *type, const char *verb, json_t *probe)
{
	static const char *const lists[] = { "all", "any" };
	char *text;
	size_t i;
	json_t *item;

	if (json_object_get(probe, "mount"))
		return wf_xasprintf("service type '%s' is not run yet: the probe 'mount' of its '%s' is missing in this version",
				    type, verb);
	if (json_object_get(probe, "op"))
		return wf_xasprintf("service type '%s' is not run yet: its '%s' asks an operation, and operations are missing in "
				    "this version", type, verb);
	for (size_t k = 0; k < WF_COUNT(lists); k++) {
		json_array_foreach (json_object_get(probe, lists[k]), i, item) {
			text = probe_refusal(type, verb, item);
			if (text)
				return text;
		}
	}
	return NULL;
}

char *wdf_driver_verbs_refusal(const char *type, json_t *verbs)
{
	json_t *value;
	const char *key;
	char *text;

	if (!json_object_get(verbs, "run") && !json_object_get(verbs, "start"))
		return wf_xasprintf("service type '%s' is not run yet: its driver says what it takes, but not how to run it", type);
	if (json_object_get(verbs, "view"))
		return wf_xasprintf("service type '%s' is not run yet: views written for its members are missing in this version",
				    type);
	json_object_foreach (json_object_get(verbs, "endpoint"), key, value)
		if (json_is_object(value))
			return wf_xasprintf("service type '%s' is not run yet: an endpoint read from a file is missing in this "
					    "version", type);
	text = probe_refusal(type, "ready", json_object_get(verbs, "ready"));
	if (!text)
		text = probe_refusal(type, "health", json_object_get(verbs, "health"));
	return text;
}

/* router.c - owns the table of what can be asked, and finding the row for a method and a path. Pure: knows no engine and no socket. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api/api_internal.h"

#define KIB ((size_t)1 << 10)
#define MIB ((size_t)1 << 20)

const struct route api_routes[] = {
	{ "GET", "/engine", engine_show, "", 0 },
	{ "POST", "/engine:stop", engine_stop, "", 64 * KIB },
	{ "POST", "/engine:backup", engine_backup, "", 64 * KIB },
	{ "GET", "/config", config_show, "page_size page_token", 0 },
	{ "POST", "/runs", runs_submit, "", 64 * MIB },
	{ "GET", "/runs", runs_list, "state name page_size page_token", 0 },
	{ "GET", "/runs/RUN", run_show, "wait rev until", 0 },
	{ "DELETE", "/runs/RUN", run_remove, "", 0 },
	{ "POST", "/runs/RUN:cancel", run_cancel, "", 64 * KIB },
	{ "POST", "/runs/RUN:retry", run_retry, "", 64 * KIB },
	{ "POST", "/runs/RUN:pause", run_pause, "", 64 * KIB },
	{ "POST", "/runs/RUN:resume", run_resume, "", 64 * KIB },
	{ "GET", "/runs/RUN/tasks", tasks_list, "state step class page_size page_token", 0 },
	{ "GET", "/runs/RUN/steps", run_steps, "page_size page_token", 0 },
	{ "GET", "/runs/RUN/tasks/TASK", task_show, "", 0 },
	{ "GET", "/runs/RUN/tasks/TASK/why", task_why, "", 0 },
	{ "GET", "/runs/RUN/tasks/TASK/log", task_log, "stream attempt offset limit wait", 0 },
	{ "POST", "/runs/RUN/tasks/TASK:resolve", task_resolve, "", 64 * KIB },
	{ "GET", "/runs/RUN/events", run_events, "since limit wait", 0 },
	{ "GET", "/runs/RUN/services", run_services, "page_size page_token", 0 },
	{ "GET", "/runs/RUN/graph", run_graph, "", 0 },
	{ "GET", "/runs/RUN/workflow", run_workflow, "", 0 },
	{ "GET", "/services", services_list, "page_size page_token", 0 },
};
const size_t api_route_count = WF_COUNT(api_routes);

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int url_decode(char *s, int plus_is_blank)
{
	char *to = s;

	for (; *s; s++) {
		int high, low;

		if (*s == '+' && plus_is_blank) {
			*to++ = ' ';
		} else if (*s != '%') {
			*to++ = *s;
		} else if ((high = hex(s[1])) < 0 || (low = hex(s[2])) < 0 || high + low == 0) {
			return -1;
		} else {
			*to++ = (char)(high << 4 | low);
			s += 2;
		}
	}
	*to = '\0';
	return 0;
}

struct span {
	const char *p;
	size_t n;
};

/* Next segment of a path, without its slash; 0 at the end. */
static int next_segment(const char **at, struct span *s)
{
	if (**at != '/')
		return 0;
	s->p = *at + 1;
	s->n = strcspn(s->p, "/");
	*at = s->p + s->n;
	return 1;
}

static int is(const struct span *s, const char *word)
{
	return s->n == strlen(word) && memcmp(s->p, word, s->n) == 0;
}

/* A verb is behind the last colon of the last segment; elsewhere a colon is a character like others. */
static size_t verb_at(const struct span *s, const char *after)
{
	size_t i = s->n;

	if (*after)
		return s->n;
	while (i && s->p[i - 1] != ':')
		i--;
	return i ? i - 1 : s->n;
}

/* A name in a path: decoded, not empty, without a slash: no file's path ever comes from a URL. */
static int take_name(const struct span *s, char **name)
{
	*name = wf_xstrndup(s->p, s->n);
	if (url_decode(*name, 0) == 0 && **name && !strchr(*name, '/'))
		return 0;
	free(*name);
	*name = NULL;
	return -1;
}

static int matches(const char *pattern, const char *path, struct span found[2])
{
	struct span want, have;

	memset(found, 0, 2 * sizeof(*found));
	while (next_segment(&pattern, &want)) {
		size_t want_verb, have_verb;

		if (!next_segment(&path, &have))
			return 0;
		want_verb = verb_at(&want, pattern);
		have_verb = want_verb < want.n ? verb_at(&have, path) : have.n;
		if (want.n - want_verb != have.n - have_verb || memcmp(want.p + want_verb, have.p + have_verb, want.n - want_verb) != 0)
			return 0;
		want.n = want_verb;
		have.n = have_verb;
		if (is(&want, "RUN"))
			found[0] = have;
		else if (is(&want, "TASK"))
			found[1] = have;
		else if (want.n != have.n || memcmp(want.p, have.p, want.n) != 0)
			return 0;
	}
	return *path == '\0';
}

static int is_method(const char *m)
{
	static const char *const known[] = { "GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT" };

	for (size_t i = 0; i < WF_COUNT(known); i++)
		if (strcmp(m, known[i]) == 0)
			return 1;
	return 0;
}

static void allow_method(char allow[64], const char *method)
{
	size_t n = strlen(allow);

	snprintf(allow + n, 64 - n, "%s%s%s", n ? ", " : "", method, strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

/* RUN and TASK may hold a colon-verb only where the table has one: a row with a verb is looked for before the plain one. */
const struct route *route_find(const struct route *table, size_t count, const char *method, const char *path, char *names[2], int *status,
			       char allow[64])
{
	static const char prefix[] = "/api/v1";
	struct span found[2];

	names[0] = names[1] = NULL;
	allow[0] = '\0';
	*status = 404;
	if (!is_method(method)) {
		*status = 501;
		return NULL;
	}
	if (strncmp(path, prefix, sizeof(prefix) - 1) != 0)
		return NULL;
	path += sizeof(prefix) - 1;
	for (int verbs = 1; verbs >= 0; verbs--) {
		for (size_t i = 0; i < count; i++) {
			const struct route *r = &table[i];

			if ((strchr(r->pattern, ':') != NULL) != verbs || !matches(r->pattern, path, found))
				continue;
			if (strcmp(method, r->method) != 0 && !(strcmp(method, "HEAD") == 0 && strcmp(r->method, "GET") == 0)) {
				allow_method(allow, r->method);
				*status = 405;
				continue;
			}
			for (int k = 0; k < 2; k++)
				if (found[k].p && take_name(&found[k], &names[k]) < 0) {
					free(names[0]);
					names[0] = NULL;
					*status = 404;
					return NULL;
				}
			*status = 200;
			return r;
		}
		if (*status == 405)
			break;
	}
	return NULL;
}

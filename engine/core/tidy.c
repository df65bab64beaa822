/* tidy.c - owns the removal of what the dead left: half-written files, directories of runs that never came to be, directories of members whose host was
 * killed. Knows no process: who calls has the proof that whoever wrote there is gone. Nothing that holds a person's data is touched.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/json.h"
#include "engine/base/log.h"
#include "engine/core/engine.h"

enum { SALT = 16, MARKER_MAX = 65536 };

struct tidy {
	struct engine *e;
	const char *dir;
	const char *keep;              /* part of a name that others may be writing under; NULL: none */
	const char *service;           /* its name; NULL: whatever */
	size_t count;
};

static int each(struct tidy *t, const char *dir, int (*fn)(const char *name, void *arg))
{
	struct tidy inner = *t;
	int rc;

	inner.dir = dir;
	rc = t->e->os->ops->list(t->e->os->self, dir, fn, &inner);
	t->count = inner.count;
	return rc;
}

static void drop(struct engine *e, const char *path)
{
	struct wf_err err;

	if (wf_dir_remove(e->os, path, &err) < 0)
		wf_log(WF_LOG_WARN, "cannot remove what a dead process left: %s, ignoring", err.text);
}

static int is_salt(const char *s)
{
	for (int i = 0; i < SALT; i++)
		if (!isxdigit((unsigned char)s[i]))
			return 0;
	return 1;
}

static int is_of(const char *name, const char *service)
{
	size_t n = strlen(service);

	return strncmp(name, service, n) == 0 && name[n] == '.';
}

/* As wf_file_publish names them: NAME.<salt>.tmp. Whoever made one died before its rename. */
static int drop_temporary(const char *name, void *arg)
{
	struct tidy *t = arg;
	size_t n = strlen(name);
	char *path;

	if (n < SALT + 6 || strcmp(name + n - 4, ".tmp") != 0 || name[n - SALT - 5] != '.' || !is_salt(name + n - SALT - 4) ||
	    (t->keep && strstr(name, t->keep)) || (t->service && !is_of(name, t->service)))
		return 0;
	path = wf_xasprintf("%s/%s", t->dir, name);
	drop(t->e, path);
	free(path);
	return 0;
}

/* ---- members ------------------------------------------------------------------------------------------------------ */

/* The directory for sockets that a member's marker names: ours, and named as its host names them. */
static void drop_service_dir(struct engine *e, const char *dir)
{
	const char *name = strrchr(dir, '/');
	struct stat st;

	if (*dir == '/' && name && strncmp(name, "/wf-", 4) == 0 && e->os->ops->lstat(e->os->self, dir, &st) == 0 && S_ISDIR(st.st_mode) &&
	    st.st_uid == geteuid())
		drop(e, dir);
}

/* NAME.GENERATION.N, which its host makes with its marker (services/place.c) and removes at an orderly end. */
static int drop_member_dir(const char *name, void *arg)
{
	struct tidy *t = arg;
	size_t n = strlen(t->service);
	struct wf_buf text = { 0 };
	char *dir, *file;
	struct stat st;

	if (!is_of(name, t->service) || name[n + 1 + strspn(name + n + 1, "0123456789.")] != '\0')
		return 0;
	dir = wf_xasprintf("%s/%s", t->dir, name);
	file = wf_xasprintf("%s/.wf-member", dir);
	if (t->e->os->ops->lstat(t->e->os->self, dir, &st) == 0 && S_ISDIR(st.st_mode)) {
		if (wf_file_read(t->e->os, file, MARKER_MAX, &text, NULL) == 0) {
			json_t *marker = wf_json_parse(wf_buf_cstr(&text), text.len, NULL);
			const char *service_dir = json_string_value(json_object_get(marker, "service_dir"));

			if (service_dir)
				drop_service_dir(t->e, service_dir);
			json_decref(marker);
		}
		drop(t->e, dir);
	}
	wf_buf_release(&text);
	free(dir);
	free(file);
	return 0;
}

void tidy_service(struct engine *e, struct run *r, uint32_t service)
{
	const struct wf_service *s = &r->services[service].s;
	struct tidy t = { .e = e };
	struct wf_arena a = { 0 };
	char *dir;

	/* Not before every member is proven gone. */
	if (s->state != WF_SERVICE_STOPPED && s->state != WF_SERVICE_FAILED)
		return;
	t.service = render_service_file(&a, r, service);
	dir = wf_xasprintf("%s/services", r->dir);
	(void)each(&t, dir, drop_member_dir);
	(void)each(&t, dir, drop_temporary);
	free(dir);
	wf_arena_release(&a);
}

/* ---- runs ----------------------------------------------------------------------------------------------------------- */

static void tidy_run(struct engine *e, struct run *r)
{
	/* A member's host may be writing its endpoint just now. */
	struct tidy t = { .e = e, .keep = ".endpoint." };
	char *services = wf_xasprintf("%s/services", r->dir);

	(void)each(&t, r->dir, drop_temporary);
	(void)each(&t, services, drop_temporary);
	free(services);
	for (uint32_t i = 0; i < r->service_count; i++)
		tidy_service(e, r, i);
}

static int count_one(const char *name, void *arg)
{
	struct tidy *t = arg;

	(void)name;
	t->count++;
	return 0;
}

static int is_known(const struct engine *e, const struct wf_id *id)
{
	for (size_t i = 0; i < e->run_count; i++)
		if (memcmp(&e->runs[i]->row.id, id, sizeof(*id)) == 0)
			return 1;
	return 0;
}

/* A submit that was not committed leaves its directory with the environment in it and nothing else: no task of it ever ran. One that holds more is of a
 * run that was forgotten, or that a backup does not know, and is a person's. */
static int drop_unborn(const char *name, void *arg)
{
	static const char *const subs[] = { "log", "result", "services", "tasks" };
	struct tidy *t = arg;
	size_t inside = 0;
	struct wf_id id;
	char *dir;

	if (wf_id_parse(&id, name) < 0 || is_known(t->e, &id))
		return 0;
	dir = wf_xasprintf("%s/%s", t->dir, name);
	for (size_t i = 0; i < WF_COUNT(subs); i++) {
		struct tidy sub = { .e = t->e };
		char *path = wf_xasprintf("%s/%s", dir, subs[i]);

		if (each(&sub, path, count_one) < 0 && errno != ENOENT)
			inside++;
		inside += sub.count;
		free(path);
	}
	if (!inside) {
		wf_log(WF_LOG_INFO, "removing '%s', of a submit that was never taken", dir);
		drop(t->e, dir);
	}
	free(dir);
	return 0;
}

/* ---- the state directory ------------------------------------------------------------------------------------------------ */

/* epochs/.<salt>: of an engine that died before it won one. */
static int drop_half_epoch(const char *name, void *arg)
{
	struct tidy *t = arg;
	char *path;

	if (name[0] != '.' || strlen(name) != SALT + 1 || !is_salt(name + 1))
		return 0;
	path = wf_xasprintf("%s/%s", t->dir, name);
	drop(t->e, path);
	free(path);
	return 0;
}

void tidy_all(struct engine *e)
{
	struct tidy t = { .e = e };
	char *epochs = wf_xasprintf("%s/epochs", e->state_dir);

	(void)each(&t, e->state_dir, drop_temporary);
	(void)each(&t, epochs, drop_half_epoch);
	/* A run root elsewhere may be shared with engines of other state directories. */
	if (!e->opt.run_root && each(&t, e->run_root, count_one) == 0 && t.count > e->run_count)
		(void)each(&t, e->run_root, drop_unborn);
	for (size_t i = 0; i < e->run_count; i++)
		if (e->runs[i]->loaded)
			tidy_run(e, e->runs[i]);
	free(epochs);
}

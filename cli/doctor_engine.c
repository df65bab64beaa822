/* doctor_engine.c - owns the checks of what we ship: programs, the running engine, its agents, service types. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/doctor.h"
#include "cli/field.h"
#include "cli/spec.h"
#include "engine/base/os.h"
#include "wdf-schema/driver.h"

void check_programs(json_t *list)
{
	static const char *const programs[] = { "wf-engine", "wf-agent-local", "wf-service" };
	struct wf_buf missing = { 0 };

	for (size_t i = 0; i < WF_COUNT(programs); i++)
		if (access(beside_us(programs[i]), X_OK) < 0)
			wf_buf_printf(&missing, "%s%s", missing.len ? ", " : "", programs[i]);
	if (missing.len)
		found(list, "programs", BROKEN_HERE, "build with `make`, or install again: they belong beside wf", "missing in %s: %s",
		      wf_path_bin(), wf_buf_cstr(&missing));
	else
		found(list, "programs", FINE, NULL, "complete in %s", wf_path_bin());
	wf_buf_release(&missing);
}

static void agents(json_t *list, json_t *items)
{
	size_t i;
	json_t *a;

	json_array_foreach(items, i, a) {
		if (field_true(a, "connected"))
			found(list, "agent", FINE, NULL, "%s on %s (pid %lld), %lld of %lld cores free", field_str(a, "executor"),
			      field_str(a, "host"), (long long)field_int(a, "pid"), (long long)field_int(a, "cores_free"),
			      (long long)field_int(a, "cores"));
		else
			found(list, "agent", DOUBTFUL, "the engine starts it again by itself; see the engine's log if it does not",
			      "%s on %s is not connected", field_str(a, "executor"), field_str(a, "host"));
	}
}

void check_engine(json_t *list, struct client *c)
{
	struct wf_err err;
	struct wf_buf url = { 0 };
	json_t *e;

	url_path(&url, "engine", NULL);
	e = client_get(c, &url, &err);
	wf_buf_release(&url);
	if (!e && client_lost(&err)) {
		found(list, "engine", FINE, NULL, "does not run; it starts when it is needed");
		return;
	}
	if (!e) {
		found(list, "engine", BROKEN_HERE, "`wf engine stop`, then try again", "%s", err.text);
		return;
	}
	if (strcmp(field_str(e, "version"), WF_VERSION) != 0)
		found(list, "engine", DOUBTFUL, "`wf engine stop`: the next command starts the new one, tasks go on meanwhile",
		      "version %s runs (pid %lld), this is wf %s", field_str(e, "version"), (long long)field_int(e, "pid"), WF_VERSION);
	else
		found(list, "engine", FINE, NULL, "version %s runs, pid %lld, epoch %lld", field_str(e, "version"),
		      (long long)field_int(e, "pid"), (long long)field_int(e, "epoch"));
	if (field_true(e, "full"))
		found(list, "engine", BROKEN_HERE, "free space: what was running is recorded, and the engine goes on by itself",
		      "the disk is full: nothing new is started");
	agents(list, json_object_get(e, "agents"));
	json_decref(e);
}

/* Found as a shell would find it. */
static int in_path(const char *program)
{
	const char *p = getenv("PATH");
	int there = 0;

	if (strchr(program, '/'))
		return access(program, X_OK) == 0;
	for (p = p ? p : "/usr/bin:/bin"; *p && !there;) {
		size_t n = strcspn(p, ":");
		char *path = wf_xasprintf("%.*s/%s", (int)n, p, program);

		there = access(path, X_OK) == 0;
		free(path);
		p += n + (p[n] == ':');
	}
	return there;
}

static void one_type(json_t *list, const struct wdf_driver *d)
{
	struct wf_buf missing = { 0 };

	for (uint32_t i = 0; i < d->requires_exec_count; i++)
		if (!in_path(d->requires_exec[i]))
			wf_buf_printf(&missing, "%s%s", missing.len ? ", " : "", d->requires_exec[i]);
	if (d->unsupported)
		found(list, "service", FINE, NULL, "%s: known, not run by this version", d->type);
	else if (missing.len)
		found(list, "service", DOUBTFUL, "install it, or load its module before `wf submit`", "%s needs %s, not found in PATH", d->type,
		      wf_buf_cstr(&missing));
	else
		found(list, "service", FINE, NULL, "%s", d->type);
	wf_buf_release(&missing);
}

void check_types(json_t *list)
{
	const char *const *dirs = spec_type_dirs();
	struct wdf_types *types;
	struct wf_err err;
	size_t n = 0;

	while (dirs[n])
		n++;
	types = wdf_types_load(dirs, n, &err);
	if (!types) {
		found(list, "service", BROKEN_HERE, "mend or remove that driver file", "%s", err.text);
		return;
	}
	if (!wdf_types_count(types))
		found(list, "service", DOUBTFUL, "install again: driver files belong in share/wf/types", "no service types in %s", dirs[0]);
	for (size_t i = 0; i < wdf_types_count(types); i++)
		one_type(list, wdf_types_at(types, i));
	wdf_types_free(types);
}

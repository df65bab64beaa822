/* types.c - owns the set of service types that a workflow file is checked against: the drivers of some directories, by
 * name. What is in a driver file is driver.c's. */
#include <stdlib.h>
#include <string.h>

#include "engine/base/os.h"
#include "wdf-schema/driver.h"

struct wdf_types {
	struct wdf_driver **drivers;   /* sorted by type */
	const char **names;            /* of drivers, in their order */
	size_t count, cap;
};

struct scan {
	struct wdf_types *types;
	const char *dir;
	struct wf_err *err;
	int failed;
};

static int by_type(const void *a, const void *b)
{
	const struct wdf_driver *const *x = a, *const *y = b;

	return strcmp((*x)->type, (*y)->type);
}

static void add(struct wdf_types *t, struct wdf_driver *d)
{
	for (size_t i = 0; i < t->count; i++) {
		if (strcmp(t->drivers[i]->type, d->type) == 0) {
			wdf_driver_free(t->drivers[i]);
			t->drivers[i] = d;
			return;
		}
	}
	t->drivers = wf_grow(t->drivers, &t->cap, t->count + 1, sizeof(*t->drivers));
	t->drivers[t->count++] = d;
}

static int on_name(const char *name, void *arg)
{
	struct scan *s = arg;
	char *file = wf_xasprintf("%s/%s/driver.yaml", s->dir, name);
	struct wdf_driver *d;

	if (wf_file_exists(wf_os_posix(), file)) {
		d = wdf_driver_read(file, s->err);
		if (d)
			add(s->types, d);
		else
			s->failed = 1;
	}
	free(file);
	return s->failed;
}

struct wdf_types *wdf_types_load(const char *const *dirs, size_t n, struct wf_err *err)
{
	struct wdf_types *t = wf_xcalloc(1, sizeof(*t));
	struct wf_os *os = wf_os_posix();

	for (size_t i = 0; i < n; i++) {
		struct scan s = { t, dirs[i], err, 0 };

		if (os->ops->list(os->self, dirs[i], on_name, &s) < 0) {
			wf_err_sys(err, "cannot read the service types in '%s'", dirs[i]);
			s.failed = 1;
		}
		if (s.failed) {
			wdf_types_free(t);
			return NULL;
		}
	}
	if (t->count)
		qsort(t->drivers, t->count, sizeof(t->drivers[0]), by_type);
	t->names = wf_xcalloc(t->count + 1, sizeof(*t->names));
	for (size_t i = 0; i < t->count; i++)
		t->names[i] = t->drivers[i]->type;
	return t;
}

void wdf_types_free(struct wdf_types *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->count; i++)
		wdf_driver_free(t->drivers[i]);
	free(t->drivers);
	free(t->names);
	free(t);
}

const struct wdf_driver *wdf_types_find(const struct wdf_types *t, const char *type)
{
	for (size_t i = 0; t && i < t->count; i++)
		if (strcasecmp(t->drivers[i]->type, type) == 0)
			return t->drivers[i];
	return NULL;
}

size_t wdf_types_count(const struct wdf_types *t)
{
	return t ? t->count : 0;
}

const struct wdf_driver *wdf_types_at(const struct wdf_types *t, size_t i)
{
	return i < t->count ? t->drivers[i] : NULL;
}

const char *const *wdf_types_names(const struct wdf_types *t, size_t *n)
{
	*n = t ? t->count : 0;
	return t ? t->names : NULL;
}

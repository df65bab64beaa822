/* config.c - owns the layers of configuration: which file may say what, who wins, what a site's limits allow.
 *
 * Knows nothing of what the values do. Everything is read as text first, so that each value can be shown as it was written; the meaning is
 * taken once, at the end, from the winner.
 */
#include "engine/core/config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "wdf-schema/yaml.h"

enum { FILE_MAX = 1 << 20 };

static const char *const keys[] = {
#define X(sym, key, env) key,
	WF_CONFIG_KEYS(X)
#undef X
};
static const char *const variables[] = {
#define X(sym, key, env) env,
	WF_CONFIG_KEYS(X)
#undef X
};

/* One value with its place, for messages. */
struct found {
	const char *text;              /* NULL: not said */
	const char *origin;
	const char *where;             /* "file:line:column" or the variable */
};

struct layers {
	struct wf_config *c;
	struct wf_os *os;
	struct found value[WF_CONFIG_COUNT];
	struct found limit[WF_CONFIG_COUNT];
};

/* ---- files -------------------------------------------------------------------------------------------- */

static int unknown_key(const char *where, const char *key, const char *const *names, size_t n, struct wf_err *err)
{
	const char *near = wf_nearest(key, names, n);
	struct wf_buf known = { 0 };

	for (size_t i = 0; i < n; i++)
		wf_buf_printf(&known, "%s%s", i ? ", " : "", names[i]);
	if (near)
		wf_errf(err, WF_INVALID, "%s: unknown key '%s'; did you mean '%s'?", where, key, near);
	else
		wf_errf(err, WF_INVALID, "%s: unknown key '%s'; known: %s", where, key, wf_buf_cstr(&known));
	wf_buf_release(&known);
	return -1;
}

struct file {
	struct layers *l;
	const char *path, *origin;
	int site;
};

static const char *place(const struct file *f, const struct wdf_pos *pos)
{
	return wf_arena_printf(&f->l->c->arena, "%s:%u:%u", f->path, pos->line, pos->column);
}

static int take(const struct file *f, enum wf_config_key k, const struct wdf_entry *en, int limit, struct wf_err *err)
{
	struct found *to = limit ? &f->l->limit[k] : &f->l->value[k];

	if (en->value.kind != WDF_NODE_SCALAR)
		return wf_errf(err, WF_INVALID, "%s: '%s' must be one value", place(f, &en->value.pos), keys[k]);
	if (wdf_node_is_null(&en->value))
		return 0;
	to->text = wf_arena_strdup(&f->l->c->arena, en->value.text);
	to->origin = limit ? "site limit" : f->origin;
	to->where = place(f, &en->value.pos);
	return 0;
}

/* Keys of one mapping; `prefix` is "" or "local.". */
static int read_map(const struct file *f, const struct wdf_node *map, const char *prefix, int limit, struct wf_err *err)
{
	const char *names[WF_CONFIG_COUNT + 2];
	size_t n = 0, skip = strlen(prefix);

	if (map->kind == WDF_NODE_SCALAR && wdf_node_is_null(map))
		return 0;
	if (map->kind != WDF_NODE_MAP)
		return wf_errf(err, WF_INVALID, "%s: expected keys and values", place(f, &map->pos));
	for (enum wf_config_key k = 0; k < WF_CONFIG_COUNT; k++)
		if (strncmp(keys[k], prefix, skip) == 0 && !strchr(keys[k] + skip, '.') &&
		    !(limit && (k == WF_CONFIG_EXECUTOR || k == WF_CONFIG_RUN_ROOT)))
			names[n++] = keys[k] + skip;
	if (!skip)
		names[n++] = "local";
	if (!skip && !limit && f->site)
		names[n++] = "limits";
	for (uint32_t i = 0; i < map->count; i++) {
		const struct wdf_entry *en = &map->entries[i];
		enum wf_config_key k = 0;
		size_t at = 0;
		int rc;

		while (at < n && strcmp(names[at], en->key) != 0)
			at++;
		if (at == n && !skip && strcmp(en->key, "limits") == 0)
			return wf_errf(err, WF_INVALID, "%s: 'limits' is for the site's file", place(f, &en->pos));
		if (at == n)
			return unknown_key(place(f, &en->pos), en->key, names, n, err);
		while (k < WF_CONFIG_COUNT && !(strncmp(keys[k], prefix, skip) == 0 && strcmp(keys[k] + skip, en->key) == 0))
			k++;
		if (k < WF_CONFIG_COUNT)
			rc = take(f, k, en, limit, err);
		else if (strcmp(en->key, "local") == 0)
			rc = read_map(f, &en->value, "local.", limit, err);
		else
			rc = read_map(f, &en->value, "", 1, err);
		if (rc < 0)
			return -1;
	}
	return 0;
}

/* A site's file binds everybody here: it must be root's alone to write. */
static int check_owner(struct wf_os *os, const char *path, struct wf_err *err)
{
	struct stat st;
	int fd = os->ops->open(os->self, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0), rc;

	if (fd < 0)
		return wf_err_sys(err, "open '%s'", path);
	rc = os->ops->fstat(os->self, fd, &st);
	os->ops->close(os->self, fd);
	if (rc < 0)
		return wf_err_sys(err, "look at '%s'", path);
	if (st.st_uid != 0 || (st.st_mode & 022))
		return wf_errf(err, WF_DENIED, "'%s' must belong to root and be writable by nobody else; see `ls -l %s`", path, path);
	return 0;
}

/* Blank lines and comments only: a file where everything is commented out is fine. */
static int says_nothing(const char *p, size_t n)
{
	const char *end = p + n;

	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
			p++;
		if (p < end && *p != '#' && *p != '\n')
			return 0;
		p = eol ? eol + 1 : end;
	}
	return 1;
}

static int read_file(struct layers *l, const char *path, int site, struct wf_err *err)
{
	struct file f = { .l = l, .path = path, .site = site };
	struct wf_arena arena = { 0 };
	struct wdf_doc doc = { 0 };
	struct wdf_diags d = { 0 };
	struct wf_buf text = { 0 };
	struct wf_err why = { 0 };
	int rc = -1;

	f.origin = wf_arena_printf(&l->c->arena, "%s %s", site ? "site" : "user", path);
	if ((site && check_owner(l->os, path, &why) < 0) || wf_file_read(l->os, path, FILE_MAX, &text, &why) < 0) {
		/* Not there, or in a directory that is not for us: as if it were empty. */
		if (why.code == WF_NOT_FOUND && !wf_file_exists(l->os, path))
			rc = 0;
		else
			wf_errf(err, why.code, "configuration: %s", why.text);
		goto out;
	}
	if (says_nothing(wf_buf_cstr(&text), text.len))
		rc = 0;
	else if (wdf_doc_parse(&doc, &arena, text.data, text.len, &d) < 0)
		wdf_diags_err(&d, path, err);
	else
		rc = read_map(&f, &doc.root, "", 0, err);
out:
	wf_buf_release(&text);
	wf_arena_release(&arena);
	wdf_diags_release(&d);
	return rc;
}

static void read_environment(struct layers *l, const struct wf_config_sources *from)
{
	for (enum wf_config_key k = 0; from->getenv && k < WF_CONFIG_COUNT; k++) {
		const char *v = from->getenv(from->arg, variables[k]);

		if (!v || !*v)
			continue;
		l->value[k].text = wf_arena_strdup(&l->c->arena, v);
		l->value[k].origin = wf_arena_printf(&l->c->arena, "environment %s", variables[k]);
		l->value[k].where = variables[k];
	}
}

/* ---- meanings ------------------------------------------------------------------------------------------- */

static int wrong(const struct found *v, enum wf_config_key k, const char *expected, struct wf_err *err)
{
	return wf_errf(err, WF_INVALID, "%s: '%s' must be %s, not '%.80s'", v->where, keys[k], expected, v->text);
}

static int number_of(const struct found *v, enum wf_config_key k, int64_t *n, struct wf_err *err)
{
	struct wf_err why;
	uint64_t bytes;
	char *end;

	switch (k) {
	case WF_CONFIG_CORES: {
		double cores = strtod(v->text, &end);

		if (*end || end == v->text || !(cores >= 0.001 && cores <= 1000000))
			return wrong(v, k, "a number of cores such as 4 or 1.5", err);
		*n = (int64_t)(cores * 1000 + 0.5);
		return 0;
	}
	case WF_CONFIG_MEMORY:
		if (wdf_size_parse(v->text, &bytes, &why) < 0)
			return wf_errf(err, WF_INVALID, "%s: '%s': %s", v->where, keys[k], why.text);
		if (!bytes)
			return wrong(v, k, "more than nothing", err);
		*n = (int64_t)bytes;
		return 0;
	case WF_CONFIG_NICE:
		*n = strtol(v->text, &end, 10);
		if (*end || end == v->text || *n < 0 || *n > 19)
			return wrong(v, k, "a number from 0 to 19", err);
		return 0;
	case WF_CONFIG_LEASE:
		if (wdf_time_parse(v->text, n, &why) < 0)
			return wf_errf(err, WF_INVALID, "%s: '%s': %s", v->where, keys[k], why.text);
		return 0;
	default:
		if (strcmp(v->text, "never") == 0) {
			*n = 0;
			return 0;
		}
		if (wdf_time_parse(v->text, n, &why) < 0)
			return wf_errf(err, WF_INVALID, "%s: '%s': %s, or never", v->where, keys[k], why.text);
		return 0;
	}
}

/* Whether `v` asks for more than the limit: niceness and the lease have a least, and 0 means endless for the other times. */
static int beyond(enum wf_config_key k, int64_t v, int64_t limit)
{
	if (k == WF_CONFIG_NICE || k == WF_CONFIG_LEASE)
		return v < limit;
	if (k == WF_CONFIG_IDLE || k == WF_CONFIG_RETENTION)
		return limit && (!v || v > limit);
	return !v || v > limit;
}

static int settle_number(struct layers *l, enum wf_config_key k, int64_t *n, struct wf_err *err)
{
	struct found *v = &l->value[k], *limit = &l->limit[k];
	int64_t most = 0;

	*n = 0;
	if ((v->text && number_of(v, k, n, err) < 0) || (limit->text && number_of(limit, k, &most, err) < 0))
		return -1;
	if (limit->text && beyond(k, *n, most)) {
		*n = most;
		*v = *limit;
	}
	return 0;
}

static int settle(struct layers *l, struct wf_err *err)
{
	struct wf_config *c = l->c;
	const struct found *v = l->value;
	int64_t n[WF_CONFIG_COUNT] = { 0 };

	for (enum wf_config_key k = WF_CONFIG_CORES; k < WF_CONFIG_COUNT; k++)
		if (settle_number(l, k, &n[k], err) < 0)
			return -1;
	c->local_cores = (uint32_t)n[WF_CONFIG_CORES];
	c->local_memory = (uint64_t)n[WF_CONFIG_MEMORY];
	c->local_nice = (int)n[WF_CONFIG_NICE];
	c->idle_ms = n[WF_CONFIG_IDLE];
	c->retention_ms = n[WF_CONFIG_RETENTION];
	c->lease_ms = n[WF_CONFIG_LEASE];
	c->executor = v[WF_CONFIG_EXECUTOR].text;
	c->run_root = v[WF_CONFIG_RUN_ROOT].text;
	if (c->executor && !wdf_name_ok(c->executor))
		return wrong(&v[WF_CONFIG_EXECUTOR], WF_CONFIG_EXECUTOR, "the name of an executor such as local", err);
	if (c->run_root && c->run_root[0] != '/')
		return wrong(&v[WF_CONFIG_RUN_ROOT], WF_CONFIG_RUN_ROOT, "an absolute path", err);
	for (enum wf_config_key k = 0; k < WF_CONFIG_COUNT; k++)
		c->items[k] = (struct wf_config_item){ .key = keys[k], .value = v[k].text,
						       .origin = v[k].origin ? v[k].origin : "default" };
	return 0;
}

static void set_default(struct layers *l, enum wf_config_key k, const char *text, const char *origin)
{
	l->value[k] = (struct found){ .text = text, .origin = origin, .where = "default" };
}

struct wf_config *wf_config_load(const struct wf_config_sources *from, struct wf_err *err)
{
	struct wf_config *c = wf_xcalloc(1, sizeof(*c));
	struct layers l = { .c = c, .os = from->os };

	set_default(&l, WF_CONFIG_NICE, "0", "default");
	set_default(&l, WF_CONFIG_IDLE, "15m", "default");
	set_default(&l, WF_CONFIG_RETENTION, "90d", "default");
	set_default(&l, WF_CONFIG_LEASE, "15m", "default");
	if (from->slurm_here) {
		/* A login node is shared: whoever asks for `local` there gets little unless he says more. */
		set_default(&l, WF_CONFIG_CORES, "2", "default where Slurm is");
		set_default(&l, WF_CONFIG_MEMORY, "4GiB", "default where Slurm is");
		set_default(&l, WF_CONFIG_NICE, "10", "default where Slurm is");
	}
	if ((from->site_file && read_file(&l, from->site_file, 1, err) < 0) ||
	    (from->user_file && read_file(&l, from->user_file, 0, err) < 0))
		goto error;
	read_environment(&l, from);
	if (settle(&l, err) < 0)
		goto error;
	return c;
error:
	wf_config_free(c);
	return NULL;
}

void wf_config_free(struct wf_config *c)
{
	if (!c)
		return;
	wf_arena_release(&c->arena);
	free(c);
}

char *wf_config_user_file(const char *(*env)(void *arg, const char *name), void *arg)
{
	const char *base = env(arg, "XDG_CONFIG_HOME"), *home = env(arg, "HOME");

	if (base && base[0] == '/')
		return wf_xasprintf("%s/wf/config.yaml", base);
	return home && home[0] == '/' ? wf_xasprintf("%s/.config/wf/config.yaml", home) : NULL;
}

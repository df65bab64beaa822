/* files.c - owns the bytes and names of a simulated world, and what is left of them when the power goes. Knows no door to them. */
#include "tests/sim/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"

/* ---- names ------------------------------------------------------------------------------------------------- */

static uint32_t hash_of(const char *path)
{
	return wf_hash(path, strlen(path));
}

struct node *node_find(struct sim_files *f, const char *path)
{
	uint32_t hash = hash_of(path);

	for (size_t i = 0; i < f->count; i++)
		if (f->nodes[i]->hash == hash && strcmp(f->nodes[i]->path, path) == 0)
			return f->nodes[i];
	return NULL;
}

static void name(struct sim_files *f, struct node *n, const char *path)
{
	n->path = wf_xstrdup(path);
	n->hash = hash_of(path);
	f->nodes = wf_grow(f->nodes, &f->cap, f->count + 1, sizeof(*f->nodes));
	f->nodes[f->count++] = n;
}

static void unname(struct sim_files *f, struct node *n)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->nodes[i] == n) {
			/* The order of a listing is part of the world: keep it. */
			memmove(&f->nodes[i], &f->nodes[i + 1], (--f->count - i) * sizeof(*f->nodes));
			break;
		}
	free(n->path);
	n->path = NULL;
}

static char *copy(const char *s)
{
	return s ? wf_xstrdup(s) : NULL;
}

static void remember(struct sim_files *f, struct node *n, const char *from, const char *to, struct node *replaced)
{
	f->namings = wf_grow(f->namings, &f->naming_cap, f->naming_count + 1, sizeof(*f->namings));
	f->namings[f->naming_count++] = (struct naming){ n, copy(from), copy(to), replaced };
	node_hold(n);
	if (replaced)
		node_hold(replaced);
}

static void forget_naming(struct sim_files *f, struct naming *m)
{
	free(m->from);
	free(m->to);
	node_let_go(f, m->node);
	if (m->replaced)
		node_let_go(f, m->replaced);
}

struct node *node_make(struct sim_files *f, const char *path, int dir, mode_t mode)
{
	struct node *n = wf_xcalloc(1, sizeof(*n));

	n->dir = dir;
	n->mode = mode;
	n->ino = ++f->next_ino;
	name(f, n, path);
	remember(f, n, NULL, path, NULL);
	return n;
}

int node_has_parent(struct sim_files *f, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	struct node *n;

	if (slash == path)
		return 1;
	dir = wf_xstrndup(path, (size_t)(slash - path));
	n = node_find(f, dir);
	free(dir);
	return n && n->dir;
}

void node_hold(struct node *n)
{
	n->handles++;
}

static void free_node(struct node *n)
{
	free(n->path);
	free(n->now.data);
	free(n->disk.data);
	free(n->dirty);
	free(n);
}

void node_let_go(struct sim_files *f, struct node *n)
{
	if (--n->handles || n->path)
		return;
	f->used -= n->now.size;
	free_node(n);
}

static void set_path(struct node *n, char *path)
{
	free(n->path);
	n->path = path;
	n->hash = hash_of(path);
}

/* In its place in the listing, and with what is below it. */
static void move(struct sim_files *f, struct node *n, const char *to)
{
	size_t k = strlen(n->path);

	for (size_t i = 0; n->dir && i < f->count; i++) {
		struct node *below = f->nodes[i];

		if (strncmp(below->path, n->path, k) == 0 && below->path[k] == '/')
			set_path(below, wf_xasprintf("%s%s", to, below->path + k));
	}
	set_path(n, wf_xstrdup(to));
}

int node_is_empty(const struct sim_files *f, const struct node *n)
{
	size_t k = strlen(n->path);

	for (size_t i = 0; i < f->count; i++)
		if (strncmp(f->nodes[i]->path, n->path, k) == 0 && f->nodes[i]->path[k] == '/')
			return 0;
	return 1;
}

void node_rename(struct sim_files *f, struct node *n, const char *to)
{
	struct node *old = node_find(f, to);

	if (old == n)
		return;
	remember(f, n, n->path, to, old);
	if (old)
		unname(f, old);
	move(f, n, to);
}

void node_remove(struct sim_files *f, struct node *n)
{
	remember(f, n, n->path, NULL, NULL);
	unname(f, n);
}

void node_sync_names(struct sim_files *f)
{
	for (size_t i = 0; i < f->naming_count; i++)
		forget_naming(f, &f->namings[i]);
	f->naming_count = 0;
}

/* The last of them never reached the disk. */
static void lose_names(struct sim_files *f, size_t keep)
{
	while (f->naming_count > keep) {
		struct naming *m = &f->namings[--f->naming_count];

		if (m->to && m->from)
			move(f, m->node, m->from);
		else if (m->to)
			unname(f, m->node);
		else
			name(f, m->node, m->from);
		if (m->replaced)
			name(f, m->replaced, m->to);
		forget_naming(f, m);
	}
	node_sync_names(f);
}

/* ---- bytes --------------------------------------------------------------------------------------------------- */

static void image_room(struct image *i, size_t size)
{
	size_t cap = i->cap ? i->cap : 4096;

	if (size <= i->cap)
		return;
	while (cap < size)
		cap *= 2;
	i->data = wf_xrealloc(i->data, cap);
	memset(i->data + i->cap, 0, cap - i->cap);
	i->cap = cap;
}

static void mark(struct node *n, size_t from, size_t to)
{
	n->is_dirty = 1;
	for (size_t s = from / SECTOR; s < (to + SECTOR - 1) / SECTOR; s++) {
		if (s / 64 >= n->dirty_words) {
			size_t words = n->dirty_words ? n->dirty_words : 16;

			while (words <= s / 64)
				words *= 2;
			n->dirty = wf_xrealloc(n->dirty, words * 8);
			memset(n->dirty + n->dirty_words, 0, (words - n->dirty_words) * 8);
			n->dirty_words = words;
		}
		n->dirty[s / 64] |= (uint64_t)1 << (s % 64);
	}
}

size_t node_read(const struct node *n, void *p, size_t k, size_t at)
{
	size_t here;

	if (at >= n->now.size)
		return 0;
	if (k > n->now.size - at)
		k = n->now.size - at;
	here = at < n->now.cap ? n->now.cap - at : 0;
	if (here > k)
		here = k;
	if (here)
		memcpy(p, n->now.data + at, here);
	memset((char *)p + here, 0, k - here);
	return k;
}

int node_resize(struct sim_files *f, struct node *n, size_t size)
{
	struct image *i = &n->now;

	if (size > i->size && f->used + (size - i->size) > f->limit) {
		errno = ENOSPC;
		return 0;
	}
	if (size < i->size && size < i->cap) {
		size_t end = i->size < i->cap ? i->size : i->cap;

		memset(i->data + size, 0, end - size);
		mark(n, size, end);
	}
	n->is_dirty = 1;
	f->used += size - i->size;
	i->size = size;
	return 1;
}

int node_write(struct sim_files *f, struct node *n, const void *p, size_t k, size_t at)
{
	if (at + k > n->now.size && !node_resize(f, n, at + k))
		return 0;
	image_room(&n->now, at + k);
	memcpy(n->now.data + at, p, k);
	mark(n, at, at + k);
	return 1;
}

static void sector_to_disk(struct node *n, size_t s)
{
	size_t at = s * SECTOR;

	if (at >= n->now.cap) {
		if (at < n->disk.cap)
			memset(n->disk.data + at, 0, SECTOR);
		return;
	}
	image_room(&n->disk, at + SECTOR);
	memcpy(n->disk.data + at, n->now.data + at, SECTOR);
}

static void clean(struct node *n)
{
	if (n->dirty)
		memset(n->dirty, 0, n->dirty_words * 8);
	n->is_dirty = 0;
}

void node_sync(struct sim_files *f, struct node *n)
{
	if (n->dir) {
		node_sync_names(f);
		return;
	}
	if (!n->is_dirty)
		return;
	for (size_t w = 0; w < n->dirty_words; w++)
		for (uint64_t bits = n->dirty[w]; bits; bits &= bits - 1)
			sector_to_disk(n, w * 64 + (size_t)__builtin_ctzll(bits));
	n->disk.size = n->now.size;
	clean(n);
}

void node_sync_fails(struct node *n)
{
	clean(n);
}

/* ---- no power ---------------------------------------------------------------------------------------------------- */

static void lose_bytes(struct sim *s, struct sim_files *f, struct node *n)
{
	/* Nothing of it, all of it, or any sectors of it had been written by itself. */
	static const unsigned chances[] = { 0, 1000, 100, 500, 900 };
	unsigned chance = chances[sim_rnd(s, WF_COUNT(chances))];
	size_t lost = 0, size = n->disk.size;

	for (size_t w = 0; w < n->dirty_words; w++)
		for (uint64_t bits = n->dirty[w]; bits; bits &= bits - 1) {
			if (sim_chance(s, chance))
				sector_to_disk(n, w * 64 + (size_t)__builtin_ctzll(bits));
			else
				lost++;
		}
	if (size != n->now.size && sim_chance(s, chance))
		size = n->now.size;
	sim_mark(s, "sectors lost", lost, size);
	f->sectors_lost += lost;
	f->used -= n->now.size;
	n->now.size = size;
	f->used += size;
	/* Beyond the end there is nothing. */
	if (n->disk.cap > size)
		memset(n->disk.data + size, 0, n->disk.cap - size);
	n->disk.size = size;
	free(n->now.data);
	n->now.data = NULL;
	n->now.cap = 0;
	image_room(&n->now, n->disk.cap);
	if (n->disk.cap)
		memcpy(n->now.data, n->disk.data, n->disk.cap);
	clean(n);
}

void sim_disk_power(struct sim *s)
{
	struct sim_files *f = sim_files_of(s);
	size_t keep = sim_rnd(s, f->naming_count + 1);

	sim_mark(s, "names lost", f->naming_count - keep, f->naming_count);
	for (size_t i = keep; i < f->naming_count; i++)
		sim_mark(s, f->namings[i].to ? f->namings[i].to : f->namings[i].from, i, f->namings[i].to != NULL);
	f->boots++;
	f->names_lost += f->naming_count - keep;
	lose_names(f, keep);
	for (size_t i = 0; i < f->count; i++)
		if (!f->nodes[i]->dir)
			lose_bytes(s, f, f->nodes[i]);
}

void sim_disk_settle(struct sim *s)
{
	struct sim_files *f = sim_files_of(s);

	node_sync_names(f);
	for (size_t i = 0; i < f->count; i++)
		node_sync(f, f->nodes[i]);
}

/* ---- faults ------------------------------------------------------------------------------------------------------- */

int file_dead(struct sim_process *p)
{
	errno = EIO;
	return p->dead;
}

static int is_struck(const struct sim_process *p, uint64_t n, uint64_t at)
{
	return at && n >= at && n <= at + p->fail_more;
}

int file_may_write(struct sim_process *p)
{
	if (file_dead(p))
		return 0;
	if (++p->writes == p->die_at_write) {
		p->dead = 1;
		return 0;
	}
	return !is_struck(p, p->writes, p->fail_at_write) && !p->failing;
}

int file_sync(struct sim_process *p, struct node *n)
{
	if (file_dead(p))
		return -1;
	if (++p->syncs == p->die_at_sync) {
		p->dead = 1;
		return -1;
	}
	if (is_struck(p, p->syncs, p->fail_at_sync) || p->failing) {
		sim_mark_bytes(p->sim, n->path ? n->path : "removed", "", 0);
		sim_mark(p->sim, "sync fails", p->syncs, 0);
		node_sync_fails(n);
		return -1;
	}
	node_sync(sim_files_of(p->sim), n);
	return 0;
}

/* ---- life ----------------------------------------------------------------------------------------------------------- */

void sim_files_serve(struct sim_process *p)
{
	p->os.ops = &sim_os_ops;
	p->os.self = p;
	sim_vfs_register(p);
}

void sim_files_leave(struct sim_process *p)
{
	struct sim_files *f = sim_files_of(p->sim);

	for (size_t i = 0; i < f->count; i++)
		if (f->nodes[i]->locked_by == p)
			f->nodes[i]->locked_by = NULL;
	for (int i = 0; i < SIM_FDS; i++)
		if (f->fds[i].p == p) {
			struct node *n = f->fds[i].node;

			f->fds[i].node = NULL;
			f->fds[i].p = NULL;
			node_let_go(f, n);
		}
	sim_vfs_unregister(p);
}

uint64_t sim_files_hash(const struct sim_files *f)
{
	uint64_t h = f->count;

	for (size_t i = 0; i < f->count; i++) {
		const struct node *n = f->nodes[i];
		size_t k = n->now.size < n->now.cap ? n->now.size : n->now.cap;

		h = (h ^ n->hash) * 0x100000001b3u;
		h = (h ^ wf_hash(n->now.data, k)) * 0x100000001b3u;
		h = (h ^ n->now.size) * 0x100000001b3u;
	}
	return h;
}

void sim_disk_room(struct sim *s, uint64_t bytes)
{
	struct sim_files *f = sim_files_of(s);

	f->limit = bytes == UINT64_MAX ? bytes : f->used + bytes;
	sim_mark(s, "disk has room for", bytes, 0);
}

struct sim_files *sim_files_create(void)
{
	struct sim_files *f = wf_xcalloc(1, sizeof(*f));

	f->limit = UINT64_MAX;
	return f;
}

void sim_files_free(struct sim_files *f)
{
	node_sync_names(f);
	for (size_t i = 0; i < f->count; i++)
		free_node(f->nodes[i]);
	free(f->nodes);
	free(f->namings);
	free(f);
}

/* hash.c - owns the two maps and the nearest-name search; knows nothing of what the keys name. */
#include "engine/base/hash.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/buf.h"

uint32_t wf_hash(const void *p, size_t n)
{
	const uint8_t *s = p;
	uint64_t h = 0x9e3779b97f4a7c15u ^ n;

	for (; n >= 8; n -= 8, s += 8) {
		uint64_t w;

		memcpy(&w, s, 8);
		h = (h ^ w) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	for (; n; n--)
		h = (h ^ *s++) * 0x100000001b3u;
	h ^= h >> 29;
	h *= 0xc4ceb9fe1a85ec53u;
	return (uint32_t)(h ^ (h >> 32));
}

static struct wf_strmap_slot *find(const struct wf_strmap *m, const char *key, size_t n,
				   uint32_t hash)
{
	for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct wf_strmap_slot *s = &m->slots[i];

		if (!s->key || (s->hash == hash && strncmp(s->key, key, n) == 0 && !s->key[n]))
			return s;
	}
}

uint32_t wf_strmap_getn(const struct wf_strmap *m, const char *key, size_t n)
{
	struct wf_strmap_slot *s;

	if (!m->count)
		return WF_STRMAP_NONE;
	s = find(m, key, n, wf_hash(key, n));
	return s->key ? s->value : WF_STRMAP_NONE;
}

uint32_t wf_strmap_get(const struct wf_strmap *m, const char *key)
{
	return wf_strmap_getn(m, key, strlen(key));
}

static struct wf_strmap_slot *place(struct wf_strmap *m, const char *key)
{
	size_t n = strlen(key);

	if ((m->count + 1) * 4 > m->cap * 3) {
		struct wf_strmap_slot *old = m->slots;
		size_t cap = m->cap;

		m->cap = cap ? cap * 2 : 16;
		m->slots = wf_xcalloc(m->cap, sizeof(*m->slots));
		for (size_t i = 0; i < cap; i++)
			if (old[i].key)
				*find(m, old[i].key, strlen(old[i].key), old[i].hash) = old[i];
		free(old);
	}
	return find(m, key, n, wf_hash(key, n));
}

static void fill(struct wf_strmap *m, struct wf_strmap_slot *s, const char *key, uint32_t value)
{
	s->key = key;
	s->hash = wf_hash(key, strlen(key));
	s->value = value;
	m->count++;
}

uint32_t wf_strmap_add(struct wf_strmap *m, const char *key, uint32_t value)
{
	struct wf_strmap_slot *s = place(m, key);

	if (!s->key)
		fill(m, s, key, value);
	return s->value;
}

void wf_strmap_set(struct wf_strmap *m, const char *key, uint32_t value)
{
	struct wf_strmap_slot *s = place(m, key);

	if (!s->key)
		fill(m, s, key, value);
	s->value = value;
}

void wf_strmap_release(struct wf_strmap *m)
{
	free(m->slots);
	memset(m, 0, sizeof(*m));
}

static size_t id_slot(const struct wf_idmap *m, uint64_t key)
{
	uint64_t h = key * 0x9e3779b97f4a7c15u;

	return (size_t)(h >> 32) & (m->cap - 1);
}

void *wf_idmap_get(const struct wf_idmap *m, uint64_t key)
{
	if (!m->count)
		return NULL;
	for (size_t i = id_slot(m, key);; i = (i + 1) & (m->cap - 1)) {
		if (m->slots[i].key == key)
			return m->slots[i].value;
		if (!m->slots[i].key)
			return NULL;
	}
}

void wf_idmap_set(struct wf_idmap *m, uint64_t key, void *value)
{
	size_t i;

	if ((m->count + 1) * 4 > m->cap * 3) {
		struct wf_idmap old = *m;

		m->cap = old.cap ? old.cap * 2 : 16;
		m->count = 0;
		m->slots = wf_xcalloc(m->cap, sizeof(*m->slots));
		for (size_t k = 0; k < old.cap; k++)
			if (old.slots[k].key)
				wf_idmap_set(m, old.slots[k].key, old.slots[k].value);
		free(old.slots);
	}
	for (i = id_slot(m, key); m->slots[i].key && m->slots[i].key != key;)
		i = (i + 1) & (m->cap - 1);
	if (!m->slots[i].key)
		m->count++;
	m->slots[i].key = key;
	m->slots[i].value = value;
}

void wf_idmap_del(struct wf_idmap *m, uint64_t key)
{
	size_t i, hole;

	if (!m->count)
		return;
	for (i = id_slot(m, key); m->slots[i].key != key; i = (i + 1) & (m->cap - 1))
		if (!m->slots[i].key)
			return;
	/* Close the hole: move back every later entry of the same run that may not stay behind it. */
	hole = i;
	for (;;) {
		size_t home;

		i = (i + 1) & (m->cap - 1);
		if (!m->slots[i].key)
			break;
		home = id_slot(m, m->slots[i].key);
		if (((i - home) & (m->cap - 1)) >= ((i - hole) & (m->cap - 1))) {
			m->slots[hole] = m->slots[i];
			hole = i;
		}
	}
	memset(&m->slots[hole], 0, sizeof(m->slots[hole]));
	m->count--;
}

void wf_idmap_release(struct wf_idmap *m)
{
	free(m->slots);
	memset(m, 0, sizeof(*m));
}

/* Optimal string alignment distance, bounded: names are short, three rows suffice. */
static unsigned distance(const char *a, const char *b)
{
	enum { LONGEST = 64 };
	unsigned rows[3][LONGEST + 1], *before = rows[0], *last = rows[1], *now = rows[2];
	size_t la = strlen(a), lb = strlen(b);

	if (la > LONGEST || lb > LONGEST)
		return LONGEST;
	for (size_t j = 0; j <= lb; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *spare;

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned d = last[j - 1] + (a[i - 1] != b[j - 1]);

			if (last[j] + 1 < d)
				d = last[j] + 1;
			if (now[j - 1] + 1 < d)
				d = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < d)
				d = before[j - 2] + 1;
			now[j] = d;
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[lb];
}

const char *wf_nearest(const char *word, const char *const *names, size_t n)
{
	const char *best = NULL;
	unsigned limit = (unsigned)(strlen(word) / 3) + 1, least = limit + 1;

	for (size_t i = 0; i < n; i++) {
		unsigned d = distance(word, names[i]);

		if (d < least && d < strlen(names[i])) {
			least = d;
			best = names[i];
		}
	}
	return best;
}

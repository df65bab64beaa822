/* hash.h - two small maps: strings to numbers, and numbers to pointers
 *
 * wf_strmap copies no key: the caller keeps keys alive as long as the map. wf_idmap maps a non-zero
 * 64-bit number to a pointer. Both are open addressing, grow by themselves, and are empty when zeroed.
 */
#ifndef WF_BASE_HASH_H
#define WF_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct wf_strmap {
	struct wf_strmap_slot {
		const char *key;
		uint32_t hash;
		uint32_t value;
	} *slots;
	size_t cap;
	size_t count;
};
#define WF_STRMAP_NONE UINT32_MAX

/* The value of key, or WF_STRMAP_NONE. */
uint32_t wf_strmap_get(const struct wf_strmap *m, const char *key);
uint32_t wf_strmap_getn(const struct wf_strmap *m, const char *key, size_t n);
/* Sets key to value unless present; returns the value that is there now. */
uint32_t wf_strmap_add(struct wf_strmap *m, const char *key, uint32_t value);
/* Sets key to value, present or not. */
void wf_strmap_set(struct wf_strmap *m, const char *key, uint32_t value);
void wf_strmap_release(struct wf_strmap *m);

struct wf_idmap {
	struct wf_idmap_slot {
		uint64_t key; /* 0 is empty */
		void *value;
	} *slots;
	size_t cap;
	size_t count;
};
void *wf_idmap_get(const struct wf_idmap *m, uint64_t key);
void wf_idmap_set(struct wf_idmap *m, uint64_t key, void *value);
void wf_idmap_del(struct wf_idmap *m, uint64_t key);
void wf_idmap_release(struct wf_idmap *m);

uint32_t wf_hash(const void *p, size_t n);

/* Nearest of n names to `word` by edit distance (swaps count one), for "did you mean"; NULL when none is near. */
const char *wf_nearest(const char *word, const char *const *names, size_t n);

#endif

/* defaults.c - owns how `defaults` goes under every step: mappings key by key, everything else replaced. Knows keys
 * only where two exclude each other or name one thing. */
#include <string.h>

#include "wdf-schema/read.h"

/* A step that says what it does is not given another thing to do. */
static int is_work(const char *key)
{
	return strcmp(key, "command") == 0 || strcmp(key, "argv") == 0 || strcmp(key, "call") == 0 ||
	       strcmp(key, "move") == 0 || strcmp(key, "components") == 0;
}

static int is_same(const char *a, const char *b)
{
	static const char *const two[] = { "ranks", "tasks" }; /* of `resources` */

	if (strcmp(a, b) == 0 || (is_work(a) && is_work(b)))
		return 1;
	return (strcmp(a, two[0]) == 0 && strcmp(b, two[1]) == 0) ||
	       (strcmp(a, two[1]) == 0 && strcmp(b, two[0]) == 0);
}

static struct wdf_node merge(struct wdf_load *l, const struct wdf_node *under, const struct wdf_node *over)
{
	struct wdf_node out = *over;
	struct wdf_entry *entries = wf_arena_alloc(&l->tree, (under->count + over->count) * sizeof(*entries));
	uint32_t n = over->count;

	memcpy(entries, over->entries, over->count * sizeof(*entries));
	for (uint32_t i = 0; i < under->count; i++) {
		const struct wdf_entry *u = &under->entries[i];
		struct wdf_entry *o = NULL;

		for (uint32_t k = 0; k < over->count && !o; k++)
			if (is_same(entries[k].key, u->key))
				o = &entries[k];
		if (!o)
			entries[n++] = *u;
		else if (o->value.kind == WDF_NODE_MAP && u->value.kind == WDF_NODE_MAP && strcmp(o->key, u->key) == 0 &&
			 strcmp(o->key, "foreach") != 0)
			o->value = merge(l, &u->value, &o->value);
	}
	out.entries = entries;
	out.count = n;
	return out;
}

struct wdf_node wdf_with_defaults(struct wdf_load *l, const struct wdf_node *step)
{
	if (!l->defaults || step->kind != WDF_NODE_MAP || l->defaults->count == 0)
		return *step;
	l->inherited += l->defaults->total;
	if (l->inherited > WDF_MOST_INHERITED) {
		wdf_find(l->d, WDF_NODES, l->defaults->pos, l->defaults->span,
			 "'defaults' gives the steps more than %d values together", WDF_MOST_INHERITED);
		return *step;
	}
	return merge(l, l->defaults, step);
}

/* Said once, about `defaults`, before each step would say it about itself. */
void wdf_check_defaults(struct wdf_load *l, const struct wdf_key *keys, size_t n)
{
	for (uint32_t i = 0; i < l->defaults->count; i++) {
		const struct wdf_entry *e = &l->defaults->entries[i];
		const char *names[64];
		char shown[WDF_SHOWN];
		size_t k = 0;

		while (k < n && strcmp(keys[k].name, e->key) != 0)
			k++;
		if (k < n && strcmp(e->key, "name") != 0)
			continue;
		for (k = 0; k < n && k < WF_COUNT(names); k++)
			names[k] = keys[k].name;
		if (strcmp(e->key, "name") == 0)
			wdf_hint(wdf_find(l->d, WDF_UNKNOWN_KEY, e->pos, e->span, "unknown key 'name' in 'defaults'"),
				 "every step has a name of its own");
		else
			wdf_hint_names(wdf_find(l->d, WDF_UNKNOWN_KEY, e->pos, e->span, "unknown key '%s' in 'defaults'",
						wdf_shown(e->key, strlen(e->key), shown)),
				       e->key, names, k);
	}
}

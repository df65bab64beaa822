/* use.c - owns a step's `services`: which, how, and which datamovers. Knows nothing of what services are. */
#include <stdio.h>
#include <string.h>

#include "wdf-schema/read.h"

struct read_use {
	struct wdf_use *u;
	const struct wdf_entry *access, *hint, *movers;
	const char *service;
};

static const char *const accesses[] = { "RW", "RO", "WO", NULL };

static int find_service(struct wdf_load *l, const struct wdf_entry *e, const char *name, struct wdf_use *u)
{
	char shown[WDF_SHOWN];

	u->service = wf_strmap_get(&l->services, name);
	if (u->service != WF_STRMAP_NONE)
		return 0;
	wdf_hint_defined(wdf_find(l->d, WDF_NO_SERVICE, e->value.pos, e->value.span, "%s uses '%s', which is no service",
				  l->what, wdf_shown(name, strlen(name), shown)),
			 name, l->service_list, l->service_pos, l->w->service_count);
	return -1;
}

/* "name", or IO-SEA 2.0's "name RW" */
static void read_bare(struct wdf_load *l, const struct wdf_entry *e, struct wdf_use *u)
{
	const char *text, *blank;
	char *name;

	if (wdf_read_text(l, e, WDF_TEXT_STRICT, &text) < 0)
		return;
	blank = strchr(text, ' ');
	name = wf_arena_strndup(l->a, text, blank ? (size_t)(blank - text) : strlen(text));
	if (blank) {
		size_t i = 0;

		blank += strspn(blank, " ");
		while (accesses[i] && strcmp(accesses[i], blank) != 0)
			i++;
		if (accesses[i])
			u->access = (enum wdf_access)i;
		else
			wdf_hint_names(wdf_find(l->d, WDF_CHOICE, e->value.pos, e->value.span,
						"'%.40s' after the name of a service is no access", blank),
				       blank, accesses, 3);
	}
	find_service(l, e, name, u);
}

static void use_name(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct read_use *r = to;

	if (wdf_node_get(&e->value, "name"))
		return;
	read_bare(l, e, r->u);
}

static void use_access(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct read_use *r = to;
	int word;

	if (r->access)
		wdf_related(wdf_find(l->d, WDF_EXCLUSIVE, e->pos, e->span, "'access' and 'hint' are two words for one thing"),
			    r->access->pos, "first here");
	r->access = e;
	if (wdf_read_choice(l, e, accesses, &word) == 0)
		r->u->access = (enum wdf_access)word;
}

static void use_movers(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct read_use *r = to;

	r->movers = e;
	if (!wdf_is_list(l, e, "[stage_in]") || !wdf_is_few(l, e, WDF_MOST_MOVERS))
		return;
	r->u->movers = wf_arena_alloc(l->a, (e->value.count + 1u) * sizeof(*r->u->movers));
	for (uint32_t i = 0; i < e->value.count; i++) {
		struct wdf_entry item = wdf_item(e, i);

		if (wdf_read_text(l, &item, WDF_TEXT_STRICT, &r->u->movers[r->u->mover_count]) == 0)
			r->u->mover_count++;
	}
}

/* The movers named must be the service's. */
static void check_movers(struct wdf_load *l, const struct read_use *r)
{
	const json_t *all = r->u->service < l->w->service_count ? l->w->services[r->u->service].datamovers : NULL;

	for (uint32_t i = 0; i < r->u->mover_count; i++) {
		const char *names[64];
		char shown[WDF_SHOWN];
		size_t n = 0, k;
		json_t *m;
		int found = 0;

		json_array_foreach(all, k, m) {
			const char *name = json_string_value(json_object_get(m, "name"));

			if (name && strcmp(name, r->u->movers[i]) == 0)
				found = 1;
			if (name && n < WF_COUNT(names))
				names[n++] = name;
		}
		/* IO-SEA 1.x read the names and ignored them; a service without datamovers is of that time. */
		if (!found && (n || l->has_params))
			wdf_hint_names(wdf_find(l->d, WDF_NO_MOVER, r->movers->value.items[i].pos,
						r->movers->value.items[i].span, "service '%s' has no datamover '%s'",
						l->service_list[r->u->service],
						wdf_shown(r->u->movers[i], strlen(r->u->movers[i]), shown)),
				       r->u->movers[i], names, n);
		else if (!found)
			wdf_find(l->d, WDF_W_IGNORED, r->movers->value.items[i].pos, r->movers->value.items[i].span,
				 "datamover '%s' has no effect: service '%s' has none",
				 wdf_shown(r->u->movers[i], strlen(r->u->movers[i]), shown),
				 l->service_list[r->u->service]);
	}
}

static void read_one(struct wdf_load *l, const struct wdf_entry *e, struct wdf_use *u)
{
	static const struct wdf_key keys[] = {
		{ "name", use_name }, { "access", use_access }, { "hint", use_access }, { "datamovers", use_movers }
	};
	struct read_use r = { .u = u };
	const char *what = l->what;
	char text[WDF_SHOWN + 40];

	u->service = WDF_NONE;
	u->pos = e->value.pos;
	if (e->value.kind != WDF_NODE_MAP) {
		read_bare(l, e, u);
		return;
	}
	snprintf(text, sizeof(text), "an entry of 'services' of %.150s", what);
	wdf_read_map(l, &e->value, text, keys, WF_COUNT(keys), &r);
	if (!wdf_node_get(&e->value, "name"))
		wdf_hint(wdf_missing(l, &e->value, "name", text), "write {name: SERVICE}");
	else if (u->service != WDF_NONE && r.movers)
		check_movers(l, &r);
}

void wdf_load_uses(struct wdf_load *l, const struct wdf_entry *e, struct wdf_step *s)
{
	if (!wdf_is_list(l, e, "[db] or [{name: db, access: RO}]"))
		return;
	s->uses = wf_arena_alloc(l->a, e->value.count * sizeof(*s->uses));
	for (uint32_t i = 0; i < e->value.count; i++) {
		struct wdf_entry item = wdf_item(e, i);
		struct wdf_use *u = &s->uses[s->use_count];

		memset(u, 0, sizeof(*u));
		read_one(l, &item, u);
		if (u->service == WDF_NONE)
			continue;
		for (uint32_t k = 0; k < s->use_count && s->use_count < 1000; k++)
			if (s->uses[k].service == u->service)
				wdf_related(wdf_find(l->d, WDF_SAME_NAME, u->pos, 1, "service '%s' is used twice",
						     l->service_list[u->service]),
					    s->uses[k].pos, "first here");
		s->use_count++;
	}
}

/* after.c - owns `after`: what is waited for, and how. Knows nothing of cycles: links.c looks for them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/read.h"

struct read_after {
	struct wdf_after *a;
	int of_service;
	const struct wdf_entry *each, *by, *result;
};

static void no_such(struct wdf_load *l, const struct wdf_entry *e, const char *name, int of_service)
{
	char shown[WDF_SHOWN];
	size_t n = l->w->step_count, more = of_service ? l->w->service_count : 0;
	struct wdf_diag *f = wdf_find(l->d, WDF_NO_STEP, e->value.pos, e->value.span, "%s waits for '%s', which is no step%s",
				      l->what, wdf_shown(name, strlen(name), shown), of_service ? " or service" : "");
	struct wdf_pos *places;
	const char **names;

	if (!f)
		return;
	names = wf_xcalloc(n + more + 1, sizeof(*names));
	places = wf_xcalloc(n + more + 1, sizeof(*places));
	for (size_t i = 0; i < n + more; i++) {
		names[i] = i < n ? l->step_list[i] : l->service_list[i - n];
		places[i] = i < n ? l->step_pos[i] : l->service_pos[i - n];
	}
	wdf_hint_defined(f, name, names, places, n + more);
	free(names);
	free(places);
}

static void find_step(struct wdf_load *l, const struct wdf_entry *e, struct read_after *r)
{
	const char *name;

	if (wdf_read_text(l, e, WDF_TEXT_STRICT, &name) < 0)
		return;
	r->a->step = wf_strmap_get(&l->steps, name);
	if (r->a->step == WF_STRMAP_NONE)
		no_such(l, e, name, 0);
}

static void find_service(struct wdf_load *l, const struct wdf_entry *e, struct read_after *r)
{
	char shown[WDF_SHOWN];
	const char *name;

	if (wdf_read_text(l, e, WDF_TEXT_STRICT, &name) < 0)
		return;
	r->a->service = wf_strmap_get(&l->services, name);
	if (r->a->service == WF_STRMAP_NONE)
		wdf_hint_defined(wdf_find(l->d, WDF_NO_SERVICE, e->value.pos, e->value.span, "no service '%s'",
					  wdf_shown(name, strlen(name), shown)),
				 name, l->service_list, l->service_pos, l->w->service_count);
}

/* A bare name: a step; for a service also a service, if that is not ambiguous. */
static void find_either(struct wdf_load *l, const struct wdf_entry *e, struct read_after *r)
{
	uint32_t service;
	const char *name;

	if (!r->of_service) {
		find_step(l, e, r);
		return;
	}
	if (wdf_read_text(l, e, WDF_TEXT_STRICT, &name) < 0)
		return;
	r->a->step = wf_strmap_get(&l->steps, name);
	service = wf_strmap_get(&l->services, name);
	if (r->a->step == WF_STRMAP_NONE && service == WF_STRMAP_NONE)
		no_such(l, e, name, 1);
	else if (r->a->step != WF_STRMAP_NONE && service != WF_STRMAP_NONE)
		wdf_hint(wdf_find(l->d, WDF_SAME_NAME, e->value.pos, e->value.span, "'%s' is a step and a service", name),
			 "write {step: %s} or {service: %s}", name, name);
	else
		r->a->service = service;
}

static void read_step(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	find_step(l, e, to);
}

static void read_service(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	find_service(l, e, to);
}

static void read_each(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct read_after *r = to;

	r->each = e;
	wdf_read_bool(l, e, &r->a->each);
}

static void read_by(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	struct read_after *r = to;

	r->by = e;
	if (!wdf_is_list(l, e, "[seed]") || !wdf_is_few(l, e, WDF_MOST_DIMS))
		return;
	if (!e->value.count)
		wdf_find(l->d, WDF_EMPTY_VALUE, e->value.pos, e->value.span, "'by' names nothing");
	r->a->by = wf_arena_alloc(l->a, (e->value.count + 1u) * sizeof(*r->a->by));
	for (uint32_t i = 0; i < e->value.count; i++) {
		struct wdf_entry item = wdf_item(e, i);

		if (wdf_read_text(l, &item, WDF_TEXT_STRICT, &r->a->by[r->a->by_count]) == 0)
			r->a->by_count++;
	}
}

static void read_result(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	static const char *const words[] = { "success", "failure", "any", "start", NULL };
	struct read_after *r = to;
	int word;

	r->result = e;
	if (wdf_read_choice(l, e, words, &word) == 0)
		r->a->result = (enum wdf_result)word;
}

static const struct wdf_key step_keys[] = {
	{ "step", read_step }, { "each", read_each }, { "by", read_by }, { "result", read_result },
};
static const struct wdf_key service_keys[] = {
	{ "step", read_step }, { "service", read_service }, { "result", read_result },
};

static void read_one(struct wdf_load *l, const struct wdf_entry *e, struct read_after *r)
{
	const struct wdf_node *n = &e->value;

	r->a->step = r->a->service = WDF_NONE;
	r->a->pos = n->pos;
	if (n->kind != WDF_NODE_MAP) {
		find_either(l, e, r);
		return;
	}
	wdf_read_map(l, n, "an entry of 'after'", r->of_service ? service_keys : step_keys,
		     r->of_service ? WF_COUNT(service_keys) : WF_COUNT(step_keys), r);
	if (!wdf_node_get(n, "step") && !(r->of_service && wdf_node_get(n, "service")))
		wdf_hint(wdf_missing(l, n, "step", "an entry of 'after'"), "write {step: NAME}");
	if (r->of_service && wdf_node_get(n, "step") && wdf_node_get(n, "service"))
		wdf_hint(wdf_find(l->d, WDF_EXCLUSIVE, n->pos, n->span, "an entry of 'after' waits for one thing"),
			 "write two entries");
	if (r->by && r->a->each)
		wdf_related(wdf_find(l->d, WDF_EXCLUSIVE, r->by->pos, r->by->span, "'each' and 'by' exclude each other"),
			    r->each->pos, "'each' is here");
}

void wdf_load_after(struct wdf_load *l, const struct wdf_entry *e, int of_service, struct wdf_after **to,
		    uint32_t *count)
{
	struct wdf_after *list;

	if (!wdf_is_list(l, e, of_service ? "[prepare]" : "[prepare, {step: simulate, each: true}]"))
		return;
	list = wf_arena_alloc(l->a, e->value.count * sizeof(*list));
	for (uint32_t i = 0; i < e->value.count; i++) {
		struct wdf_entry item = wdf_item(e, i);
		struct read_after r = { .a = &list[*count], .of_service = of_service };

		read_one(l, &item, &r);
		if (list[*count].step == WDF_NONE && list[*count].service == WDF_NONE)
			continue; /* said */
		for (uint32_t k = 0; k < *count && *count < 1000; k++)
			if (list[k].step == list[*count].step && list[k].service == list[*count].service)
				wdf_related(wdf_find(l->d, WDF_SAME_NAME, item.value.pos, item.value.span,
						     "'after' names '%s' twice",
						     list[k].step != WDF_NONE ? l->step_list[list[k].step] :
										l->service_list[list[k].service]),
					    list[k].pos, "first here");
		++*count;
	}
	*to = list;
}

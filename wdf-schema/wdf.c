/* wdf.c - owns the top of a workflow file: its sections, the order they are read in, and the life of a struct wdf.
 *
 * Order matters: parameters first, because everything structural may use them; then the names of steps and services, because they
 * refer to each other in both directions; then services and steps; then what only shows between them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/read.h"

struct sections {
	const struct wdf_entry *workflow, *params, *defaults, *services, *steps, *pools, *datasets, *submit;
};

#define SECTION(field)                                                                                                 \
	static void take_##field(struct wdf_load *l, const struct wdf_entry *e, void *to)                              \
	{                                                                                                              \
		(void)l;                                                                                               \
		((struct sections *)to)->field = e;                                                                    \
	}
SECTION(workflow)
SECTION(params)
SECTION(defaults)
SECTION(services)
SECTION(steps)
SECTION(pools)
SECTION(datasets)
SECTION(submit)

static const struct wdf_key section_keys[] = {
	{ "workflow", take_workflow }, { "params", take_params }, { "defaults", take_defaults },
	{ "services", take_services }, { "steps", take_steps },	  { "pools", take_pools },
	{ "datasets", take_datasets }, { "submit", take_submit },
};

/* ---- workflow ------------------------------------------------------------------------------------------------ */

static void workflow_name(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	const char *name;

	(void)to;
	if (wdf_read_text(l, e, WDF_TEXT_STRICT, &name) < 0)
		return;
	if (!*name)
		wdf_find(l->d, WDF_EMPTY_VALUE, e->value.pos, e->value.span, "the workflow's name is empty");
	else if (strlen(name) > 200)
		wdf_find(l->d, WDF_TOO_LONG, e->value.pos, e->value.span, "the workflow's name has %zu bytes, at most 200",
			 strlen(name));
	else if (strpbrk(name, "/\n\t\r"))
		wdf_find(l->d, WDF_NAME, e->value.pos, e->value.span,
			 "the workflow's name must be one line without '/'");
	else
		l->w->name = name;
}

static void workflow_description(struct wdf_load *l, const struct wdf_entry *e, void *to)
{
	(void)to;
	wdf_read_text(l, e, WDF_TEXT_FREE, &l->w->description);
}

static void load_workflow(struct wdf_load *l, const struct wdf_entry *e)
{
	static const struct wdf_key keys[] = { { "name", workflow_name }, { "description", workflow_description } };

	if (!wdf_is_map(l, e, "{name: sweep}"))
		return;
	wdf_read_map(l, &e->value, "'workflow'", keys, WF_COUNT(keys), NULL);
	if (!wdf_node_get(&e->value, "name"))
		wdf_hint(wdf_missing(l, &e->value, "name", "'workflow'"), "write workflow: {name: sweep}");
}

/* ---- pools, submit, datasets ----------------------------------------------------------------------------------- */

static void load_pools(struct wdf_load *l, const struct wdf_entry *e)
{
	struct wdf *w = l->w;
	char shown[WDF_SHOWN];

	if (!wdf_is_map(l, e, "{licence: 3}"))
		return;
	w->pools = wf_arena_alloc(l->a, e->value.count * sizeof(*w->pools));
	l->pool_list = wf_arena_alloc(&l->tree, (e->value.count + 1u) * sizeof(*l->pool_list));
	for (uint32_t i = 0; i < e->value.count; i++) {
		const struct wdf_entry *v = &e->value.entries[i];
		struct wdf_pool *p = &w->pools[w->pool_count];
		int64_t limit = 1;

		if (!wdf_name_ok(v->key)) {
			wdf_find(l->d, WDF_NAME, v->pos, v->span, "'%s' is not a name",
				 wdf_shown(v->key, strlen(v->key), shown));
			continue;
		}
		wdf_read_int(l, v, 1, INT32_MAX, &limit);
		p->name = wf_arena_strdup(l->a, v->key);
		p->pos = v->pos;
		p->limit = (uint32_t)limit;
		l->pool_list[w->pool_count] = p->name;
		wf_strmap_add(&l->pools, p->name, w->pool_count++);
	}
}

static void load_submit(struct wdf_load *l, const struct wdf_entry *e)
{
	static const char *const words[] = { "ahead", "ready", NULL };

	wdf_read_choice(l, e, words, &l->submit_ready);
}

static void load_datasets(struct wdf_load *l, const struct wdf_entry *e)
{
	if (e->value.kind == WDF_NODE_SCALAR)
		wdf_wrong_kind(l, e, "a mapping or a list");
	else
		l->w->datasets = wdf_read_json(l, e, WDF_JSON_RAW);
	l->w->datasets_pos = e->pos;
}

/* ---- steps and services
 * -------------------------------------------------------------------------------------------- */

static const struct wdf_entry *name_entry(const struct wdf_node *n)
{
	for (uint32_t i = 0; n->kind == WDF_NODE_MAP && i < n->count; i++)
		if (strcmp(n->entries[i].key, "name") == 0)
			return wdf_node_is_null(&n->entries[i].value) ? NULL : &n->entries[i];
	return NULL;
}

/* Names of the items of a list, unique. */
static void gather(struct wdf_load *l, const struct wdf_entry *list, const char *what, struct wf_strmap *map,
		   const char **names, struct wdf_pos *places)
{
	for (uint32_t i = 0; i < list->value.count; i++) {
		const struct wdf_entry *e = name_entry(&list->value.items[i]);
		uint32_t first;

		names[i] = "";
		places[i] = list->value.items[i].pos;
		if (!e || wdf_read_name(l, e, &names[i]) < 0)
			continue;
		places[i] = e->value.pos;
		first = wf_strmap_add(map, names[i], i);
		if (first != i)
			wdf_related(wdf_find(l->d, WDF_SAME_NAME, e->value.pos, e->value.span, "two %ss are called '%s'", what,
					     names[i]),
				    places[first], "the first is here");
	}
}

static void gather_services(struct wdf_load *l, const struct wdf_entry *e)
{
	struct wdf *w = l->w;
	uint32_t n = e->value.count;

	w->services = wf_arena_alloc(l->a, n * sizeof(*w->services));
	l->service_list = wf_arena_alloc(&l->tree, (n + 1u) * sizeof(*l->service_list));
	l->service_pos = wf_arena_alloc(&l->tree, (n + 1u) * sizeof(*l->service_pos));
	gather(l, e, "service", &l->services, l->service_list, l->service_pos);
	w->service_count = n;
	for (uint32_t i = 0; i < n; i++)
		w->services[i].name = *l->service_list[i] ? l->service_list[i] : NULL;
}

static void gather_steps(struct wdf_load *l, const struct wdf_entry *e)
{
	struct wdf *w = l->w;
	uint32_t n = e->value.count;

	w->steps = wf_arena_alloc(l->a, n * sizeof(*w->steps));
	l->step_list = wf_arena_alloc(&l->tree, (n + 1u) * sizeof(*l->step_list));
	l->step_pos = wf_arena_alloc(&l->tree, (n + 1u) * sizeof(*l->step_pos));
	gather(l, e, "step", &l->steps, l->step_list, l->step_pos);
	w->step_count = n;
	for (uint32_t i = 0; i < n; i++)
		w->steps[i].name = *l->step_list[i] ? l->step_list[i] : NULL;
}

/* ---- IO-SEA's form ---------------------------------------------------------------------------------------------- */

static int only_keys(const struct wdf_node *n, const char *const *keys)
{
	if (n->kind != WDF_NODE_MAP)
		return 0;
	for (uint32_t i = 0; i < n->count; i++) {
		const char *const *k = keys;

		while (*k && strcmp(*k, n->entries[i].key) != 0)
			k++;
		if (!*k)
			return 0;
	}
	return 1;
}

/* Its three sections, its keys alone, and sbatch in every command. */
static int is_iosea(const struct wdf_node *root)
{
	static const char *const top[] = { "workflow", "services", "steps", NULL };
	static const char *const service[] = { "name", "type", "attributes", "datamovers", NULL };
	static const char *const step[] = { "name", "command", "services", "location", NULL };
	const struct wdf_node *services = wdf_node_get(root, "services"), *steps = wdf_node_get(root, "steps");

	if (!only_keys(root, top) || !services || services->kind != WDF_NODE_LIST || !steps ||
	    steps->kind != WDF_NODE_LIST)
		return 0;
	for (uint32_t i = 0; i < services->count; i++)
		if (!only_keys(&services->items[i], service))
			return 0;
	for (uint32_t i = 0; i < steps->count; i++) {
		const struct wdf_node *command = wdf_node_get(&steps->items[i], "command");

		if (!only_keys(&steps->items[i], step) || !command || command->kind != WDF_NODE_SCALAR ||
		    !strstr(command->text, "sbatch"))
			return 0;
	}
	return steps->count > 0;
}

/* ---- the whole
 * ---------------------------------------------------------------------------------------------------- */

static void load_sections(struct wdf_load *l, const struct sections *s)
{
	struct wdf *w = l->w;
	uint32_t *order;

	if (s->params)
		wdf_load_params(l, s->params);
	l->has_params = s->params != NULL;
	wdf_load_given(l);
	if (s->workflow)
		load_workflow(l, s->workflow);
	if (s->pools)
		load_pools(l, s->pools);
	if (s->submit)
		load_submit(l, s->submit);
	if (s->datasets)
		load_datasets(l, s->datasets);
	if (s->services && wdf_is_list(l, s->services, "[{name: db, type: REDIS}]"))
		gather_services(l, s->services);
	if (s->steps && wdf_is_list(l, s->steps, "[{name: hello, command: echo hello}]"))
		gather_steps(l, s->steps);
	if (s->defaults && wdf_is_map(l, s->defaults, "{resources: {cpus: 2}}")) {
		l->defaults = &s->defaults->value;
		wdf_check_defaults(l, wdf_step_keys, wdf_step_key_count);
	}
	for (uint32_t i = 0; i < w->service_count; i++)
		wdf_load_service(l, &s->services->value.items[i], &w->services[i]);
	if (w->service_count)
		wdf_check_services(l, s->services);
	for (uint32_t i = 0; i < w->step_count && !wdf_diags_full(l->d); i++)
		wdf_load_step(l, &s->steps->value.items[i], &w->steps[i]);
	if (s->steps && s->steps->value.kind == WDF_NODE_LIST && !w->step_count)
		wdf_find(l->d, WDF_EMPTY_VALUE, s->steps->value.pos, s->steps->value.span, "'steps' is empty");
	if (wdf_diags_full(l->d))
		return;
	order = wdf_check_links(l);
	if (order)
		wdf_check_names(l, order);
	free(order);
}

static void warn_unused(struct wdf_load *l)
{
	for (uint32_t i = 0; i < l->w->param_count && !l->has_params; i++)
		if (!l->used[i])
			wdf_find(l->d, WDF_W_PARAM, (struct wdf_pos){ 0, 0 }, 1, "-p %s: nothing in the file uses it",
				 l->w->params[i].name);
}

static void load_root(struct wdf_load *l)
{
	const struct wdf_node *root = &l->doc.root;
	struct sections s = { 0 };
	char shown[WDF_SHOWN];

	if (wdf_node_is_null(root)) {
		wdf_hint(wdf_find(l->d, WDF_EMPTY, (struct wdf_pos){ 1, 1 }, 1, "the file is empty"),
			 "expected a mapping with 'workflow' and 'steps'");
		return;
	}
	if (root->kind != WDF_NODE_MAP) {
		wdf_hint(wdf_find(l->d, WDF_KIND, root->pos, root->span, "the file holds %s", wdf_node_shown(root, shown)),
			 "expected a mapping with 'workflow' and 'steps'");
		return;
	}
	wdf_read_map(l, root, "the file", section_keys, WF_COUNT(section_keys), &s);
	if (!s.workflow && !wdf_node_get(root, "workflow"))
		wdf_hint(wdf_missing(l, root, "workflow", "the file"), "write workflow: {name: sweep}");
	if (!s.steps && !wdf_node_get(root, "steps"))
		wdf_hint(wdf_missing(l, root, "steps", "the file"),
			 "write steps: [{name: hello, command: echo hello}]");
	l->w->iosea = !s.params && is_iosea(root);
	load_sections(l, &s);
	warn_unused(l);
}

static int by_place(const void *a, const void *b)
{
	const struct wdf_pos *p = &((const struct wdf_needed *)a)->pos, *q = &((const struct wdf_needed *)b)->pos;

	if (p->line != q->line)
		return p->line < q->line ? -1 : 1;
	return (p->column > q->column) - (p->column < q->column);
}

/* What was gathered on the heap moves to the arena, so that it dies with the file. */
static void settle(struct wdf_load *l)
{
	struct wdf *w = l->w;
	struct wdf_needed *needed = wf_arena_alloc(l->a, w->needed_count * sizeof(*needed));

	if (w->needed_count) {
		memcpy(needed, w->needed, w->needed_count * sizeof(*needed));
		qsort(needed, w->needed_count, sizeof(*needed), by_place);
	}
	free(w->needed);
	w->needed = needed;
	free(l->components);
	free(l->used);
	free(l->doubtful);
	free(l->flat);
	wf_strmap_release(&l->params);
	wf_strmap_release(&l->pools);
	wf_strmap_release(&l->services);
	wf_strmap_release(&l->steps);
	wf_strmap_release(&l->needed);
	wf_arena_release(&l->tree);
}

struct wdf *wdf_parse(const struct wdf_input *in, const struct wdf_types *types, struct wdf_diags *d)
{
	struct wdf *w = wf_xcalloc(1, sizeof(*w));
	struct wdf_load l = { .w = w, .a = &w->arena, .in = in, .types = types, .d = d };
	size_t before = d->errors;

	l.doc.limits = in->limits;
	if (wdf_doc_parse(&l.doc, &l.tree, in->text, in->len, d) == 0)
		load_root(&l);
	settle(&l);
	if (d->errors > before) {
		wdf_free(w);
		return NULL;
	}
	return w;
}

void wdf_free(struct wdf *w)
{
	if (!w)
		return;
	for (uint32_t i = 0; i < w->step_count; i++) {
		struct wdf_step *s = &w->steps[i];

		json_decref(s->labels);
		json_decref(s->slurm);
		json_decref(s->location);
		json_decref(s->components);
		json_decref(s->container);
		json_decref(s->pack);
		json_decref(s->call);
		json_decref(s->move);
	}
	for (uint32_t i = 0; i < w->service_count; i++) {
		struct wdf_service *s = &w->services[i];

		json_decref(s->attributes);
		json_decref(s->spec);
		json_decref(s->datamovers);
		json_decref(s->slurm);
		json_decref(s->location);
	}
	json_decref(w->datasets);
	wf_arena_release(&w->arena);
	free(w);
}

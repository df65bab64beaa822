/* runs.c - owns making, filling and freeing struct run; posts nothing. */
#include <stdlib.h>
#include <string.h>

#include "engine/core/engine.h"

struct run *run_create(struct engine *e)
{
	struct run *r = wf_xcalloc(1, sizeof(*r));

	e->runs = wf_grow(e->runs, &e->run_cap, e->run_count + 1, sizeof(*e->runs));
	e->runs[e->run_count++] = r;
	return r;
}

struct member *run_member(struct run *r, uint32_t service, uint32_t n)
{
	for (uint32_t i = 0; i < r->member_count; i++)
		if (r->members[i].m.service == service && r->members[i].m.n == n)
			return &r->members[i];
	WF_BUG("run %llu has no member %u of service %u", (unsigned long long)r->row.number, n, service);
}

struct lease *run_lease(struct run *r, uint32_t instance, uint32_t service)
{
	const struct instance *in = &r->inst[instance];

	for (uint32_t i = 0; i < in->lease_count; i++)
		if (r->leases[in->first_lease + i].l.service == service)
			return &r->leases[in->first_lease + i];
	WF_BUG("run %llu: instance %u has no lease of service %u", (unsigned long long)r->row.number, instance, service);
}

static void make_services(struct engine *e, struct run *r)
{
	uint32_t members = 0;

	r->service_count = r->wdf->service_count;
	r->services = wf_xcalloc(r->service_count, sizeof(*r->services));
	for (uint32_t i = 0; i < r->service_count; i++) {
		struct wf_service *s = &r->services[i].s;
		const struct wdf_resources *res = &r->wdf->services[i].resources;

		r->services[i].run = r;
		r->services[i].engine = e;
		if (r->wdf->services[i].has_resources) {
			r->services[i].cores = (uint64_t)(res->ranks ? res->ranks : 1) * (res->cpus ? res->cpus : 1) * 1000;
			r->services[i].memory = res->memory;
		}
		s->run = r->row.number;
		s->number = i;
		s->target = r->wdf->services[i].target ? r->wdf->services[i].target : 1;
		s->min = r->wdf->services[i].min ? r->wdf->services[i].min : 1;
		s->name = wf_xstrdup(r->wdf->services[i].name);
		members += s->target;
	}
	r->members = wf_xcalloc(members, sizeof(*r->members));
	for (uint32_t i = 0; i < r->service_count; i++)
		for (uint32_t n = 0; n < r->services[i].s.target; n++) {
			struct wf_member *m = &r->members[r->member_count++].m;

			m->run = r->row.number;
			m->service = i;
			m->n = n;
		}
}

static void make_leases(struct run *r)
{
	uint32_t total = 0;

	for (uint32_t i = 0; i < r->inst_count; i++)
		total += r->wdf->steps[r->dag->instances[i].step].use_count;
	r->leases = wf_xcalloc(total, sizeof(*r->leases));
	for (uint32_t i = 0; i < r->inst_count; i++) {
		const struct wdf_step *step = &r->wdf->steps[r->dag->instances[i].step];

		r->inst[i].first_lease = r->lease_count;
		r->inst[i].lease_count = step->use_count;
		for (uint32_t k = 0; k < step->use_count; k++) {
			struct wf_lease *l = &r->leases[r->lease_count++].l;

			l->run = r->row.number;
			l->instance = i;
			l->service = step->uses[k].service;
			l->mode = (uint8_t)step->uses[k].access;
		}
	}
}

static int parse(struct run *r, const char *text, size_t n, const char *params, struct engine *e, struct wf_err *err)
{
	json_error_t je;
	json_t *given = json_loads(params ? params : "{}", 0, &je), *v;
	size_t count = json_object_size(given), i = 0;
	const char **names = wf_xcalloc(count + 1, sizeof(*names)), **values = wf_xcalloc(count + 1, sizeof(*values));
	struct wdf_input in = { .text = text, .len = n, .file = r->row.file ? r->row.file : "workflow",
				.names = names, .values = values, .given = count, .session = r->row.name };
	struct wdf_diags d = { 0 };
	const char *key;

	json_object_foreach(given, key, v) {
		names[i] = key;
		values[i++] = json_string_value(v) ? json_string_value(v) : "";
	}
	r->wdf = wdf_parse(&in, e->types, &d);
	if (!r->wdf)
		wdf_diags_err(&d, in.file, err);
	wdf_diags_release(&d);
	free(names);
	free(values);
	json_decref(given);
	return r->wdf ? 0 : -1;
}

int run_prepare(struct engine *e, struct run *r, const char *text, size_t text_n, struct dag *ready_dag,
		struct wdf *ready_wdf, const void *dag, size_t dag_n, const char *params, struct wf_err *err)
{
	char id[WF_ID_TEXT + 1];

	r->wdf = ready_wdf;
	r->dag = ready_dag;
	if (!r->wdf && parse(r, text, text_n, params, e, err) < 0)
		return -1;
	if (!r->dag && !(r->dag = dag_decode(r->wdf, dag, dag_n, err)))
		return -1;
	wf_id_text(&r->row.id, id);
	if (!r->dir)
		r->dir = wf_xasprintf("%s/%s", e->run_root, id);
	r->inst_count = r->dag->instance_count;
	r->inst = wf_xcalloc(r->inst_count, sizeof(*r->inst));
	for (uint32_t i = 0; i < r->inst_count; i++) {
		r->inst[i].unsized = r->dag->instances[i].count == DAG_UNSIZED;
		if (!r->inst[i].unsized)
			derive_size_instance(r, i, r->dag->instances[i].count);
	}
	r->pool_used = wf_xcalloc(r->wdf->pool_count + 1, sizeof(*r->pool_used));
	r->pool_waits = wf_xcalloc(r->wdf->pool_count + 1, sizeof(*r->pool_waits));
	offers_find_order(e, r);
	make_services(e, r);
	make_leases(r);
	results_mark(r, text, text_n);
	r->loaded = 1;
	return 0;
}

static void free_strings(char **list, size_t n)
{
	for (size_t i = 0; list && i < n; i++)
		free(list[i]);
	free(list);
}

void run_unload(struct run *r)
{
	for (uint32_t i = 0; i < r->inst_count; i++) {
		struct instance *in = &r->inst[i];

		free_strings(in->results, in->count);
		free(in->tasks);
		free(in->dirty);
		free(in->applied);
		free(in->ready);
	}
	for (uint32_t i = 0; i < r->service_count; i++)
		wf_service_release(&r->services[i].s);
	for (uint32_t i = 0; i < r->member_count; i++) {
		wf_member_release(&r->members[i].m);
		free(r->members[i].why);
	}
	for (size_t i = 0; r->base_env && r->base_env[i]; i++)
		free(r->base_env[i]);
	free(r->base_env);
	free(r->inst);
	free(r->services);
	free(r->members);
	free(r->leases);
	free(r->pool_used);
	for (uint32_t i = 0; r->pool_waits && i < r->wdf->pool_count; i++)
		free(r->pool_waits[i].items);
	free(r->pool_waits);
	free(r->offered.items);
	free(r->chunks);
	free(r->todo);
	dag_plan_free(r->plan);
	dag_free(r->dag);
	wdf_free(r->wdf);
	r->inst = NULL;
	r->services = NULL;
	r->members = NULL;
	r->leases = NULL;
	r->pool_used = NULL;
	r->pool_waits = NULL;
	memset(&r->offered, 0, sizeof(r->offered));
	r->chunks = NULL;
	r->todo = NULL;
	r->plan = NULL;
	r->dag = NULL;
	r->wdf = NULL;
	r->base_env = NULL;
	r->inst_count = r->service_count = r->member_count = r->lease_count = 0;
	r->chunk_head = r->chunk_count = r->chunk_cap = 0;
	r->todo_count = r->todo_cap = 0;
	r->loaded = 0;
}

void run_free(struct run *r)
{
	if (!r)
		return;
	run_unload(r);
	wf_run_release(&r->row);
	free(r->dir);
	free(r);
}

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

const struct wdf_service *run_spec(const struct run *r, uint32_t service)
{
	return &r->wdf->services[r->dag->services[service].declared];
}

struct member *run_member(struct run *r, uint32_t service, uint32_t n)
{
	if (service >= r->service_count || n >= r->services[service].s.target)
		WF_BUG("run %llu has no member %u of service %u", (unsigned long long)r->row.number, n, service);
	return &r->members[r->services[service].first_member + n];
}

/* ---- services and leases ------------------------------------------------------------------------- */

static const struct wdf_step *step_of(const struct run *r, uint32_t instance)
{
	return &r->wdf->steps[r->dag->instances[instance].step];
}

static int is_own(const struct run *r, uint32_t instance, uint32_t use)
{
	return r->wdf->services[step_of(r, instance)->uses[use].service].scope == WDF_SCOPE_TASK;
}

uint32_t task_service(const struct run *r, uint32_t instance, uint32_t index, uint32_t use)
{
	return dag_service_of(r->dag, step_of(r, instance)->uses[use].service, instance, index);
}

const struct wf_lease *task_lease(const struct run *r, uint32_t instance, uint32_t index, uint32_t use)
{
	return &r->leases[r->inst[instance].lease_at[use] + (is_own(r, instance, use) ? index : 0)].l;
}

struct lease *run_lease(struct run *r, uint32_t instance, uint32_t service)
{
	const struct instance *in = &r->inst[instance];
	uint32_t own = r->services[service].lease;

	if (r->dag->services[service].instance != DAG_UNSIZED)
		return own != UINT32_MAX && r->leases[own].l.instance == instance ? &r->leases[own] : NULL;
	for (uint32_t k = 0; k < in->use_count; k++)
		if (in->lease_at[k] != UINT32_MAX && r->leases[in->lease_at[k]].l.service == service)
			return &r->leases[in->lease_at[k]];
	return NULL;
}

static void make_service(struct engine *e, struct run *r, uint32_t i)
{
	const struct wdf_service *w = run_spec(r, i);
	struct service *svc = &r->services[i];
	char name[DAG_SERVICE_NAME];

	svc->run = r;
	svc->engine = e;
	svc->lease = UINT32_MAX;
	if (w->has_resources) {
		svc->cores = (uint64_t)(w->resources.ranks ? w->resources.ranks : 1) * (w->resources.cpus ? w->resources.cpus : 1) * 1000;
		svc->memory = w->resources.memory;
	}
	dag_service_name(r->dag, i, name, sizeof(name));
	svc->s.run = r->row.number;
	svc->s.number = i;
	svc->s.target = w->target ? w->target : 1;
	svc->s.min = w->min ? w->min : 1;
	svc->s.name = wf_xstrdup(name);
	svc->first_member = r->member_count;
	r->members = wf_xrealloc(r->members, (r->member_count + svc->s.target) * sizeof(*r->members));
	for (uint32_t n = 0; n < svc->s.target; n++)
		r->members[r->member_count++] = (struct member){ .m = { .run = r->row.number, .service = i, .n = n } };
}

static void make_lease(struct run *r, uint32_t instance, uint32_t use, uint32_t index)
{
	uint32_t service = task_service(r, instance, index, use);

	if (r->dag->services[service].instance != DAG_UNSIZED)
		r->services[service].lease = r->lease_count;
	r->leases[r->lease_count++] = (struct lease){
		.l = { .run = r->row.number, .instance = instance, .service = service,
		       .mode = (uint8_t)step_of(r, instance)->uses[use].access },
	};
}

static void make_leases(struct run *r, uint32_t instance)
{
	struct instance *in = &r->inst[instance];

	for (uint32_t k = 0; k < in->use_count; k++) {
		int own = is_own(r, instance, k);
		uint32_t count = own ? in->count : 1;

		if (in->lease_at[k] != UINT32_MAX || (own && in->unsized))
			continue;
		in->lease_at[k] = r->lease_count;
		r->leases = wf_xrealloc(r->leases, (r->lease_count + count + 1u) * sizeof(*r->leases));
		for (uint32_t i = 0; i < count; i++)
			make_lease(r, instance, k, own ? i : DAG_UNSIZED);
	}
}

/* A run whose lists are not all known gets room for every service that it may have yet: what was never touched costs nothing. */
static void make_room(struct run *r)
{
	uint32_t room = r->dag->service_count;

	for (uint32_t i = 0; i < r->inst_count; i++) {
		struct instance *in = &r->inst[i];

		in->use_count = step_of(r, i)->use_count;
		in->lease_at = wf_xmalloc((in->use_count + 1u) * sizeof(*in->lease_at));
		for (uint32_t k = 0; k < in->use_count; k++) {
			in->lease_at[k] = UINT32_MAX;
			in->own |= (uint8_t)is_own(r, i, k);
		}
		if (in->unsized && r->wdf->service_count)
			room = DAG_MAX_SERVICES;
	}
	r->services = wf_xcalloc(room, sizeof(*r->services));
}

void run_grow_services(struct engine *e, struct run *r)
{
	while (r->service_count < r->dag->service_count)
		make_service(e, r, r->service_count++);
	for (uint32_t i = 0; i < r->inst_count; i++)
		make_leases(r, i);
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
	make_room(r);
	run_grow_services(e, r);
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
		free(in->lease_at);
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

/* view_parts.c - owns how the parts of a run look: its steps, its services, its graph. */
#include <string.h>

#include "engine/base/json.h"
#include "engine/core/view_internal.h"
#include "engine/core/words.h"

/* ---- steps -------------------------------------------------------------------------------------------- */

static void view_step(const struct run *r, uint32_t i, struct wf_buf *out)
{
	const struct dag_instance *di = &r->dag->instances[i];
	const struct wdf_step *step = &r->wdf->steps[di->step];
	const struct instance *in = &r->inst[i];

	jw_open(out, NULL, '{');
	jw_str(out, "step", di->name);
	jw_str(out, "state", words_step_state(in));
	if (in->unsized)
		jw_null(out, "count");
	else
		jw_int(out, "count", in->count);
	view_counts(out, "counts", in->counts, in->count);
	jw_int(out, "weight", (int64_t)di->weight);
	jw_open(out, "wants", '[');
	for (uint32_t k = 0; k < di->in_count; k++) {
		uint32_t from = r->dag->deps[di->in[k]].from, n = 0;

		/* Two edges from one step (order and data) are one want. */
		while (n < k && r->dag->deps[di->in[n]].from != from)
			n++;
		if (n == k)
			jw_str(out, NULL, r->dag->instances[from].name);
	}
	jw_close(out, ']');
	if (di->time_ms)
		jw_int(out, "time_ms", di->time_ms);
	else
		jw_null(out, "time_ms");
	jw_open(out, "services", '[');
	for (uint32_t k = 0; k < step->use_count; k++)
		jw_str(out, NULL, r->wdf->services[step->uses[k].service].name);
	jw_close(out, ']');
	jw_bool(out, "tolerated", in->counts[WF_SEEN_FAILED] && !dag_plan_intolerable(r->plan, i));
	jw_close(out, '}');
}

void wf_view_steps(struct wf_view *v, struct run *r, struct wf_buf *out)
{
	jw_open(out, NULL, '{');
	/* With its steps: whoever shows both shows one moment. */
	view_run(v, "run", r, out);
	jw_open(out, "items", '[');
	for (uint32_t i = 0; i < r->inst_count; i++)
		view_step(r, i, out);
	jw_close(out, ']');
	jw_null(out, "next");
	jw_close(out, '}');
	jw_end(out);
}

/* ---- services ------------------------------------------------------------------------------------------- */

static json_t *parse(const char *text)
{
	json_t *v = text ? wf_json_parse(text, strlen(text), NULL) : NULL;

	if (v && !json_is_object(v)) {
		json_decref(v);
		v = NULL;
	}
	return v;
}

/* Where a member is reached, in one text, whatever the driver calls it. */
static void view_address(json_t *endpoint, struct wf_buf *out)
{
	static const char *const names[] = { "address", "unix", "tcp", "url" };
	json_t *host = json_object_get(endpoint, "host"), *port = json_object_get(endpoint, "port");

	for (size_t i = 0; i < WF_COUNT(names); i++) {
		const char *s = json_string_value(json_object_get(endpoint, names[i]));

		if (s) {
			jw_str(out, "address", s);
			return;
		}
	}
	if (json_is_string(host) && (json_is_integer(port) || json_is_string(port))) {
		struct wf_buf text = { 0 };

		wf_buf_printf(&text, "%s:", json_string_value(host));
		if (json_is_integer(port))
			wf_buf_printf(&text, "%lld", (long long)json_integer_value(port));
		else
			wf_buf_str(&text, json_string_value(port));
		jw_str(out, "address", text.data);
		wf_buf_release(&text);
		return;
	}
	jw_null(out, "address");
}

static void view_member(const struct engine *e, const struct wf_member *m, struct wf_buf *out)
{
	json_t *endpoint = parse(m->endpoint);

	jw_open(out, NULL, '{');
	jw_int(out, "n", m->n);
	jw_str(out, "role", m->n ? "joiner" : "founder");
	jw_str(out, "state", wf_sm_name(&wf_member_machine, m->state));
	jw_int(out, "generation", m->generation);
	view_address(endpoint, out);
	if (m->pid)
		jw_int(out, "pid", m->pid);
	else
		jw_null(out, "pid");
	jw_str(out, "host", m->pid ? e->local.host && *e->local.host ? e->local.host : wf_host_name() : NULL);
	jw_str(out, "reason", m->reason);
	jw_close(out, '}');
	json_decref(endpoint);
}

static void view_lease(const struct run *r, const struct wf_lease *l, struct wf_buf *out)
{
	static const char *const modes[] = { "RW", "RO", "WO" };

	jw_open(out, NULL, '{');
	jw_str(out, "step", r->dag->instances[l->instance].name);
	jw_str(out, "state", wf_sm_name(&wf_lease_machine, l->state));
	jw_str(out, "mode", l->mode < WF_COUNT(modes) ? modes[l->mode] : "unknown");
	jw_close(out, '}');
}

/* Whose it is: a step's, a task's, or the run's (both null). */
static void view_owner(const struct run *r, uint32_t i, struct wf_buf *out)
{
	const struct dag_service *own = &r->dag->services[i];
	char task[WF_TASK_NAME];

	if (own->instance == DAG_UNSIZED)
		jw_null(out, "step");
	else
		jw_str(out, "step", r->dag->instances[own->instance].name);
	if (own->index == DAG_UNSIZED) {
		jw_null(out, "task");
		return;
	}
	dag_task_name(r->dag, own->instance, own->index, task, sizeof(task));
	jw_str(out, "task", task);
}

static void view_service(const struct engine *e, const struct run *r, uint32_t i, struct wf_buf *out)
{
	const struct wf_service *s = &r->services[i].s;
	const struct wdf_service *w = run_spec(r, i);
	json_t *endpoint = NULL, *provides = NULL;
	const struct member *members = &r->members[r->services[i].first_member];
	struct wf_buf text = { 0 };
	char id[WF_ID_TEXT + 1];

	for (uint32_t k = 0; k < s->target && !endpoint; k++) {
		const struct wf_member *m = &members[k].m;

		if (m->state != WF_MEMBER_READY && m->state != WF_MEMBER_SUSPECT)
			continue;
		endpoint = parse(m->endpoint);
		provides = parse(m->provides);
	}
	wf_id_text(&r->row.id, id);
	words_service(&text, e, r, i);
	jw_open(out, NULL, '{');
	jw_str(out, "name", w->name);
	jw_str(out, "label", s->name);
	view_owner(r, i, out);
	jw_str(out, "type", w->type);
	jw_str(out, "scope", wdf_scope_name(w->scope));
	jw_str(out, "run", id);
	jw_str(out, "state", wf_sm_name(&wf_service_machine, s->state));
	jw_bool(out, "held", s->held);
	jw_int(out, "generation", s->generation);
	jw_int(out, "view", s->view);
	if (endpoint)
		jw_json(out, "endpoint", endpoint);
	else
		wf_buf_str(out, "\"endpoint\":{},");
	if (provides)
		jw_json(out, "provides", provides);
	else
		wf_buf_str(out, "\"provides\":{},");
	jw_open(out, "members", '[');
	for (uint32_t k = 0; k < s->target; k++)
		/* One that was never asked for is not there. */
		if (members[k].m.number)
			view_member(e, &members[k].m, out);
	jw_close(out, ']');
	jw_open(out, "leases", '[');
	if (r->dag->services[i].instance == DAG_UNSIZED) {
		for (uint32_t k = 0; k < r->lease_count; k++)
			if (r->leases[k].l.service == i)
				view_lease(r, &r->leases[k].l, out);
	} else if (r->services[i].lease != UINT32_MAX) {
		view_lease(r, &r->leases[r->services[i].lease].l, out);
	}
	jw_close(out, ']');
	jw_str(out, "reason", s->reason);
	jw_str(out, "text", text.data);
	jw_int(out, "restarts", s->restarts);
	jw_close(out, '}');
	json_decref(endpoint);
	json_decref(provides);
	wf_buf_release(&text);
}

static void services_of(const struct engine *e, const struct run *r, struct wf_buf *out)
{
	for (uint32_t i = 0; r->loaded && i < r->service_count; i++)
		view_service(e, r, i, out);
}

void wf_view_services(struct wf_view *v, struct run *r, struct wf_buf *out)
{
	const struct engine *e = v->engine;

	jw_open(out, NULL, '{');
	jw_open(out, "items", '[');
	if (r)
		services_of(e, r, out);
	for (size_t i = 0; !r && i < e->live_count; i++)
		services_of(e, e->live[i], out);
	jw_close(out, ']');
	jw_null(out, "next");
	jw_close(out, '}');
	jw_end(out);
}

/* ---- graph ------------------------------------------------------------------------------------------------ */

static json_t *counts_json(const struct instance *in)
{
	json_t *o = json_object();

	for (int s = 0; s < WF_SEEN_STATES; s++)
		json_object_set_new(o, wf_seen_name((enum wf_seen)s), json_integer(in->counts[s]));
	json_object_set_new(o, "total", json_integer(in->count));
	return o;
}

/* One in the graph stands for all that were declared so: {state, counts}, the state of all of them or that of one that is up, or in trouble. */
static void service_states(const struct run *r, uint32_t declared, json_t *o)
{
	json_t *counts = json_object();
	uint8_t shown = WF_SERVICE_STATES;

	for (uint32_t i = 0; i < r->service_count; i++) {
		uint8_t state = r->services[i].s.state;
		const char *word = wf_sm_name(&wf_service_machine, state);

		if (r->dag->services[i].declared != declared)
			continue;
		json_object_set_new(counts, word, json_integer(json_integer_value(json_object_get(counts, word)) + 1));
		if (shown == WF_SERVICE_STATES || shown == WF_SERVICE_DECLARED || shown == WF_SERVICE_STOPPED ||
		    words_service_troubled(&r->services[i]))
			shown = state;
	}
	json_object_set_new(o, "state", json_string(wf_sm_name(&wf_service_machine, shown == WF_SERVICE_STATES ? WF_SERVICE_DECLARED : shown)));
	json_object_set_new(o, "counts", counts);
}

void wf_view_graph(struct wf_view *v, struct run *r, struct wf_buf *out)
{
	json_t *g = dag_json(r->dag), *o;
	size_t k;

	(void)v;
	json_array_foreach(json_object_get(g, "nodes"), k, o) {
		uint32_t i = (uint32_t)json_integer_value(json_object_get(o, "id"));

		json_object_set_new(o, "state", json_string(words_step_state(&r->inst[i])));
		json_object_set_new(o, "counts", counts_json(&r->inst[i]));
	}
	json_array_foreach(json_object_get(g, "services"), k, o)
		service_states(r, (uint32_t)k, o);
	wf_json_dump(g, out);
	json_decref(g);
}

json_t *wf_view_findings(const struct wdf_diags *d)
{
	return d && d->count ? wdf_diags_json(d) : NULL;
}

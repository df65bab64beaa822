/* checks.c - owns what must hold in a simulated world, seen from outside the engine's code: the agent's ledger, the facts in memory, the store. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/play.h"

int check_wrong(struct play *p, const char *fmt, ...)
{
	va_list ap;

	if (p->wrong[0])
		return -1;
	va_start(ap, fmt);
	vsnprintf(p->wrong, sizeof(p->wrong), fmt, ap);
	va_end(ap);
	return -1;
}

/* ---- the ledger -------------------------------------------------------------------------------------------- */

static int same_key(const struct wf_key *a, const struct wf_key *b)
{
	return a->run == b->run && a->instance == b->instance && a->index == b->index && a->kind == b->kind;
}

struct pair {
	struct play *p;
	const struct fake_seen *a;
};

static void not_alive_too(const struct fake_seen *b, void *arg)
{
	struct pair *pair = arg;

	if (b->ref.number == pair->a->ref.number || !b->began || b->over || !same_key(&b->ref.key, &pair->a->ref.key))
		return;
	check_wrong(pair->p, "'%s' lives twice: attempts number %llu and %llu", b->name, (unsigned long long)pair->a->ref.number,
		    (unsigned long long)b->ref.number);
}

struct wanted {
	struct run *run;
	uint32_t instance, index;
	const char *early;             /* a parent that is not over */
};

static int parent_over(uint32_t instance, uint32_t index, const struct dag_dep *dep, void *arg)
{
	struct wanted *w = arg;
	const struct instance *in = &w->run->inst[instance];

	if (dep->result == WDF_START)
		return 0;
	for (uint32_t i = index == DAG_UNSIZED ? 0 : index; i < (index == DAG_UNSIZED ? in->count : index + 1); i++)
		if (!wf_task_is_over(&in->tasks[i]) || (dep->result == WDF_SUCCESS && in->tasks[i].state == WF_TASK_FAILED &&
							dag_plan_intolerable(w->run->plan, instance)))
			w->early = w->run->dag->instances[instance].name;
	return w->early != NULL;
}

static void find_ready(const struct fake_seen *b, void *arg)
{
	const struct wf_lease **l = arg;

	if (*l && b->member && b->ready && b->ref.key.run == (*l)->run && b->ref.key.instance == (*l)->service)
		*l = NULL;
}

/* Consumers find their service by a file that is there before they are. */
static void check_view(struct play *p, struct run *r, uint32_t service, const char *consumer)
{
	char *path = wf_xasprintf("%s/services/%s.json", r->dir, r->services[service].s.name);
	struct wf_buf b = { 0 };
	json_t *o = NULL;

	if (wf_file_read(&p->world->os, path, 1 << 20, &b, NULL) == 0)
		o = json_loadb(b.data, b.len, 0, NULL);
	/* A member may have died since, and the file says so already. */
	if (json_integer_value(json_object_get(o, "generation")) < 1 ||
	    (r->services[service].s.state == WF_SERVICE_READY && !json_array_size(json_object_get(o, "members"))))
		check_wrong(p, "'%s' began, and '%s' says: %s", consumer, path, wf_buf_cstr(&b));
	json_decref(o);
	wf_buf_release(&b);
	free(path);
}

/* An attempt that just began: were its parents done, and are its services there? */
static void check_begin(struct play *p, const struct fake_seen *a)
{
	const struct wf_key *k = &a->ref.key;
	struct run *r = p->engine ? wf_core_run(p->engine, k->run) : NULL;
	struct wanted w = { .run = r, .instance = k->instance, .index = k->index };

	if (!r || !r->loaded || a->member || p->home->dead)
		return;
	dag_task_parents(r->dag, k->instance, k->index, parent_over, &w);
	if (w.early)
		check_wrong(p, "'%s' began before '%s' was done", a->name, w.early);
	for (uint32_t i = 0; i < r->inst[k->instance].lease_count; i++) {
		const struct wf_lease *l = &r->leases[r->inst[k->instance].first_lease + i].l;

		fake_agent_each(p->agent, find_ready, &l);
		if (l)
			check_wrong(p, "'%s' began before its service was ready", a->name);
		check_view(p, r, r->leases[r->inst[k->instance].first_lease + i].l.service, a->name);
	}
}

static void one_live(const struct fake_seen *a, void *arg)
{
	struct play *p = arg;
	struct pair pair = { p, a };

	if (!a->began || p->wrong[0])
		return;
	if (!a->over && !p->scenario->lies)
		fake_agent_each(p->agent, not_alive_too, &pair);
	if (a->ref.number > p->last_seen)
		check_begin(p, a);
}

static void newest(const struct fake_seen *a, void *arg)
{
	struct play *p = arg;

	if (a->began && a->ref.number > p->last_seen)
		p->last_seen = a->ref.number;
}

void check_agent(struct play *p)
{
	fake_agent_each(p->agent, one_live, p);
	fake_agent_each(p->agent, newest, p);
}

/* ---- derived state ------------------------------------------------------------------------------------------- */

static int in_ring(const struct instance *in, uint32_t index)
{
	int n = 0;

	for (uint32_t i = 0; i < in->ready_count; i++)
		n += in->ready[(in->ready_head + i) % in->ready_cap] == index;
	return n;
}

static int in_backoff(const struct engine *e, const struct run *r, uint32_t instance, uint32_t index, uint64_t number)
{
	int n = 0;

	for (size_t i = 0; i < e->backoff_count; i++)
		n += e->backoffs[i].run == r->row.number && e->backoffs[i].instance == instance && e->backoffs[i].index == index &&
		     e->backoffs[i].number == number;
	return n;
}

struct sums {
	uint64_t cores, memory;
	uint32_t pool[16];
	uint32_t counts[WF_SEEN_STATES];
	uint32_t over, total;
};

static void check_instance(struct play *p, struct run *r, uint32_t i, struct sums *sum)
{
	const struct instance *in = &r->inst[i];
	const char *name = r->dag->instances[i].name;
	uint32_t pool = r->wdf->steps[r->dag->instances[i].step].pool, active = 0, over = 0, ready = 0, counts[WF_SEEN_STATES] = { 0 };

	for (uint32_t k = 0; k < in->count; k++) {
		const struct wf_task *t = &in->tasks[k];

		counts[wf_task_seen(t)]++;
		over += (uint32_t)wf_task_is_over(t);
		if (t->state == WF_TASK_ACTIVE) {
			active++;
			sum->cores += in->cores;
			sum->memory += task_memory(r, i, t);
			if (pool != UINT32_MAX)
				sum->pool[pool]++;
			if (t->astate == WF_ATTEMPT_ENDED || t->astate == WF_ATTEMPT_REVOKED)
				check_wrong(p, "'%s[%u]' is active after its attempt", name, k);
		}
		if (t->state != WF_TASK_READY)
			continue;
		ready += (uint32_t)in_ring(in, k);
		if (in_ring(in, k) + (t->delay_ms ? in_backoff(p->engine, r, i, k, t->number) : 0) != 1)
			check_wrong(p, "'%s[%u]' is ready, and %d times in the ring, %d times in back-off", name, k, in_ring(in, k),
				    in_backoff(p->engine, r, i, k, t->number));
	}
	for (int s = 0; s < WF_SEEN_STATES; s++) {
		sum->counts[s] += counts[s];
		if (counts[s] != in->counts[s])
			check_wrong(p, "'%s': %u tasks are %s, counted %u", name, counts[s], wf_seen_name((enum wf_seen)s), in->counts[s]);
	}
	if (active != in->active || over != in->over)
		check_wrong(p, "'%s': active %u counted %u, over %u counted %u", name, active, in->active, over, in->over);
	if (ready && !in->heap_at && !in->parked)
		check_wrong(p, "'%s' has %u ready tasks and nobody looks at it", name, ready);
	sum->over += over;
	sum->total += in->count;
}

static void check_run(struct play *p, struct run *r, uint64_t *cores, uint64_t *memory)
{
	struct sums sum = { 0 };

	for (uint32_t i = 0; i < r->inst_count; i++)
		check_instance(p, r, i, &sum);
	for (int s = 0; s < WF_SEEN_STATES; s++)
		if (sum.counts[s] != r->counts[s])
			check_wrong(p, "%u tasks are %s, counted %u", sum.counts[s], wf_seen_name((enum wf_seen)s), r->counts[s]);
	for (uint32_t i = 0; i < r->wdf->pool_count; i++)
		if (sum.pool[i] != r->pool_used[i])
			check_wrong(p, "pool %u: %u in use, counted %u", i, sum.pool[i], r->pool_used[i]);
	for (uint32_t i = 0; i < r->wdf->pool_count; i++)
		if (sum.pool[i] > r->wdf->pools[i].limit && !p->scenario->lies)
			check_wrong(p, "pool %u: %u in use of %u", i, sum.pool[i], r->wdf->pools[i].limit);
	if (sum.over != r->over || sum.total != r->total)
		check_wrong(p, "over %u counted %u, total %u counted %u", sum.over, r->over, sum.total, r->total);
	for (uint32_t i = 0; i < r->service_count; i++) {
		int holds = r->services[i].s.state >= WF_SERVICE_STAGING_IN && r->services[i].s.state <= WF_SERVICE_STOPPING;

		if (holds != r->services[i].granted)
			check_wrong(p, "service '%s' is %s and %s", r->services[i].s.name,
				    wf_sm_name(&wf_service_machine, r->services[i].s.state), holds ? "not granted" : "granted");
		if (r->services[i].granted) {
			*cores += r->services[i].cores;
			*memory += r->services[i].memory;
		}
	}
	*cores += sum.cores;
	*memory += sum.memory;
}

void check_engine(struct play *p)
{
	struct engine *e = p->engine;
	uint64_t cores = 0, memory = 0;

	/* Events whose consequences are still to be decided: nothing is settled. */
	if (!e || p->home->dead || e->kicked || e->touched_count)
		return;
	for (size_t i = 0; i < e->run_count; i++)
		if (e->runs[i]->loaded)
			check_run(p, e->runs[i], &cores, &memory);
	/* Those that wait for a place at the agent take none; while some do, all are alike. */
	if (e->local.queued && e->local.mixed)
		check_wrong(p, "%u starts wait at the agent for places of different sizes", e->local.queued);
	cores -= (uint64_t)e->local.queued * e->local.like_cores;
	memory -= e->local.queued * e->local.like_memory;
	if (cores != e->local.cores_used || memory != e->local.memory_used)
		check_wrong(p, "cores in use: %llu, counted %llu; memory: %llu, counted %llu", (unsigned long long)cores,
			    (unsigned long long)e->local.cores_used, (unsigned long long)memory, (unsigned long long)e->local.memory_used);
	/* An attempt that is found again has its cores back, whoever has them now. */
	if (e->local.state == AGENT_READY && e->local.cores_used > e->local.cores && !p->scenario->lies)
		check_wrong(p, "%llu thousandths of a core in use, there are %u", (unsigned long long)e->local.cores_used, e->local.cores);
}

/* ---- the end ------------------------------------------------------------------------------------------------------ */

struct tally {
	const struct wf_key *key;
	int good, began;
};

static void count(const struct fake_seen *a, void *arg)
{
	struct tally *t = arg;

	if (!same_key(&a->ref.key, t->key))
		return;
	t->began += a->began;
	t->good += a->over && !a->lost && a->class == WF_CLASS_OK;
}

static void check_task(struct play *p, struct run *r, uint32_t instance, uint32_t index)
{
	const struct wf_task *t = &r->inst[instance].tasks[index];
	struct wf_key key = { .run = r->row.number, .instance = instance, .index = index, .kind = WF_KIND_STEP };
	struct tally tally = { .key = &key };
	char name[WF_TASK_NAME];

	dag_task_name(r->dag, instance, index, name, sizeof(name));
	fake_agent_each(p->agent, count, &tally);
	if (!wf_task_is_over(t))
		check_wrong(p, "'%s' is %s at the end", name, wf_seen_name(wf_task_seen(t)));
	if (t->state == WF_TASK_SKIPPED && tally.began && !r->row.retries)
		check_wrong(p, "'%s' was skipped and ran %d times", name, tally.began);
	if (p->scenario->lies || (t->flags & WF_TASK_F_RESOLVED))
		return;
	if (t->state == WF_TASK_SUCCEEDED && tally.good != 1)
		check_wrong(p, "'%s' succeeded, and %d times for the agent", name, tally.good);
	/* A cancel may meet one that just ended well: that one is canceled for us and well for the agent, never twice. */
	if (t->state != WF_TASK_SUCCEEDED && tally.good > (r->row.retries || r->row.state == WF_RUN_CANCELED_))
		check_wrong(p, "'%s' is %s, and succeeded %d times for the agent", name, wf_seen_name(wf_task_seen(t)), tally.good);
	if (!p->scenario->repeats && !p->agent_deaths && tally.began > 1)
		check_wrong(p, "'%s' ran %d times", name, tally.began);
}

static void not_live(const struct fake_seen *a, void *arg)
{
	struct play *p = arg;

	if (a->began && !a->over)
		check_wrong(p, "'%s', attempt number %llu, still runs", a->name, (unsigned long long)a->ref.number);
}

void check_end(struct play *p)
{
	struct engine *e = p->engine;
	struct run *r = wf_core_run(e, p->run);
	const char *bad;

	if (e->run_count != 1)
		check_wrong(p, "%zu runs of one submission", e->run_count);
	if (p->scenario->ends != WF_RUN_STATES && r->row.state != p->scenario->ends)
		check_wrong(p, "the run %s, it should have %s", wf_sm_name(&wf_run_machine, r->row.state),
			    wf_sm_name(&wf_run_machine, (uint8_t)p->scenario->ends));
	for (uint32_t i = 0; i < r->inst_count; i++)
		for (uint32_t k = 0; k < r->inst[i].count; k++)
			check_task(p, r, i, k);
	for (uint32_t i = 0; i < r->service_count; i++) {
		uint8_t s = r->services[i].s.state;

		if (s != WF_SERVICE_STOPPED && s != WF_SERVICE_FAILED && s != WF_SERVICE_DECLARED &&
		    (s != WF_SERVICE_LEAKED || !p->scenario->leaks))
			check_wrong(p, "service '%s' is %s at the end", r->services[i].s.name, wf_sm_name(&wf_service_machine, s));
	}
	for (uint32_t i = 0; i < r->lease_count; i++)
		if (r->leases[i].l.state != WF_LEASE_ENDED)
			check_wrong(p, "a lease is %s at the end", wf_sm_name(&wf_lease_machine, r->leases[i].l.state));
	if (!p->scenario->lies)
		fake_agent_each(p->agent, not_live, p);
	if (e->local.cores_used || e->local.memory_used || e->local.cores_services)
		check_wrong(p, "%llu cores are in use at the end", (unsigned long long)e->local.cores_used);
	if (e->live_count)
		check_wrong(p, "%zu runs live at the end", e->live_count);
	if (p->home->refused || p->world->refused)
		check_wrong(p, "somebody asked for a process");
	bad = p->scenario->check ? p->scenario->check(p) : NULL;
	if (bad)
		check_wrong(p, "%s", bad);
}

/* ---- the same after a restart --------------------------------------------------------------------------------------- */

struct image {
	struct wf_buf facts;
};

static void add_text(struct wf_buf *b, const char *s)
{
	wf_buf_printf(b, "%s|", s ? s : "-");
}

static void describe(struct run *r, struct wf_buf *b)
{
	json_t *facts = wf_run_facts(&r->row);
	char *text = json_dumps(facts, JSON_SORT_KEYS);

	wf_buf_printf(b, "run %s cancel %u list %u retries %u %lld %lld %lld seq %llu %s\n", wf_sm_name(&wf_run_machine, r->row.state),
		      r->row.cancel, r->row.list_failed, r->row.retries, (long long)r->row.created_ms, (long long)r->row.started_ms,
		      (long long)r->row.ended_ms, (unsigned long long)r->row.seq, text);
	free(text);
	json_decref(facts);
	for (uint32_t i = 0; i < r->inst_count; i++) {
		const struct instance *in = &r->inst[i];

		wf_buf_printf(b, "instance %s of %u\n", r->dag->instances[i].name, in->count);
		for (uint32_t k = 0; k < in->count; k++) {
			const unsigned char *t = (const unsigned char *)&in->tasks[k];

			wf_buf_printf(b, "task %u ", k);
			for (size_t n = 0; n < sizeof(in->tasks[k]); n++)
				wf_buf_printf(b, "%02x", t[n]);
			wf_buf_char(b, ' ');
			add_text(b, in->keep_results && in->results ? in->results[k] : NULL);
			wf_buf_char(b, '\n');
		}
	}
	for (uint32_t i = 0; i < r->service_count; i++) {
		const struct wf_service *s = &r->services[i].s;

		wf_buf_printf(b, "service %u %u %u %u %u %u %u %u %u %u %llu ", s->number, s->state, s->failing, s->held, s->generation, s->view,
			      s->restarts, s->target, s->min, s->delay_ms, (unsigned long long)s->seq);
		add_text(b, s->name);
		add_text(b, s->reason);
		wf_buf_char(b, '\n');
	}
	for (uint32_t i = 0; i < r->member_count; i++) {
		const struct wf_member *m = &r->members[i].m;

		wf_buf_printf(b, "member %u %u %u %u %d %u %u %llu %llu ", m->service, m->n, m->state, m->class, m->exit, m->generation, m->pid,
			      (unsigned long long)m->number, (unsigned long long)m->seq);
		add_text(b, m->endpoint);
		add_text(b, m->provides);
		add_text(b, m->reason);
		wf_buf_char(b, '\n');
	}
	for (uint32_t i = 0; i < r->lease_count; i++) {
		const struct wf_lease *l = &r->leases[i].l;

		wf_buf_printf(b, "lease %u %u %u %u %u %llu\n", l->instance, l->service, l->state, l->mode, l->view, (unsigned long long)l->seq);
	}
}

struct image *check_image(struct run *r)
{
	struct image *i = wf_xcalloc(1, sizeof(*i));

	describe(r, &i->facts);
	return i;
}

void check_same(struct play *p, const struct image *a, struct run *r)
{
	struct image *b = check_image(r);
	const char *x = wf_buf_cstr((struct wf_buf *)&a->facts), *y = wf_buf_cstr(&b->facts);

	while (*x && strcmp(x, y) != 0) {
		size_t n = strcspn(x, "\n"), k = strcspn(y, "\n");

		if (n != k || memcmp(x, y, n) != 0) {
			check_wrong(p, "read back it differs:\n#   was %.*s\n#   is  %.*s", (int)(n > 230 ? 230 : n), x, (int)(k > 230 ? 230 : k), y);
			break;
		}
		x += n + 1;
		y += k + 1;
	}
	check_image_free(b);
}

void check_image_free(struct image *i)
{
	if (i)
		wf_buf_release(&i->facts);
	free(i);
}

/* checks.c - owns what must hold at every moment, seen from outside the engine's code: the agent's ledger, the facts in memory. */
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

int check_lies(const struct play *p)
{
	return p->scenario->lies || p->took_over;
}

/* ---- the ledger -------------------------------------------------------------------------------------------- */

static uint64_t ledger_key(const struct wf_key *k)
{
	return (uint64_t)(k->kind + 1) << 60 | (k->run & 0xfff) << 48 | (uint64_t)k->instance << 24 | k->index;
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
	struct wf_arena a = { 0 };
	char *path = wf_xstrdup(render_view_path(&a, r, service));
	struct wf_buf b = { 0 };
	json_t *o = NULL;

	if (wf_file_read(&p->world->os, path, 1 << 20, &b, NULL) == 0)
		o = json_loadb(b.data, b.len, 0, NULL);
	/* A member may have died since, and the file says so already. */
	if (json_integer_value(json_object_get(o, "generation")) < 1 ||
	    (r->services[service].s.state == WF_SERVICE_READY && !json_array_size(json_object_get(o, "members"))))
		check_wrong(p, "'%s' began, and '%s' says: %s", consumer, path, wf_buf_cstr(&b));
	json_decref(o);
	wf_arena_release(&a);
	wf_buf_release(&b);
	free(path);
}

static const struct client *client_of(const struct play *p, uint64_t run)
{
	for (unsigned i = 0; i < p->client_count; i++)
		if (p->clients[i].submit == CLIENT_ANSWERED && p->clients[i].run == run)
			return &p->clients[i];
	return NULL;
}

/* An attempt that just began: were its parents done, and are its services there? */
static void check_begin(struct play *p, const struct fake_seen *a)
{
	const struct wf_key *k = &a->ref.key;
	struct run *r = p->engine && !p->home->dead ? wf_core_run(p->engine, k->run) : NULL;
	const struct client *c = client_of(p, k->run);
	struct wanted w = { .run = r, .instance = k->instance, .index = k->index };

	if (c && c->canceled_at && a->ref.number >= c->canceled_at)
		check_wrong(p, "'%s', attempt number %llu, was started after its run was canceled", a->name, (unsigned long long)a->ref.number);
	if (!r || !r->loaded || a->member)
		return;
	dag_task_parents(r->dag, k->instance, k->index, parent_over, &w);
	if (w.early)
		check_wrong(p, "'%s' began before '%s' was done", a->name, w.early);
	for (uint32_t i = 0; i < r->inst[k->instance].use_count; i++) {
		const struct wf_lease *l = task_lease(r, k->instance, k->index, i);

		fake_agent_each(p->agent, find_ready, &l);
		if (l)
			check_wrong(p, "'%s' began before its service was ready", a->name);
		/* Files that are made again at need may be torn by a loss of power: who was sent before that may find them so. */
		if (!p->used[KNOB_power] || a->ref.number > p->sent_before)
			check_view(p, r, task_service(r, k->instance, k->index, i), a->name);
	}
}

/* Each generation of a service lives once. */
static void check_generation(struct play *p, const struct fake_seen *a, uint64_t key)
{
	uintptr_t last = (uintptr_t)wf_idmap_get(&p->generations, key);

	if (a->ref.key.attempt <= last)
		check_wrong(p, "'%s' begins as generation %u after %u", a->name, a->ref.key.attempt, (unsigned)last);
	wf_idmap_set(&p->generations, key, (void *)(uintptr_t)a->ref.key.attempt);
}

void check_attempt(const struct fake_seen *a, void *arg)
{
	struct play *p = arg;
	uint64_t key = ledger_key(&a->ref.key);
	uintptr_t live = (uintptr_t)wf_idmap_get(&p->live, key);

	if (play_watch)
		play_watch(p, a);
	if (a->over && a->began) {
		/* A liar's may be over twice. */
		wf_idmap_set(&p->live, key, (void *)(live ? live - 1 : 0));
		return;
	}
	if (a->over)
		return;
	if (a->member)
		check_generation(p, a, key);
	wf_idmap_set(&p->live, key, (void *)(live + 1));
	if (live && !check_lies(p))
		check_wrong(p, "'%s' lives twice, the second time as attempt number %llu", a->name, (unsigned long long)a->ref.number);
	check_begin(p, a);
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
	uint64_t *unproven;            /* cores of attempts that may wait at the agent for a place */
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
			if (t->astate != WF_ATTEMPT_RUNNING)
				*sum->unproven += in->cores;
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

static void check_run(struct play *p, struct run *r, uint64_t *cores, uint64_t *memory, uint64_t *unproven)
{
	struct sums sum = { .unproven = unproven };

	for (uint32_t i = 0; i < r->inst_count; i++)
		check_instance(p, r, i, &sum);
	for (int s = 0; s < WF_SEEN_STATES; s++)
		if (sum.counts[s] != r->counts[s])
			check_wrong(p, "%u tasks are %s, counted %u", sum.counts[s], wf_seen_name((enum wf_seen)s), r->counts[s]);
	for (uint32_t i = 0; i < r->wdf->pool_count; i++)
		if (sum.pool[i] != r->pool_used[i])
			check_wrong(p, "pool %u: %u in use, counted %u", i, sum.pool[i], r->pool_used[i]);
	for (uint32_t i = 0; i < r->wdf->pool_count; i++)
		if (sum.pool[i] > r->wdf->pools[i].limit && !check_lies(p))
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
	uint64_t cores = 0, memory = 0, unproven = 0, tasks = 0;

	/* Events whose consequences are still to be decided: nothing is settled. */
	if (!e || p->home->dead || e->kicked || e->touched_count)
		return;
	/* Adding up a large run after each event would take longer than playing it. */
	for (size_t i = 0; i < e->live_count; i++)
		tasks += e->live[i]->total;
	if (++p->checks % (1 + tasks / 32))
		return;
	for (size_t i = 0; i < e->run_count; i++)
		if (e->runs[i]->loaded)
			check_run(p, e->runs[i], &cores, &memory, &unproven);
	/* Those that wait for a place at the agent take none; while some do, all are alike. */
	if (e->local.queued && e->local.mixed)
		check_wrong(p, "%u starts wait at the agent for places of different sizes", e->local.queued);
	cores -= (uint64_t)e->local.queued * e->local.like_cores;
	memory -= e->local.queued * e->local.like_memory;
	play_counts->n[COUNT_queued] += e->local.queued != 0;
	if (cores != e->local.cores_used || memory != e->local.memory_used)
		check_wrong(p, "cores in use: %llu, counted %llu; memory: %llu, counted %llu", (unsigned long long)cores,
			    (unsigned long long)e->local.cores_used, (unsigned long long)memory, (unsigned long long)e->local.memory_used);
	/* What runs at the agent takes no more than there is. */
	if (e->local.state == AGENT_READY && cores > e->local.cores + unproven && !check_lies(p))
		check_wrong(p, "%llu thousandths of a core run, there are %u", (unsigned long long)cores, e->local.cores);
}

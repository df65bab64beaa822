/* checks_end.c - owns what must hold when everything is quiet, and what a second look at the same run must show.
 *
 * Which invariant of the project is judged where (E: after each event, B: at each boot of an engine, R: at rest):
 *
 *   I1   acknowledged is there after any crash      B  checks_log.c: check_log, of answers to verbs, submits and reads; client.c
 *   I2   one live execution, one start per attempt  E  checks.c: check_attempt, check_generation
 *   I3   accepted is not submitted again            E  the same: who is asked again while it runs lives twice; R check_history
 *   I4   forgotten work is noticed                  R  scenarios `forgotten`, `held`, `random, liar` come to their end
 *   I5   a reused id changes nothing                R  process ids repeat (pid=); check_task: as often well as the agent says
 *   I6   finished is not rerun                      R  check_task: succeeded once for the agent
 *   I7   parents first                              E  checks.c: check_begin; R check_history: started
 *   I8   purged records of Slurm                       not the engine's: no such agent here; facts are kept until acknowledged: play.c: settle
 *   I9   services are owned or freed                R  not_live, check_run; given up is `leaked`, shown
 *   I10  a stop frees everything, interrupted too   R  the same, with cancels, breaks and deaths on the way
 *   I11, I12 movers                                    not there yet
 *   I13  a full disk: nothing lost, back by itself  R  knob `full`: check_log, and the run comes to its end
 *   I14  no answer on a connection that failed      E  check_ack: an answer rests on what is stored; B check_log after a loss of power
 *   I15  starts on a full disk                      B  engine_life.c: engine_boot
 *   I16  damage is reported                            not here: the store's own tests and fuzzers
 *   I17  two engines                                R  check_history: epochs rise, numbers have no gap; B check_log: no answer of the old one is missing
 *   I18  wall clock                                 R  knob `jumps`: the same ends
 *   I19  late, doubled, reordered                   R  knob `doubles`, words late, accept, twice, stale: the same ends
 *   I20  a slow disk or agent stops nothing         R  knobs `slow`, `cuts`, `freezes`; how fast it answers is measured elsewhere
 *   I21  a restart disturbs nothing                 R  the ends of named scenarios; check_task
 *   I22  cancel: no new start, a confirmed end      E  check_begin: canceled_at; R check_history, not_live
 *   I23, I24, I26 to I32 errors, inputs, load, security  not the core's
 *   I25  no leak                                    R  engine_stop: nothing left in its loop; the sanitizer build frees all of it
 *   I33  events give the tables                     R  read_again: check_same, rebuild and compare; B look_inside between two engines
 *   I34  recovery survives crashes                  B  deaths while it is read back, several in a row
 *   I35  a stop equals a crash                      B  knob `stops`, cut short or not
 *   I36  it comes to an end                         R  play_step: within twelve hours of virtual time
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/play.h"

/* ---- the end ------------------------------------------------------------------------------------------------------ */

struct tally {
	const struct wf_key *key;
	int good, began;
};

static int same_key(const struct wf_key *a, const struct wf_key *b)
{
	return a->run == b->run && a->instance == b->instance && a->index == b->index && a->kind == b->kind;
}

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
	if (check_lies(p) || (t->flags & WF_TASK_F_RESOLVED))
		return;
	if (t->state == WF_TASK_SUCCEEDED && tally.good != 1)
		check_wrong(p, "'%s' succeeded, and %d times for the agent", name, tally.good);
	/* A cancel may meet one that just ended well: that one is canceled for us and well for the agent, never twice. */
	if (t->state != WF_TASK_SUCCEEDED && tally.good > (r->row.retries || r->row.state == WF_RUN_CANCELED_))
		check_wrong(p, "'%s' is %s, and succeeded %d times for the agent", name, wf_seen_name(wf_task_seen(t)), tally.good);
}

/* Its member could not be asked for so long that it was given up. */
static int may_leak(const struct play *p)
{
	return p->scenario->leaks || p->took_over || p->used[KNOB_cuts] || p->used[KNOB_freezes];
}

static void not_live(const struct fake_seen *a, void *arg)
{
	struct play *p = arg;
	struct run *r = wf_core_run(p->engine, a->ref.key.run);

	/* What was given up is shown, not forgotten; nobody asks for it any more when its run is over. */
	if (a->member && r && may_leak(p) && r->services[a->ref.key.instance].s.state == WF_SERVICE_LEAKED)
		return;
	if (a->began && !a->over)
		check_wrong(p, "'%s', attempt number %llu, still runs", a->name, (unsigned long long)a->ref.number);
}

static void check_run(struct play *p, struct run *r)
{
	if (p->scenario->ends != WF_RUN_STATES && r->row.state != p->scenario->ends)
		check_wrong(p, "the run %s, it should have %s", wf_sm_name(&wf_run_machine, r->row.state),
			    wf_sm_name(&wf_run_machine, (uint8_t)p->scenario->ends));
	play_counts->n[COUNT_large] += r->inst_count >= 100;
	for (uint32_t i = 0; i < r->inst_count; i++)
		for (uint32_t k = 0; k < r->inst[i].count; k++)
			check_task(p, r, i, k);
	for (uint32_t i = 0; i < r->service_count; i++) {
		uint8_t s = r->services[i].s.state;

		if (s != WF_SERVICE_STOPPED && s != WF_SERVICE_FAILED && s != WF_SERVICE_DECLARED &&
		    (s != WF_SERVICE_LEAKED || !may_leak(p)))
			check_wrong(p, "service '%s' is %s at the end", r->services[i].s.name, wf_sm_name(&wf_service_machine, s));
	}
	for (uint32_t i = 0; i < r->lease_count; i++)
		if (r->leases[i].l.state != WF_LEASE_ENDED)
			check_wrong(p, "a lease is %s at the end", wf_sm_name(&wf_lease_machine, r->leases[i].l.state));
}

void check_end(struct play *p)
{
	struct engine *e = p->engine;
	const char *bad;

	if (e->run_count != p->client_count)
		check_wrong(p, "%zu runs of %u submissions", e->run_count, p->client_count);
	for (unsigned i = 0; i < p->client_count; i++)
		check_run(p, wf_core_run(e, p->clients[i].run));
	if (!check_lies(p))
		fake_agent_each(p->agent, not_live, p);
	if (e->local.cores_used || e->local.memory_used || e->local.cores_services)
		check_wrong(p, "%llu cores are in use at the end", (unsigned long long)e->local.cores_used);
	if (e->live_count)
		check_wrong(p, "%zu runs live at the end", e->live_count);
	if (p->home->refused || p->world->refused)
		check_wrong(p, "somebody asked for a process");
	if (fake_agent_counts(p->agent)->early)
		check_wrong(p, "%u starts came before every reattach was answered", fake_agent_counts(p->agent)->early);
	check_history(p);
	bad = p->scenario->check ? p->scenario->check(p) : NULL;
	if (bad)
		check_wrong(p, "%s", bad);
}

/* ---- the same after a restart --------------------------------------------------------------------------------------- */

struct facts {
	struct wf_buf text;
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

struct facts *check_facts(struct run *r)
{
	struct facts *i = wf_xcalloc(1, sizeof(*i));

	describe(r, &i->text);
	return i;
}

void check_same(struct play *p, const struct facts *a, struct run *r)
{
	struct facts *b = check_facts(r);
	const char *x = wf_buf_cstr((struct wf_buf *)&a->text), *y = wf_buf_cstr(&b->text);

	while (*x && strcmp(x, y) != 0) {
		size_t n = strcspn(x, "\n"), k = strcspn(y, "\n");

		if (n != k || memcmp(x, y, n) != 0) {
			check_wrong(p, "read back it differs:\n#   was %.*s\n#   is  %.*s", (int)(n > 230 ? 230 : n), x, (int)(k > 230 ? 230 : k), y);
			break;
		}
		x += n + 1;
		y += k + 1;
	}
	check_facts_free(b);
}

void check_facts_free(struct facts *i)
{
	if (i)
		wf_buf_release(&i->text);
	free(i);
}

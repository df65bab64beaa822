/* fake_agent.c - owns the script, the attempts it plays and the facts it reports; knows no process and no file. */
#include "tests/fakes/fake_agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/link/wire.h"
#include "executors/agent/serve.h"

enum action { FINISH, FAIL, HANG, VANISH, FORGET, REFUSE };

struct rule {
	struct rule *next;
	char *name;                    /* without its '*' */
	int prefix;
	unsigned attempt;              /* 0: any */
	enum action action;
	int class, exit;
	uint64_t after_ms, queue_ms, late_ms, ready_ms, accept_ms;
	int never_ready, twice, stuck, stale;
	uint32_t pid;
	char *result;
};

enum phase { WAITING /* for a place */, QUEUED, RUNNING, ENDING /* ended, not yet reported */, ENDED };

struct fake_attempt {
	struct fake_agent *f;
	struct fake_attempt *next;
	struct wf_attempt_ref ref;
	const struct rule *rule;
	char *name, *result;
	enum phase phase;
	uint32_t places;
	int member, ready, lost;
	int gone;                      /* the agent said that it does not have it: no place is its */
	enum wf_lost_why lost_why;
	struct wf_timer timer;
	struct wf_timer ready_timer;
	struct wf_timer accept_timer;
	uint32_t pid;
	int64_t started_ms, ended_ms;
	int class, exit;
	char *last_signal;
};

struct fake_fact {
	struct fake_fact *next;
	enum wf_wire_type type;
	struct fake_attempt *a;
	uint64_t cursor;
	char *body;
	int sent;
};

struct ran {
	struct ran *next;
	char *name;
	unsigned times;
};

struct fake_agent {
	struct wf_loop *loop;
	struct wf_os *os;
	struct wf_serve *serve;
	struct rule *rules;
	struct fake_attempt *attempts; /* newest first; kept for ever, it is a test */
	struct fake_fact *facts, **facts_end;
	struct ran *ran;
	char instance[33];
	unsigned life;
	uint64_t mark, cursor, acked, epoch;
	int streaming;
	uint32_t next_pid;
	struct wf_attempt_ref *asked;
	size_t asked_count, asked_cap;
	void (*watch)(const struct fake_seen *a, void *arg);
	void *watch_arg;
	struct fake_counts counts;
};

static const struct rule step_default = { .action = FINISH };
static const struct rule member_default = { .action = HANG };

/* ---- script -------------------------------------------------------------------------------------------- */

static int parse_word(struct rule *r, const char *w, struct wf_err *err)
{
	const char *eq = strchr(w, '=');
	size_t n = eq ? (size_t)(eq - w) : strlen(w);
	const char *v = eq ? eq + 1 : "";
	uint64_t number = strtoull(v, NULL, 10);

	if (strncmp(w, "after", n) == 0 && n == 5)
		r->after_ms = number;
	else if (strncmp(w, "queue", n) == 0 && n == 5)
		r->queue_ms = number;
	else if (strncmp(w, "late", n) == 0 && n == 4)
		r->late_ms = number;
	else if (strncmp(w, "exit", n) == 0 && n == 4)
		r->exit = atoi(v);
	else if (strncmp(w, "result", n) == 0 && n == 6)
		r->result = wf_xstrdup(v);
	else if (strncmp(w, "accept", n) == 0 && n == 6)
		r->accept_ms = number;
	else if (strcmp(w, "stale") == 0)
		r->stale = 1;
	else if (strcmp(w, "twice") == 0)
		r->twice = 1;
	else if (strncmp(w, "pid", n) == 0 && n == 3)
		r->pid = (uint32_t)number;
	else if (strcmp(w, "ready=never") == 0)
		r->never_ready = 1;
	else if (strncmp(w, "ready", n) == 0 && n == 5)
		r->ready_ms = number;
	else if (strcmp(w, "stuck") == 0)
		r->stuck = 1;
	else
		return wf_errf(err, WF_INVALID, "no word '%s' in a fake agent's script", w);
	return 0;
}

static int parse_action(struct rule *r, const char *word, char **save, struct wf_err *err)
{
	static const char *const names[] = { "finish", "fail", "hang", "vanish", "forget", "refuse" };

	for (size_t i = 0; i < WF_COUNT(names); i++) {
		if (!word || strcmp(word, names[i]) != 0)
			continue;
		r->action = (enum action)i;
		if (r->action == FAIL) {
			const char *class = strtok_r(NULL, " \t", save);

			r->class = class ? wf_class_of(class) : -1;
			r->exit = r->class == WF_CLASS_EXIT;
			if (r->class < 0)
				return wf_errf(err, WF_INVALID, "no class '%s'", class ? class : "");
		}
		return 0;
	}
	return wf_errf(err, WF_INVALID, "no action '%s' in a fake agent's script", word ? word : "");
}

/* One rule; NULL with *failed 0 for an empty line. */
static struct rule *parse_line(char *line, int *failed, struct wf_err *err)
{
	char *save = NULL, *name, *slash, *w;
	struct rule *r;

	line[strcspn(line, "#")] = '\0';
	name = strtok_r(line, " \t", &save);
	if (!name)
		return NULL;
	r = wf_xcalloc(1, sizeof(*r));
	r->name = wf_xstrdup(name);
	slash = strrchr(r->name, '/');
	if (slash) {
		*slash = '\0';
		r->attempt = (unsigned)atoi(slash + 1);
	}
	if (*r->name && r->name[strlen(r->name) - 1] == '*') {
		r->prefix = 1;
		r->name[strlen(r->name) - 1] = '\0';
	}
	*failed = parse_action(r, strtok_r(NULL, " \t", &save), &save, err) < 0;
	while (!*failed && (w = strtok_r(NULL, " \t", &save)))
		*failed = parse_word(r, w, err) < 0;
	return r;
}

static int parse(struct fake_agent *f, const char *script, struct wf_err *err)
{
	char *copy = wf_xstrdup(script), *save = NULL;
	struct rule **end = &f->rules;
	int failed = 0;

	for (char *line = strtok_r(copy, "\n", &save); line && !failed; line = strtok_r(NULL, "\n", &save)) {
		struct rule *r = parse_line(line, &failed, err);

		if (r) {
			*end = r;
			end = &r->next;
		}
	}
	free(copy);
	return failed ? -1 : 0;
}

static const struct rule *rule_of(const struct fake_agent *f, const char *name, const struct wf_key *key)
{
	for (const struct rule *r = f->rules; r; r = r->next)
		if ((r->prefix ? strncmp(r->name, name, strlen(r->name)) : strcmp(r->name, name)) == 0 &&
		    (!r->attempt || r->attempt == key->attempt))
			return r;
	return key->kind == WF_KIND_MEMBER ? &member_default : &step_default;
}

/* ---- saying -------------------------------------------------------------------------------------------- */

static void send(struct fake_agent *f, struct wf_buf *b)
{
	wf_serve_send(f->serve, b);
	wf_buf_release(b);
}

static void send_ended(struct fake_agent *f, const struct fake_attempt *a, uint64_t cursor)
{
	struct wf_ended e = { .ref = a->ref, .cursor = cursor, .class = (uint8_t)a->class, .exit = a->exit,
			      .started_ms = a->started_ms, .ended_ms = a->ended_ms,
			      .usage = { .cpu_us = 1000, .max_rss_kib = 1024 },
			      .reason = a->class == WF_CLASS_OK ? NULL : "as the script says",
			      .result = a->class == WF_CLASS_OK ? a->rule->result : NULL };
	struct wf_buf b = { 0 };

	wf_wire_ended(&b, &e, 1);
	send(f, &b);
}

static void send_accepted(struct fake_agent *f, const struct wf_attempt_ref *ref)
{
	struct wf_buf b = { 0 };

	wf_wire_refs(&b, WF_WIRE_ACCEPTED, ref, 1, 0);
	send(f, &b);
}

static void send_running(struct fake_agent *f, const struct fake_attempt *a, uint64_t cursor)
{
	struct wf_running r = { .ref = a->ref, .cursor = cursor, .pid = a->pid, .started_ms = a->started_ms };
	struct wf_buf b = { 0 };

	wf_wire_running(&b, &r, 1);
	send(f, &b);
}

static void send_lost(struct fake_agent *f, const struct wf_attempt_ref *ref, enum wf_lost_why why, uint64_t cursor)
{
	struct wf_lost l = { .ref = *ref, .cursor = cursor, .why = (uint8_t)why, .reason = "as the script says" };
	struct wf_buf b = { 0 };

	wf_wire_lost(&b, &l, 1);
	send(f, &b);
}

static void send_signal(struct fake_agent *f, const struct fake_attempt *a, const char *body, uint64_t cursor)
{
	struct wf_signal s = { .ref = a->ref, .cursor = cursor, .body = body };
	struct wf_buf b = { 0 };

	wf_wire_signal(&b, &s, 1);
	send(f, &b);
}

static void stream(struct fake_agent *f)
{
	for (struct fake_fact *k = f->facts; k && f->streaming; k = k->next) {
		if (k->sent)
			continue;
		k->sent = 1;
		if (k->type == WF_WIRE_RUNNING)
			send_running(f, k->a, k->cursor);
		else if (k->type == WF_WIRE_SIGNAL)
			send_signal(f, k->a, k->body, k->cursor);
		else if (k->type == WF_WIRE_LOST)
			send_lost(f, &k->a->ref, k->a->lost_why, k->cursor);
		else
			send_ended(f, k->a, k->cursor);
		if (k->type == WF_WIRE_ENDED && k->a->rule->twice)
			send_ended(f, k->a, k->cursor);
	}
}

static void fact(struct fake_attempt *a, enum wf_wire_type type, char *body)
{
	struct fake_agent *f = a->f;
	struct fake_fact *k = wf_xcalloc(1, sizeof(*k));

	k->type = type;
	k->a = a;
	k->body = body;
	k->cursor = ++f->cursor;
	*f->facts_end = k;
	f->facts_end = &k->next;
	stream(f);
}

static void signal_event(struct fake_attempt *a, char *body)
{
	free(a->last_signal);
	a->last_signal = wf_xstrdup(body);
	fact(a, WF_WIRE_SIGNAL, body);
}

static struct fake_seen seen(const struct fake_attempt *a)
{
	return (struct fake_seen){ .name = a->name, .ref = a->ref, .member = a->member, .ready = a->ready,
				   .began = a->started_ms != 0, .over = a->phase == ENDING || a->phase == ENDED,
				   .lost = a->lost, .class = a->class, .exit = a->exit };
}

static void tell_watcher(const struct fake_attempt *a)
{
	struct fake_seen s = seen(a);

	if (a->f->watch)
		a->f->watch(&s, a->f->watch_arg);
}

/* ---- playing ------------------------------------------------------------------------------------------- */

static void count_run(struct fake_agent *f, const char *name)
{
	struct ran *r = f->ran;

	while (r && strcmp(r->name, name) != 0)
		r = r->next;
	if (!r) {
		r = wf_xcalloc(1, sizeof(*r));
		r->name = wf_xstrdup(name);
		r->next = f->ran;
		f->ran = r;
	}
	r->times++;
}

static void run(struct wf_timer *t);

static void queue(struct fake_attempt *a)
{
	a->phase = QUEUED;
	a->timer.fn = run;
	if (a->rule->queue_ms)
		wf_timer_start(a->f->loop, &a->timer, a->rule->queue_ms);
	else
		run(&a->timer);
}

/* Attempts of tasks that are under way. */
static uint32_t placed(const struct fake_agent *f)
{
	uint32_t n = 0;

	for (const struct fake_attempt *a = f->attempts; a; a = a->next)
		n += !a->member && !a->gone && a->phase != WAITING && a->phase != ENDED;
	return n;
}

static struct fake_attempt *first_waiting(struct fake_agent *f)
{
	struct fake_attempt *first = NULL;

	for (struct fake_attempt *a = f->attempts; a; a = a->next)
		if (a->phase == WAITING && (!first || a->ref.number < first->ref.number))
			first = a;
	return first;
}

static void fill_places(struct fake_agent *f)
{
	struct fake_attempt *a;

	while ((a = first_waiting(f)) && placed(f) < a->places)
		queue(a);
}

static void report_end(struct wf_timer *t)
{
	struct fake_attempt *a = wf_container_of(t, struct fake_attempt, timer);

	a->phase = ENDED;
	fact(a, WF_WIRE_ENDED, NULL);
	fill_places(a->f);
}

static void end(struct fake_attempt *a, int class, int exit)
{
	wf_timer_stop(a->f->loop, &a->timer);
	wf_timer_stop(a->f->loop, &a->ready_timer);
	a->class = class;
	a->exit = exit;
	a->ended_ms = wf_os_wall_ms(a->f->os);
	a->phase = ENDING;
	tell_watcher(a);
	a->timer.fn = report_end;
	if (a->rule->late_ms)
		wf_timer_start(a->f->loop, &a->timer, a->rule->late_ms);
	else
		report_end(&a->timer);
}

static void on_done(struct wf_timer *t)
{
	struct fake_attempt *a = wf_container_of(t, struct fake_attempt, timer);
	int class = a->rule->action == FAIL ? a->rule->class : WF_CLASS_OK;

	if (a->member)
		signal_event(a, wf_xasprintf("{\"event\":\"failed\",\"generation\":%u,\"reason\":\"as the script says\",\"exit\":%d}",
					     a->ref.key.attempt, a->rule->exit));
	end(a, class, a->rule->exit);
}

static void on_member_ready(struct wf_timer *t)
{
	struct fake_attempt *a = wf_container_of(t, struct fake_attempt, ready_timer);

	a->ready = 1;
	signal_event(a, wf_xasprintf("{\"event\":\"ready\",\"generation\":%u,\"view\":1,\"pid\":%u,\"address\":\"/fake/%s\","
				     "\"endpoint\":{\"unix\":\"/fake/%s\"},\"provides\":{\"FAKE_ADDRESS\":\"/fake/%s\"}}",
				     a->ref.key.attempt, a->pid, a->name, a->name, a->name));
}

static void run_member(struct fake_attempt *a)
{
	signal_event(a, wf_xasprintf("{\"event\":\"launched\",\"generation\":%u,\"pid\":%u}", a->ref.key.attempt, a->pid));
	signal_event(a, wf_xasprintf("{\"event\":\"joining\",\"generation\":%u}", a->ref.key.attempt));
	a->ready_timer.fn = on_member_ready;
	if (!a->rule->never_ready)
		wf_timer_start(a->f->loop, &a->ready_timer, a->rule->ready_ms);
}

static void run(struct wf_timer *t)
{
	struct fake_attempt *a = wf_container_of(t, struct fake_attempt, timer);
	struct fake_agent *f = a->f;

	a->phase = RUNNING;
	a->pid = a->rule->pid ? a->rule->pid : f->next_pid++;
	a->started_ms = wf_os_wall_ms(f->os);
	f->counts.reused += a->rule->pid != 0;
	count_run(f, a->name);
	tell_watcher(a);
	fact(a, WF_WIRE_RUNNING, NULL);
	if (a->member)
		run_member(a);
	a->timer.fn = on_done;
	if (a->rule->action == FINISH || a->rule->action == FAIL)
		wf_timer_start(f->loop, &a->timer, a->rule->after_ms);
}

static struct fake_attempt *find(struct fake_agent *f, uint64_t number)
{
	for (struct fake_attempt *a = f->attempts; a; a = a->next)
		if (a->ref.number == number)
			return a;
	return NULL;
}

/* ---- the engine's messages ----------------------------------------------------------------------------- */

static void reject(struct fake_agent *f, uint64_t number, const char *reason)
{
	struct wf_rejected r = { .number = number, .reason = reason };
	struct wf_buf b = { 0 };

	wf_wire_rejected(&b, &r, 1);
	send(f, &b);
}

static void accept_late(struct wf_timer *t)
{
	struct fake_attempt *a = wf_container_of(t, struct fake_attempt, accept_timer);

	a->f->counts.late++;
	send_accepted(a->f, &a->ref);
}

static void start(struct fake_agent *f, const struct wf_start *s)
{
	const char *name = s->name ? s->name : "";
	const struct rule *r = rule_of(f, name, &s->key);
	struct wf_attempt_ref ref = { .number = s->number, .key = s->key };
	struct fake_attempt *a;

	f->counts.early += !f->streaming;
	if (s->number <= f->mark) {
		reject(f, s->number, "its number is at or below the mark");
		return;
	}
	f->mark = s->number;
	if (r->action == REFUSE) {
		reject(f, s->number, "as the script says");
		return;
	}
	a = wf_xcalloc(1, sizeof(*a));
	a->f = f;
	a->ref = ref;
	a->rule = r;
	a->name = wf_xstrdup(name);
	a->member = s->key.kind == WF_KIND_MEMBER;
	a->next = f->attempts;
	f->attempts = a;
	a->accept_timer.fn = accept_late;
	if (r->accept_ms)
		wf_timer_start(f->loop, &a->accept_timer, r->accept_ms);
	else
		send_accepted(f, &ref);
	a->places = s->places;
	if (s->places)
		fill_places(f);
	else
		queue(a);
}

static void stop_member(struct fake_attempt *a, const char *reason)
{
	signal_event(a, wf_xasprintf("{\"event\":\"leaving\",\"generation\":%u,\"reason\":\"%s\"}", a->ref.key.attempt, reason));
	signal_event(a, wf_xasprintf("{\"event\":\"stopped\",\"generation\":%u,\"reason\":\"%s\"}", a->ref.key.attempt, reason));
}

static void cancel(struct fake_agent *f, const struct wf_cancel *c)
{
	struct fake_attempt *a = find(f, c->ref.number);

	if (!a || a->lost || a->rule->stuck || a->rule->action == VANISH || a->phase > RUNNING)
		return;
	if (a->member && a->phase == RUNNING)
		stop_member(a, "canceled");
	end(a, c->why == WF_CANCEL_TIMEOUT ? WF_CLASS_TIMEOUT : WF_CLASS_CANCELED, 128 + 15);
}

static void lose(struct fake_attempt *a, enum wf_lost_why why)
{
	int was_over = a->phase == ENDING || a->phase == ENDED;

	wf_timer_stop(a->f->loop, &a->timer);
	wf_timer_stop(a->f->loop, &a->ready_timer);
	wf_timer_stop(a->f->loop, &a->accept_timer);
	a->phase = ENDED;
	a->lost = 1;
	a->lost_why = why;
	if (!was_over)
		tell_watcher(a);
	fact(a, WF_WIRE_LOST, NULL);
	fill_places(a->f);
}

static void answer_call(struct fake_agent *f, const struct wf_call *c, const char *outcome, const char *body)
{
	struct wf_result r = { .op_id = c->op_id, .ref = c->ref, .outcome = outcome, .body = body };
	struct wf_buf b = { 0 };

	wf_wire_result(&b, &r, 1);
	send(f, &b);
}

static void call(struct fake_agent *f, const struct wf_call *c)
{
	struct fake_attempt *a = find(f, c->ref.number);

	if (!a) {
		answer_call(f, c, "rejected", "{\"reason\":\"not known\"}");
	} else if (strcmp(c->op, "revoke") == 0) {
		int won = a->phase <= QUEUED;

		answer_call(f, c, won ? "ok" : "rejected", "{}");
		if (won)
			lose(a, WF_LOST_NEVER);
	} else if (!a->member || a->phase != RUNNING) {
		answer_call(f, c, "rejected", "{\"reason\":\"no member is there to carry it out\"}");
	} else if (strcmp(c->op, "stop") == 0) {
		if (a->rule->stuck)
			return;
		stop_member(a, "stop");
		answer_call(f, c, "ok", "{}");
		end(a, WF_CLASS_OK, 0);
	} else {
		answer_call(f, c, "ok", "{}");
	}
}

static void give_up(struct fake_attempt *a)
{
	if (!a)
		return;
	a->gone = 1;
	fill_places(a->f);
}

static void answer(struct fake_agent *f, const struct wf_attempt_ref *ref)
{
	struct fake_attempt *a = find(f, ref->number);

	if (!a || (a->rule->action == FORGET && a->phase != ENDED)) {
		f->counts.denied += a != NULL;
		give_up(a);
		send_lost(f, ref, WF_LOST_NEVER, 0);
	} else if (a->rule->action == VANISH && a->phase == RUNNING) {
		f->counts.vanished++;
		give_up(a);
		send_lost(f, ref, WF_LOST_UNKNOWN, 0);
	} else if (a->phase <= QUEUED || (a->rule->stale && a->phase == RUNNING && !a->member)) {
		f->counts.stale += a->phase == RUNNING;
		send_accepted(f, ref);
	} else if (a->phase != ENDED || (a->rule->stale && !a->lost)) {
		f->counts.stale += a->phase == ENDED;
		send_running(f, a, 0);
		if (a->last_signal && a->phase != ENDED)
			send_signal(f, a, a->last_signal, 0);
	}
}

static void reattach(struct fake_agent *f, const struct wf_frame *fr)
{
	f->asked = wf_grow(f->asked, &f->asked_cap, f->asked_count + fr->count, sizeof(*f->asked));
	if (fr->count)
		memcpy(f->asked + f->asked_count, fr->ref, fr->count * sizeof(*fr->ref));
	f->asked_count += fr->count;
	if (!fr->last)
		return;
	for (size_t i = 0; i < f->asked_count; i++) {
		if (f->asked[i].number > f->mark)
			f->mark = f->asked[i].number;
		answer(f, &f->asked[i]);
	}
	f->asked_count = 0;
	f->streaming = 1;
	stream(f);
}

static void observe(struct fake_agent *f, const struct wf_attempt_ref *ref)
{
	struct fake_attempt *a = find(f, ref->number);
	struct wf_sample s = { .ref = *ref, .usage = { .cpu_us = 500, .max_rss_kib = 1024 } };
	struct wf_buf b = { 0 };

	if (a && a->phase == RUNNING && a->rule->action != VANISH) {
		wf_wire_sample(&b, &s, 1);
		send(f, &b);
	} else if (a && a->phase == ENDED && !a->lost) {
		send_ended(f, a, 0);
	} else {
		send_lost(f, ref, a && a->lost ? a->lost_why : WF_LOST_UNKNOWN, 0);
	}
}

static void acknowledge(struct fake_agent *f, uint64_t cursor)
{
	while (f->facts && f->facts->cursor <= cursor) {
		struct fake_fact *k = f->facts;

		f->facts = k->next;
		if (!f->facts)
			f->facts_end = &f->facts;
		free(k->body);
		free(k);
	}
	if (cursor > f->acked)
		f->acked = cursor;
}

static void on_frame(void *agent, const struct wf_frame *fr)
{
	struct fake_agent *f = agent;

	for (uint32_t i = 0; i < fr->count; i++) {
		if (fr->type == WF_WIRE_START)
			start(f, &fr->start[i]);
		else if (fr->type == WF_WIRE_CANCEL)
			cancel(f, &fr->cancel[i]);
		else if (fr->type == WF_WIRE_CALL)
			call(f, &fr->call[i]);
		else if (fr->type == WF_WIRE_OBSERVE)
			observe(f, &fr->ref[i]);
	}
	if (fr->type == WF_WIRE_REATTACH)
		reattach(f, fr);
	else if (fr->type == WF_WIRE_ACK)
		acknowledge(f, fr->cursor);
}

static void on_hello(void *agent, struct wf_hello *h)
{
	struct fake_agent *f = agent;

	h->role = "fake";
	h->epoch = f->epoch;
	h->instance = f->instance;
	h->host = "fakehost";
	h->boot_id = "fake-boot";
	h->pid_ns = 1;
	h->pid = 1;
	h->cores = 4;
	h->memory = 8ull << 30;
	h->mark = f->mark;
	h->cursor = f->acked + 1;
	h->capabilities = WF_CAP_MEMBERS | WF_CAP_REVOKE;
}

static void on_attached(void *agent, uint64_t epoch)
{
	struct fake_agent *f = agent;

	f->epoch = epoch;
	f->streaming = 0;
	f->asked_count = 0;
	for (struct fake_fact *k = f->facts; k; k = k->next)
		k->sent = 0;
}

static void on_detached(void *agent)
{
	struct fake_agent *f = agent;

	f->streaming = 0;
}

static const struct wf_serve_ops serve_ops = {
	.hello = on_hello,
	.attached = on_attached,
	.frame = on_frame,
	.detached = on_detached,
};

/* ---- life ---------------------------------------------------------------------------------------------- */

void fake_agent_attach(struct fake_agent *f, struct wf_channel *c)
{
	wf_serve_attach(f->serve, c);
}

int fake_agent_listen(struct fake_agent *f, const char *path, struct wf_err *err)
{
	return wf_serve_listen(f->serve, path, err);
}

static void reborn(struct fake_agent *f)
{
	f->life++;
	f->streaming = 0;
	wf_serve_destroy(f->serve);
	f->serve = wf_serve_create(f->loop, &serve_ops, f, f->epoch);
}

void fake_agent_die(struct fake_agent *f)
{
	reborn(f);
	/* Those that wait first: the dead start nobody. */
	for (struct fake_attempt *a = f->attempts; a; a = a->next)
		if (a->phase == WAITING)
			lose(a, WF_LOST_AGENT);
	for (struct fake_attempt *a = f->attempts; a; a = a->next)
		if (a->phase != ENDED)
			lose(a, WF_LOST_AGENT);
}

static void forget_attempts(struct fake_agent *f)
{
	acknowledge(f, UINT64_MAX);
	while (f->attempts) {
		struct fake_attempt *a = f->attempts;

		f->attempts = a->next;
		wf_timer_stop(f->loop, &a->timer);
		wf_timer_stop(f->loop, &a->ready_timer);
		wf_timer_stop(f->loop, &a->accept_timer);
		free(a->name);
		free(a->last_signal);
		free(a);
	}
}

static void name_instance(struct fake_agent *f)
{
	snprintf(f->instance, sizeof(f->instance), "fake-%u", f->life);
}

void fake_agent_forget_all(struct fake_agent *f)
{
	reborn(f);
	forget_attempts(f);
	f->mark = f->cursor = f->acked = 0;
	name_instance(f);
}

void fake_agent_watch(struct fake_agent *f, void (*fn)(const struct fake_seen *a, void *arg), void *arg)
{
	f->watch = fn;
	f->watch_arg = arg;
}

const struct fake_counts *fake_agent_counts(const struct fake_agent *f)
{
	return &f->counts;
}

void fake_agent_mark(struct fake_agent *f, uint64_t mark)
{
	f->mark = mark;
}

size_t fake_agent_live(const struct fake_agent *f)
{
	size_t n = 0;

	for (const struct fake_attempt *a = f->attempts; a; a = a->next)
		n += a->phase != ENDED;
	return n;
}

void fake_agent_each(const struct fake_agent *f, void (*fn)(const struct fake_seen *a, void *arg), void *arg)
{
	for (const struct fake_attempt *a = f->attempts; a; a = a->next) {
		struct fake_seen s = seen(a);

		fn(&s, arg);
	}
}

unsigned fake_agent_ran(const struct fake_agent *f, const char *name)
{
	for (const struct ran *r = f->ran; r; r = r->next)
		if (strcmp(r->name, name) == 0)
			return r->times;
	return 0;
}

size_t fake_agent_unacknowledged(const struct fake_agent *f)
{
	size_t n = 0;

	for (const struct fake_fact *k = f->facts; k; k = k->next)
		n++;
	return n;
}

void fake_agent_destroy(struct fake_agent *f)
{
	if (!f)
		return;
	wf_serve_destroy(f->serve);
	forget_attempts(f);
	while (f->rules) {
		struct rule *r = f->rules;

		f->rules = r->next;
		free(r->name);
		free(r->result);
		free(r);
	}
	while (f->ran) {
		struct ran *r = f->ran;

		f->ran = r->next;
		free(r->name);
		free(r);
	}
	free(f->asked);
	free(f);
}

struct fake_agent *fake_agent_create(struct wf_loop *l, struct wf_os *os, const char *script, struct wf_err *err)
{
	struct fake_agent *f = wf_xcalloc(1, sizeof(*f));

	f->loop = l;
	f->os = os;
	f->facts_end = &f->facts;
	f->next_pid = 1000;
	name_instance(f);
	f->serve = wf_serve_create(l, &serve_ops, f, 0);
	if (parse(f, script ? script : "", err) < 0) {
		fake_agent_destroy(f);
		return NULL;
	}
	return f;
}

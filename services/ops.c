/* ops.c - owns operations: which there are, who waits for which, and their answers; how a member is stopped or asked is host.c's.
 *
 * An operation in this version is stop, health or observe. What a driver lists under `ops` is read, checked and kept, and refused here: "rejected" promises
 * that nothing changed.
 */
#include "services/ops.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/json.h"
#include "engine/base/log.h"
#include "services/host.h"

enum {
	ANSWERS_MAX = 1024,            /* kept; the oldest go first */
	HEALTH_MS = 5000,
};

struct answer {
	uint64_t op_id;                /* 0: unused */
	json_t *line;                  /* NULL: under way */
	const struct op *op;
};

struct ops {
	struct host *host;
	json_t *driver_ops;
	void (*send)(void *arg, json_t *take_line);
	void *arg;
	struct answer answers[ANSWERS_MAX];
	size_t next;                   /* the oldest, to be used again */
};

struct op {
	const char *name;
	void (*begin)(struct ops *o, struct answer *a, json_t *args, int64_t deadline_ms);
};

static void finish(struct ops *o, struct answer *a, const char *outcome, json_t *result_new, const char *reason)
{
	a->line = json_pack("{s:I,s:s}", "op_id", (json_int_t)a->op_id, "outcome", outcome);
	if (result_new)
		json_object_set_new(a->line, "result", result_new);
	if (reason)
		json_object_set_new(a->line, "reason", wf_json_text(reason, strlen(reason)));
	o->send(o->arg, json_incref(a->line));
}

/* ---- the operations ---------------------------------------------------------------------------------- */

static void begin_stop(struct ops *o, struct answer *a, json_t *args, int64_t deadline_ms)
{
	const char *reason = json_string_value(json_object_get(args, "reason"));

	(void)a;
	host_stop(o->host, deadline_ms, reason ? reason : "asked to stop");
}

static void begin_health(struct ops *o, struct answer *a, json_t *args, int64_t deadline_ms)
{
	(void)a;
	(void)args;
	host_ask_health(o->host, deadline_ms > 0 ? deadline_ms : HEALTH_MS);
}

static void begin_observe(struct ops *o, struct answer *a, json_t *args, int64_t deadline_ms)
{
	(void)args;
	(void)deadline_ms;
	finish(o, a, "ok", host_describe(o->host), NULL);
}

static const struct op table[] = {
	{ .name = "stop", .begin = begin_stop },
	{ .name = "health", .begin = begin_health },
	{ .name = "observe", .begin = begin_observe },
};

static const struct op *find_op(const char *name)
{
	for (size_t i = 0; i < WF_COUNT(table); i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

void ops_stopped(struct ops *o, int all_gone, const char *reason)
{
	for (size_t i = 0; i < ANSWERS_MAX; i++) {
		struct answer *a = &o->answers[i];

		if (!a->op_id || a->line)
			continue;
		if (strcmp(a->op->name, "stop") != 0)
			finish(o, a, "rejected", NULL, "the member has ended");
		else
			finish(o, a, all_gone ? "ok" : "unknown", NULL, reason);
	}
}

void ops_health(struct ops *o, int passed, const char *text)
{
	for (size_t i = 0; i < ANSWERS_MAX; i++) {
		struct answer *a = &o->answers[i];

		if (a->op_id && !a->line && strcmp(a->op->name, "health") == 0)
			finish(o, a, "ok", json_pack("{s:b}", "healthy", passed), text && *text ? text : NULL);
	}
}

/* ---- taking them ------------------------------------------------------------------------------------- */

static struct answer *find(struct ops *o, uint64_t op_id)
{
	for (size_t i = 0; i < ANSWERS_MAX; i++)
		if (o->answers[i].op_id == op_id)
			return &o->answers[i];
	return NULL;
}

/* A place for one more; one that is under way is never given up. */
static struct answer *make(struct ops *o, uint64_t op_id)
{
	for (size_t tries = 0; tries < ANSWERS_MAX; tries++) {
		struct answer *a = &o->answers[o->next];

		o->next = (o->next + 1) % ANSWERS_MAX;
		if (a->op_id && !a->line)
			continue;
		json_decref(a->line);
		memset(a, 0, sizeof(*a));
		a->op_id = op_id;
		return a;
	}
	return NULL;
}

void ops_take(struct ops *o, json_t *line)
{
	int64_t op_id = 0, deadline_ms = 0;
	const char *name = "";
	const struct op *op;
	struct answer *a;
	char *why;

	if (wf_json_int(line, "op_id", 1, &op_id, NULL) < 0 || op_id <= 0) {
		wf_log(WF_LOG_WARN, "a line on the control socket has no op_id, ignoring");
		return;
	}
	wf_json_str(line, "op", 0, &name, NULL);
	wf_json_int(line, "deadline_ms", 0, &deadline_ms, NULL);
	a = find(o, (uint64_t)op_id);
	if (a) {
		if (a->line)
			o->send(o->arg, json_incref(a->line));
		return;
	}
	a = make(o, (uint64_t)op_id);
	if (!a) {
		o->send(o->arg, json_pack("{s:I,s:s,s:I,s:s}", "op_id", (json_int_t)op_id, "outcome", "retry", "after",
					  (json_int_t)1000, "reason", "too many operations are under way"));
		return;
	}
	op = find_op(name);
	if (op) {
		a->op = op;
		op->begin(o, a, json_object_get(line, "args"), deadline_ms > 0 ? deadline_ms : 0);
		return;
	}
	why = json_object_get(o->driver_ops, name)
		      ? wf_xasprintf("operation '%.60s' is not carried out in this version", name)
		      : wf_xasprintf("unknown operation '%.60s'", name);
	finish(o, a, "rejected", NULL, why);
	free(why);
}

void ops_declare(struct ops *o, json_t *driver_ops)
{
	o->driver_ops = driver_ops;
}

struct ops *ops_create(struct host *h, void (*send)(void *arg, json_t *take_line), void *arg)
{
	struct ops *o = wf_xcalloc(1, sizeof(*o));

	o->host = h;
	o->send = send;
	o->arg = arg;
	return o;
}

void ops_destroy(struct ops *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < ANSWERS_MAX; i++)
		json_decref(o->answers[i].line);
	free(o);
}

/* probe.c - owns a round of asking: all, any, the limit, the one answer. How one kind asks is in probe_<kind>.c; when to ask
 * again is host.c's. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "engine/base/json.h"
#include "services/probe_internal.h"
#include "services/render.h"

static const struct probe_kind *const kinds[] = { &probe_exit, &probe_tcp, &probe_unix, &probe_http,
						  &probe_resp, &probe_file, &probe_log, &probe_exec };

/* ---- what a round makes of its parts ----------------------------------------------------------------- */

static void stop_asking(struct probe *p)
{
	for (size_t i = 0; i < p->count; i++)
		stop_asking(p->parts[i]);
	if (p->kind && p->state == PROBE_ASKING)
		p->kind->stop(p);
	if (p->state == PROBE_ASKING)
		p->state = PROBE_IDLE;
}

static void describe(const struct probe *p, struct wf_buf *out)
{
	int told = 0;

	if (p->kind) {
		wf_buf_printf(out, "%s: %s", p->title, p->state == PROBE_IDLE ? "no answer yet" : p->answer);
		return;
	}
	for (size_t i = 0; i < p->count; i++) {
		/* Of `all` the parts that passed are not what one wants to know. */
		if (!p->any && p->parts[i]->state == PROBE_PASSED)
			continue;
		if (told++)
			wf_buf_str(out, "; ");
		describe(p->parts[i], out);
	}
}

static void settle(struct probe *p, enum probe_state state)
{
	p->state = state;
	if (!p->parent) {
		for (size_t i = 0; i < p->count; i++)
			stop_asking(p->parts[i]);
		wf_timer_stop(p->ctx->loop, &p->limit);
		wf_timer_start(p->ctx->loop, &p->soon, 0);
		return;
	}
	p = p->parent;
	if (p->state != PROBE_ASKING)
		return;
	if (state == (p->any ? PROBE_PASSED : PROBE_MISSED)) {
		for (size_t i = 0; i < p->count; i++)
			stop_asking(p->parts[i]);
		settle(p, state);
		return;
	}
	for (size_t i = 0; i < p->count; i++)
		if (p->parts[i]->state != state)
			return;
	settle(p, state);
}

void probe_answer(struct probe *p, int passed, const char *fmt, ...)
{
	va_list ap;

	if (p->state != PROBE_ASKING)
		return;
	va_start(ap, fmt);
	vsnprintf(p->answer, sizeof(p->answer), fmt, ap);
	va_end(ap);
	settle(p, passed ? PROBE_PASSED : PROBE_MISSED);
}

static void on_soon(struct wf_timer *t)
{
	struct probe *p = wf_container_of(t, struct probe, soon);
	struct wf_buf text = { 0 };
	int passed = p->state == PROBE_PASSED;

	describe(p, &text);
	p->state = PROBE_IDLE;
	p->on_answer(p->arg, passed, wf_buf_cstr(&text));
	wf_buf_release(&text);
}

static void give_up(struct probe *p, int64_t limit_ms)
{
	if (p->state != PROBE_ASKING)
		return;
	for (size_t i = 0; i < p->count; i++)
		give_up(p->parts[i], limit_ms);
	if (!p->kind || p->state != PROBE_ASKING)
		return;
	p->kind->stop(p);
	p->state = PROBE_MISSED;
	snprintf(p->answer, sizeof(p->answer), "no answer in %lld ms", (long long)limit_ms);
}

static void on_limit(struct wf_timer *t)
{
	struct probe *p = wf_container_of(t, struct probe, limit);

	give_up(p, p->limit_ms);
	settle(p, PROBE_MISSED);
}

/* Settling reads the states of all parts: all of them are asking before the first may answer. */
static void mark(struct probe *p)
{
	p->state = PROBE_ASKING;
	for (size_t i = 0; i < p->count; i++)
		mark(p->parts[i]);
}

static void ask(struct probe *p)
{
	if (p->kind && p->state == PROBE_ASKING)
		p->kind->start(p);
	for (size_t i = 0; i < p->count && p->state == PROBE_ASKING; i++)
		if (p->parts[i]->state == PROBE_ASKING)
			ask(p->parts[i]);
}

void probe_ask(struct probe *p, int64_t limit_ms, void (*on_answer)(void *arg, int passed, const char *text), void *arg)
{
	probe_stop(p);
	p->on_answer = on_answer;
	p->arg = arg;
	p->limit_ms = limit_ms;
	p->limit.fn = on_limit;
	p->soon.fn = on_soon;
	wf_timer_start(p->ctx->loop, &p->limit, (uint64_t)limit_ms);
	mark(p);
	ask(p);
}

void probe_stop(struct probe *p)
{
	if (!p)
		return;
	stop_asking(p);
	p->state = PROBE_IDLE;
	wf_timer_stop(p->ctx->loop, &p->limit);
	wf_timer_stop(p->ctx->loop, &p->soon);
}

/* ---- what an answer is worth ------------------------------------------------------------------------- */

const char *probe_value(const struct probe *p)
{
	return json_string_value(json_object_get(p->json, p->kind->name));
}

/* What the server said, fit for one line. */
static const char *shown(const char *text, size_t n, char *to, size_t size)
{
	size_t i;

	for (i = 0; i < n && i + 1 < size; i++)
		to[i] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i];
	to[i] = '\0';
	return to;
}

void probe_expect(struct probe *p, const char *text, size_t n, enum probe_match how)
{
	json_t *expect = json_object_get(p->json, "expect");
	char said[120], *want;

	shown(text, n, said, sizeof(said));
	if (!expect) {
		probe_answer(p, 1, "'%s'", said);
		return;
	}
	want = render_word(expect);
	if (how == PROBE_EQUAL ? strlen(want) == n && memcmp(want, text, n) == 0 : !!memmem(text, n, want, strlen(want)))
		probe_answer(p, 1, "'%s'", said);
	else
		probe_answer(p, 0, "'%s', expected '%.100s'", said, want);
	free(want);
}

static json_t *follow(json_t *v, const char *path)
{
	while (v && *path) {
		size_t n = strcspn(path, ".");

		if (json_is_array(v))
			v = json_array_get(v, strtoul(path, NULL, 10));
		else
			v = json_object_getn(v, path, n);
		path += n;
		path += *path == '.';
	}
	return v;
}

void probe_expect_json(struct probe *p, const char *text, size_t n)
{
	char *path = render_word(json_object_get(p->json, "path")), *word;
	struct wf_err err;
	json_t *v = wf_json_parse(text, n, &err), *at;

	at = v ? follow(v, path) : NULL;
	if (!v) {
		probe_answer(p, 0, "no JSON: %s", err.text);
	} else if (!at) {
		probe_answer(p, 0, "no '%.100s' in it", path);
	} else {
		word = render_word(at);
		probe_expect(p, word, strlen(word), PROBE_EQUAL);
		free(word);
	}
	json_decref(v);
	free(path);
}

/* ---- exit: the member's first process has ended as it should ------------------------------------------ */

static void exit_start(struct probe *p)
{
	int want = (int)json_integer_value(json_object_get(p->json, "exit"));

	if (!p->ctx->main_ended)
		probe_answer(p, 0, "the command is still running");
	else if (WIFEXITED(p->ctx->main_status) && WEXITSTATUS(p->ctx->main_status) == want)
		probe_answer(p, 1, "the command ended");
	else
		probe_answer(p, 0, "the command ended with %s %d", WIFEXITED(p->ctx->main_status) ? "exit code" : "signal",
			     WIFEXITED(p->ctx->main_status) ? WEXITSTATUS(p->ctx->main_status) : WTERMSIG(p->ctx->main_status));
}

static void exit_stop(struct probe *p)
{
	(void)p;
}

const struct probe_kind probe_exit = {
	.name = "exit",
	.start = exit_start,
	.stop = exit_stop,
};

/* ---- life -------------------------------------------------------------------------------------------- */

static int make_parts(struct probe *p, json_t *list, struct wf_err *err)
{
	json_t *item;
	size_t i;

	p->parts = wf_xcalloc(json_array_size(list), sizeof(struct probe *));
	json_array_foreach (list, i, item) {
		struct probe *part = probe_create(p->ctx, item, err);

		if (!part)
			return -1;
		part->parent = p;
		p->parts[p->count++] = part;
	}
	return 0;
}

static char *title_of(const struct probe_kind *k, json_t *value)
{
	struct wf_buf b = { 0 };
	size_t i;
	json_t *word;

	wf_buf_str(&b, k->name);
	if (!json_is_array(value)) {
		char *text = render_word(value);

		wf_buf_printf(&b, " %s", text);
		free(text);
	}
	json_array_foreach (value, i, word) {
		char *text = render_word(word);

		/* The first two words name the command; what follows may be a secret. */
		if (i < 2)
			wf_buf_printf(&b, " %s", text);
		free(text);
	}
	return wf_buf_take(&b);
}

struct probe *probe_create(const struct probe_ctx *ctx, json_t *rendered, struct wf_err *err)
{
	struct probe *p = wf_xcalloc(1, sizeof(*p));
	json_t *list = json_object_get(rendered, "all");

	p->ctx = ctx;
	p->json = json_incref(rendered);
	if (!list) {
		list = json_object_get(rendered, "any");
		p->any = !!list;
	}
	if (list) {
		if (make_parts(p, list, err) < 0)
			goto error;
		return p;
	}
	for (size_t i = 0; i < WF_COUNT(kinds) && !p->kind; i++)
		if (json_object_get(rendered, kinds[i]->name))
			p->kind = kinds[i];
	if (!p->kind) {
		wf_errf(err, WF_INVALID, "a probe of this kind is missing in this version");
		goto error;
	}
	p->title = title_of(p->kind, json_object_get(rendered, p->kind->name));
	if (p->kind->create && p->kind->create(p, err) < 0) {
		wf_err_wrap(err, "%s", p->title);
		goto error;
	}
	return p;
error:
	probe_destroy(p);
	return NULL;
}

void probe_destroy(struct probe *p)
{
	if (!p)
		return;
	probe_stop(p);
	for (size_t i = 0; i < p->count; i++)
		probe_destroy(p->parts[i]);
	if (p->kind && p->kind->destroy)
		p->kind->destroy(p);
	json_decref(p->json);
	free(p->parts);
	free(p->title);
	free(p);
}

int probe_has(const struct probe *p, const char *kind)
{
	if (!p)
		return 0;
	if (p->kind)
		return strcmp(p->kind->name, kind) == 0;
	for (size_t i = 0; i < p->count; i++)
		if (probe_has(p->parts[i], kind))
			return 1;
	return 0;
}

int64_t probe_time(json_t *rendered, const char *key, int64_t otherwise)
{
	const char *s = json_string_value(json_object_get(rendered, key));
	int64_t ms;

	return s && wdf_time_parse(s, &ms, NULL) == 0 ? ms : otherwise;
}

/* logs.c - owns reading output by offset: the tail, the rest, and what is still being written. */
#include "cli/logs.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "cli/field.h"
#include "cli/runs.h"
#include "engine/base/hash.h"

enum {
	PIECE = 1 << 20,
	TAIL_FIRST = 64 << 10,          /* bytes from the end that are tried first for --tail */
	TAIL_MOST = 256 << 20,
	WAIT_S = 30,
	LOOK_MS = 500,
};

static int piece(struct log_reader *r, const char *task, int64_t attempt, int64_t offset, int64_t limit, int wait_s,
		 struct wf_buf *out, struct log_piece *p, struct wf_err *err)
{
	struct wf_buf url = { 0 };
	int rc;

	url_path(&url, "runs", r->run, "tasks", task, "log", NULL);
	if (r->stream_stderr)
		url_query(&url, "stream", "stderr");
	if (attempt)
		url_number(&url, "attempt", attempt);
	url_number(&url, "offset", offset);
	url_number(&url, "limit", limit);
	if (wait_s)
		url_number(&url, "wait", wait_s);
	rc = client_log(r->client, &url, out, p, err);
	wf_buf_release(&url);
	return rc;
}

static void print(struct log_reader *r, const char *p, size_t n)
{
	out_bytes(r->out, p, n);
	if (n)
		r->mid_line = p[n - 1] != '\n';
}

/* Where the last `lines` lines of text begin. */
static size_t tail_of(const char *text, size_t n, int64_t lines)
{
	size_t i = n;

	if (i && text[i - 1] == '\n')
		i--;
	while (i) {
		if (text[i - 1] == '\n' && --lines <= 0)
			return i;
		i--;
	}
	return lines > 0 ? 0 : n;
}

/* Print the tail and say where it ended: twice as much is read until enough lines are in it. */
static int print_tail(struct log_reader *r, const char *task, int64_t attempt, struct log_piece *p, struct wf_err *err)
{
	struct wf_buf b = { 0 };
	int64_t n = TAIL_FIRST;
	int rc;

	for (;; n *= 4) {
		size_t at, had = 0;

		wf_buf_clear(&b);
		rc = piece(r, task, attempt, -n, n < PIECE ? n : PIECE, 0, &b, p, err);
		/* One answer holds so much and no more. */
		while (rc == 0 && b.len > had && (int64_t)b.len < n) {
			had = b.len;
			rc = piece(r, task, attempt, p->next, PIECE, 0, &b, p, err);
		}
		if (rc < 0)
			break;
		at = r->tail ? tail_of(wf_buf_cstr(&b), b.len, r->tail) : b.len;
		if (at || (int64_t)b.len < n || n >= TAIL_MOST) {
			print(r, wf_buf_cstr(&b) + at, b.len - at);
			break;
		}
	}
	wf_buf_release(&b);
	return rc;
}

/* From p->next to where the log ends now. */
static int print_rest(struct log_reader *r, const char *task, int64_t attempt, struct log_piece *p, struct wf_err *err)
{
	struct wf_buf b = { 0 };
	int rc;

	do {
		wf_buf_clear(&b);
		rc = piece(r, task, attempt, p->next, PIECE, 0, &b, p, err);
		if (rc == 0)
			print(r, wf_buf_cstr(&b), b.len);
	} while (rc == 0 && b.len && !p->complete);
	wf_buf_release(&b);
	return rc;
}

int log_print(struct log_reader *r, const char *task, struct wf_err *err)
{
	struct log_piece p = { 0 };

	return r->tail >= 0 ? print_tail(r, task, r->attempt, &p, err) : print_rest(r, task, r->attempt, &p, err);
}

static json_t *get_task(struct log_reader *r, const char *task, struct wf_err *err)
{
	struct wf_buf url = { 0 };
	json_t *doc;

	url_path(&url, "runs", r->run, "tasks", task, NULL);
	doc = client_get(r->client, &url, err);
	wf_buf_release(&url);
	return doc;
}

static int is_ended(const char *state)
{
	return strcmp(state, "succeeded") == 0 || strcmp(state, "failed") == 0 || strcmp(state, "skipped") == 0 ||
	       strcmp(state, "canceled") == 0;
}

/* One attempt to its end. */
static int follow_attempt(struct log_reader *r, const char *task, int64_t attempt, int first, struct wf_err *err)
{
	struct log_piece p = { 0 };
	struct wf_buf b = { 0 };
	int rc = 0;

	if (first && r->tail >= 0)
		rc = print_tail(r, task, attempt, &p, err);
	while (rc == 0 && !p.complete) {
		wf_buf_clear(&b);
		rc = piece(r, task, attempt, p.next, PIECE, WAIT_S, &b, &p, err);
		if (rc == 0)
			print(r, wf_buf_cstr(&b), b.len);
		fflush(stdout);
	}
	wf_buf_release(&b);
	return rc;
}

int log_follow(struct log_reader *r, const char *task, struct wf_err *err)
{
	int64_t seen = 0;
	int rc = 0, ended = 0;

	if (r->attempt)
		return follow_attempt(r, task, r->attempt, 1, err);
	while (rc == 0) {
		json_t *t = get_task(r, task, err);
		int64_t attempt = t ? field_int(t, "attempt") : 0;

		if (!t)
			return -1;
		ended = is_ended(field_str(t, "state"));
		json_decref(t);
		if (attempt > seen) {
			if (seen)
				out_say(r->out, "%s: attempt %lld", task, (long long)attempt);
			rc = follow_attempt(r, task, attempt, !seen, err);
			seen = attempt;
		} else if (ended) {
			break;
		} else {
			poll(NULL, 0, LOOK_MS);
		}
	}
	return rc;
}

/* ---- many at once ---------------------------------------------------------------------------------------- */

struct strand {
	char *task;
	int64_t attempt, next;
	int complete;
	struct wf_buf rest;             /* a line that has not ended yet */
};

struct strands {
	struct strand *items;
	size_t count, cap;
	struct wf_strmap by_task;
};

static void print_lines(struct log_reader *r, struct strand *s, int all)
{
	const char *p = wf_buf_cstr(&s->rest), *end = p + s->rest.len, *nl;
	struct wf_buf rest = { 0 };

	while (p < end && ((nl = memchr(p, '\n', (size_t)(end - p))) || all)) {
		size_t n = nl ? (size_t)(nl - p) : (size_t)(end - p);

		printf("%s%s |%s ", term_on(&r->out->screen, DIM), s->task, term_off(&r->out->screen, DIM));
		fwrite(p, 1, n, stdout);
		putchar('\n');
		p += n + (nl != NULL);
	}
	wf_buf_add(&rest, p, (size_t)(end - p));
	wf_buf_release(&s->rest);
	s->rest = rest;
}

static int read_strand(struct log_reader *r, struct strand *s, struct wf_err *err)
{
	struct log_piece p = { .next = s->next };
	size_t before;

	do {
		before = s->rest.len;
		if (piece(r, s->task, s->attempt, p.next, PIECE, 0, &s->rest, &p, err) < 0)
			return err->code == WF_NOT_FOUND ? 0 : -1;
		before = s->rest.len - before;
		s->next = p.next;
		s->complete = p.complete;
		print_lines(r, s, s->complete);
	} while (before && !s->complete);
	return 0;
}

static struct strand *strand_of(struct strands *all, const char *task)
{
	uint32_t i = wf_strmap_get(&all->by_task, task);

	if (i == WF_STRMAP_NONE) {
		i = (uint32_t)all->count;
		all->items = wf_grow(all->items, &all->cap, all->count + 1, sizeof(*all->items));
		memset(&all->items[i], 0, sizeof(*all->items));
		all->items[all->count++].task = wf_xstrdup(task);
		wf_strmap_set(&all->by_task, all->items[i].task, i);
	}
	return &all->items[i];
}

/* Look at every task that has begun and is not yet printed to its end. */
static int sweep(struct log_reader *r, struct strands *all, const char *step, struct wf_err *err)
{
	struct wf_buf url = { 0 };
	char *next = NULL;
	int rc = 0;

	do {
		json_t *doc, *task;
		size_t i;

		url_path(&url, "runs", r->run, "tasks", NULL);
		url_query(&url, "step", step);
		url_query(&url, "page_token", next);
		free(next);
		next = NULL;
		doc = client_get(r->client, &url, err);
		if (!doc) {
			rc = -1;
			break;
		}
		json_array_foreach(json_object_get(doc, "items"), i, task) {
			int64_t attempt = field_int(task, "attempt");
			struct strand *s;

			if (!attempt)
				continue;
			s = strand_of(all, field_str(task, "id"));
			if (attempt != s->attempt) {
				print_lines(r, s, 1);
				s->attempt = attempt;
				s->next = 0;
				s->complete = 0;
			}
			if (!s->complete && (rc = read_strand(r, s, err)) < 0)
				break;
		}
		if (field_has(doc, "next"))
			next = wf_xstrdup(field_str(doc, "next"));
		json_decref(doc);
	} while (rc == 0 && next && *next);
	free(next);
	wf_buf_release(&url);
	fflush(stdout);
	return rc;
}

int log_follow_all(struct log_reader *r, const char *step, struct wf_err *err)
{
	struct strands all = { 0 };
	int rc = 0, ended = 0;

	while (rc == 0 && !ended) {
		/* Asked before the sweep: what was printed before the end is then seen by it. */
		json_t *run = run_get(r->client, r->run, NULL, err);

		if (!run) {
			rc = -1;
			break;
		}
		ended = run_is_ended(run);
		json_decref(run);
		rc = sweep(r, &all, step, err);
		if (rc == 0 && !ended)
			poll(NULL, 0, LOOK_MS);
	}
	for (size_t i = 0; i < all.count; i++) {
		print_lines(r, &all.items[i], 1);
		wf_buf_release(&all.items[i].rest);
		free(all.items[i].task);
	}
	free(all.items);
	wf_strmap_release(&all.by_task);
	return rc;
}

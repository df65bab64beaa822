/* live.c - owns the live view of a run: what stands on the screen and when it is drawn again.
 *
 * On a terminal: a head, a bar, what needs a person, one line per step (failed first), never more lines than the screen has, redrawn at most
 * four times a second. Elsewhere: a line when something changed, ten seconds or more after the last one, and one at the end.
 */
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/field.h"
#include "cli/runs.h"
#include "cli/show.h"
#include "engine/base/os.h"

enum {
	DRAW_MS = 250,
	LINE_MS = 10000,
	BAR = 20,
	NAME_MAX_COLUMNS = 28,
	ATTENTION_MAX = 3,
};

#define HIDE_CURSOR "\033[?25l"
#define SHOW_CURSOR "\033[?25h"

struct live {
	struct client *client;
	struct out *out;
	int lines;                      /* drawn, above the cursor */
	int64_t drawn_ms;               /* monotonic; 0: nothing yet */
	const char *note;               /* about the engine, under the head */
	/* the line being put together */
	struct wf_buf canvas;
	int column;
	int rows;
};

/* ---- a canvas that never passes the right edge ----------------------------------------------------------- */

static void put(struct live *l, enum style style, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void put(struct live *l, enum style style, const char *fmt, ...)
{
	const struct term *t = &l->out->screen;
	struct wf_buf clean = { 0 };
	char *raw = NULL;
	size_t room = t->width > l->column + 1 ? (size_t)(t->width - 1 - l->column) : 0, n;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&raw, fmt, ap) < 0)
		wf_out_of_memory(0);
	va_end(ap);
	text_visible(&clean, raw);
	free(raw);
	n = text_fit(wf_buf_cstr(&clean), room);
	wf_buf_str(&l->canvas, term_on(t, style));
	wf_buf_add(&l->canvas, wf_buf_cstr(&clean), n);
	wf_buf_str(&l->canvas, term_off(t, style));
	clean.data[n] = '\0';
	l->column += (int)text_width(clean.data);
	wf_buf_release(&clean);
}

static void end_row(struct live *l)
{
	wf_buf_str(&l->canvas, "\033[K\n");
	l->column = 0;
	l->rows++;
}

/* Move to the top of what was drawn, draw over it, and clear what the last picture had below. */
static void flip(struct live *l)
{
	fflush(stdout);
	if (l->lines)
		printf("\033[%dA", l->lines);
	printf("\r%s\033[J", wf_buf_cstr(&l->canvas));
	fflush(stdout);
	l->lines = l->rows;
	l->drawn_ms = wf_os_mono_ms(wf_os_posix());
}

/* ---- pieces ------------------------------------------------------------------------------------------------ */

static void cells(struct live *l, enum style style, const char *utf8, const char *ascii, int64_t n)
{
	struct wf_buf b = { 0 };

	for (int64_t i = 0; i < n; i++)
		wf_buf_str(&b, l->out->screen.utf8 ? utf8 : ascii);
	if (n > 0)
		put(l, style, "%s", wf_buf_cstr(&b));
	wf_buf_release(&b);
}

/* Succeeded, failed, under way, not yet; whatever there is at all gets at least one cell. */
static void bar(struct live *l, json_t *counts, int64_t total, int width)
{
	int64_t failed = field_int(counts, "failed"), done = counts_done(counts) - failed;
	int64_t live = field_int(counts, "running") + field_int(counts, "canceling");
	int64_t n_failed, n_done, n_live;

	if (total <= 0)
		total = 1;
	n_failed = failed ? (failed * width + total - 1) / total : 0;
	n_live = live ? (live * width + total - 1) / total : 0;
	n_done = done * width / total;
	if (n_failed > width)
		n_failed = width;
	if (n_done > width - n_failed)
		n_done = width - n_failed;
	if (n_live > width - n_failed - n_done)
		n_live = width - n_failed - n_done;
	cells(l, GOOD, "\xe2\x96\x88", "#", n_done);
	cells(l, BAD, "\xe2\x96\x88", "x", n_failed);
	cells(l, LIVE, "\xe2\x96\x92", ">", n_live);
	cells(l, DIM, "\xe2\x96\x91", ".", width - n_done - n_failed - n_live);
}

/* What is left, from what is done and how long that took; steps that declared a time count by it. -1: too early to
 * say. */
static int64_t eta_ms(json_t *run, json_t *steps)
{
	int64_t elapsed = run_elapsed(run);
	double done = 0, all = 0;
	size_t i;
	json_t *s;

	json_array_foreach(steps, i, s) {
		int64_t ms = field_int(s, "time_ms");
		double weight = ms > 0 ? (double)ms : 1;

		if (!field_has(s, "count"))
			return -1;
		done += weight * (double)counts_done(json_object_get(s, "counts"));
		all += weight * (double)field_int(s, "count");
	}
	if (elapsed < 1000 || done < all / 20 || done >= all)
		return -1;
	return (int64_t)((double)elapsed * (all - done) / done);
}

static void head(struct live *l, json_t *run, json_t *steps)
{
	const char *state = field_str(run, "state");
	json_t *counts = json_object_get(run, "counts");
	int64_t elapsed = run_elapsed(run), eta = run_is_ended(run) ? -1 : eta_ms(run, steps), total;
	struct wf_buf words = { 0 };
	char text[24];

	total = field_int(counts, "total");
	put(l, BOLD, "%s", field_str(run, "name"));
	put(l, DIM, " %s ", run_short(run));
	put(l, style_of(state), "%s", state);
	if (elapsed >= 0)
		put(l, PLAIN, " %s", text_duration(elapsed, text));
	if (eta >= 0)
		put(l, DIM, ", about %s left", text_duration(eta, text));
	end_row(l);
	bar(l, counts, total, 2 * BAR);
	put(l, PLAIN, " %lld/%lld", (long long)counts_done(counts), (long long)total);
	end_row(l);
	counts_words(counts, 1, &words);
	put(l, DIM, "%s", wf_buf_cstr(&words));
	wf_buf_release(&words);
	end_row(l);
	if (l->note) {
		put(l, WARN, "%s", l->note);
		end_row(l);
	}
}

static void attention(struct live *l, json_t *items)
{
	size_t i;
	json_t *a;

	json_array_foreach(items, i, a) {
		struct wf_buf b = { 0 };

		if (i == ATTENTION_MAX)
			break;
		attention_words(a, &b);
		put(l, BAD, "! %s", wf_buf_cstr(&b));
		end_row(l);
		wf_buf_release(&b);
	}
}

/* Smaller comes first on the screen. */
static int rank(const char *state)
{
	static const char *const order[] = { "failed",  "held",       "unknown", "canceling", "running", "queued",
					     "submitting", "ready", "waiting",   "succeeded", "skipped", "canceled" };

	for (size_t i = 0; i < WF_COUNT(order); i++)
		if (strcmp(order[i], state) == 0)
			return (int)i;
	return (int)WF_COUNT(order);
}

struct row {
	json_t *step;
	const char *state;
	size_t at;
};

static int by_rank(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int d = rank(x->state) - rank(y->state);

	return d ? d : x->at < y->at ? -1 : 1;
}

static void step_row(struct live *l, const struct row *r, int name_width)
{
	json_t *counts = json_object_get(r->step, "counts");
	const char *name = field_str(r->step, "step");
	int64_t count = field_int(r->step, "count");
	size_t n = text_fit(name, (size_t)name_width);
	struct wf_buf words = { 0 };

	put(l, style_of(r->state), "%s ", glyph_of(&l->out->screen, r->state));
	put(l, PLAIN, "%.*s%*s ", (int)n, name, name_width - (int)text_width(name) > 0 ? name_width - (int)text_width(name) : 0,
	    "");
	put(l, style_of(r->state), "%-10s ", r->state);
	bar(l, counts, count, BAR);
	if (field_has(r->step, "count"))
		put(l, PLAIN, " %lld/%lld ", (long long)counts_done(counts), (long long)count);
	else
		put(l, PLAIN, " ?");
	/* How many succeeded is said by the numbers before. */
	counts_words(counts, 0, &words);
	if (count > 1)
		put(l, DIM, " %s", wf_buf_cstr(&words));
	wf_buf_release(&words);
	end_row(l);
}

static void step_rows(struct live *l, json_t *steps, int room)
{
	size_t n = json_array_size(steps), shown;
	struct row *rows = wf_xcalloc(n, sizeof(*rows));
	int width = 4;

	for (size_t i = 0; i < n; i++) {
		json_t *s = json_array_get(steps, i);
		int w = (int)text_width(field_str(s, "step"));

		rows[i] = (struct row){ .step = s, .state = step_state(json_object_get(s, "counts")), .at = i };
		if (w > width)
			width = w < NAME_MAX_COLUMNS ? w : NAME_MAX_COLUMNS;
	}
	qsort(rows, n, sizeof(*rows), by_rank);
	shown = room < 1 ? 0 : n <= (size_t)room ? n : (size_t)room - 1;
	for (size_t i = 0; i < shown; i++)
		step_row(l, &rows[i], width);
	if (shown < n && room >= 1) {
		put(l, DIM, "  and %zu more steps", n - shown);
		end_row(l);
	}
	free(rows);
}

static void service_row(struct live *l, json_t *items)
{
	size_t i, shown = 0;
	json_t *s;

	if (!json_array_size(items))
		return;
	put(l, DIM, "services");
	json_array_foreach(items, i, s) {
		const char *state = field_str(s, "state");

		/* Of those that each step or task has, the ones that are up: there may be thousands. */
		if (field_has(s, "step") && (strcmp(state, "declared") == 0 || strcmp(state, "stopped") == 0))
			continue;
		put(l, PLAIN, "%s %s ", shown++ ? "," : "", field_service(s));
		put(l, style_of(state), "%s", state);
	}
	end_row(l);
}

/* ---- when to draw -------------------------------------------------------------------------------------------- */

static void draw(struct live *l, json_t *run)
{
	struct wf_err err;
	json_t *steps, *services;

	/* Lost between two requests: the picture stays, the next change draws it again. */
	steps = run_get(l->client, field_str(run, "id"), "steps", &err);
	if (!steps)
		return;
	services = run_get(l->client, field_str(run, "id"), "services", &err);
	term_resize(&l->out->screen);
	wf_buf_clear(&l->canvas);
	l->rows = 0;
	head(l, run, json_object_get(steps, "items"));
	attention(l, json_object_get(run, "attention"));
	step_rows(l, json_object_get(steps, "items"), l->out->screen.height - l->rows - 2);
	if (l->rows < l->out->screen.height - 1)
		service_row(l, json_object_get(services, "items"));
	flip(l);
	json_decref(steps);
	json_decref(services);
}

static int on_change(json_t *run, void *arg)
{
	struct live *l = arg;
	int64_t rest = l->drawn_ms ? l->drawn_ms + DRAW_MS - wf_os_mono_ms(wf_os_posix()) : 0;

	if (rest > 0)
		poll(NULL, 0, (int)rest);
	draw(l, run);
	l->note = NULL;
	return 0;
}

static void on_lost(const struct wf_err *err, void *arg)
{
	struct live *l = arg;

	(void)err;
	printf("%swf: the engine is gone; the run's tasks go on, waiting for it%s\033[K\n", term_on(&l->out->screen, WARN),
	       term_off(&l->out->screen, WARN));
	fflush(stdout);
	l->lines++;
}

static void on_back(void *arg)
{
	struct live *l = arg;

	l->note = "the engine is back";
}

/* ---- without a terminal ---------------------------------------------------------------------------------------- */

static int on_change_line(json_t *run, void *arg)
{
	struct live *l = arg;
	int64_t now = wf_os_mono_ms(wf_os_posix());

	if (run_is_ended(run) || (l->drawn_ms && now - l->drawn_ms < LINE_MS))
		return 0;
	show_run(l->out, run);
	fflush(stdout);
	l->drawn_ms = now;
	return 0;
}

static void on_lost_line(const struct wf_err *err, void *arg)
{
	struct live *l = arg;

	out_say(l->out, "%s; waiting for it", err->text);
}

static void on_back_line(void *arg)
{
	struct live *l = arg;

	out_say(l->out, "the engine is back");
}

json_t *live_watch(struct client *c, const char *run, struct out *out, struct wf_err *err)
{
	struct live l = { .client = c, .out = out };
	int screen = out->screen.moves;
	struct follow f = { .client = c, .run = run, .arg = &l };
	json_t *end;

	if (screen) {
		f.poll_s = 1;
		f.on_change = on_change;
		f.on_lost = on_lost;
		f.on_back = on_back;
		detach_restores(SHOW_CURSOR);
		fputs(HIDE_CURSOR, stdout);
	} else {
		f.poll_s = LINE_MS / 1000;
		f.on_change = on_change_line;
		f.on_lost = on_lost_line;
		f.on_back = on_back_line;
	}
	end = follow_run(&f, err);
	if (screen) {
		fputs(SHOW_CURSOR, stdout);
		detach_restores(NULL);
	}
	wf_buf_release(&l.canvas);
	if (end)
		show_run(out, end);
	return end;
}

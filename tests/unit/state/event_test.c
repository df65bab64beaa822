/* The packed form: what goes in comes out, it is small, and no damage of a blob is worse than an
 * error. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/class.h"
#include "engine/base/json.h"
#include "engine/state/event.h"
#include "tests/tap/tap.h"

static uint64_t random_state = 88172645463325252u;

static uint64_t rnd(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void set_text(struct wf_event *e, int i, const char *s)
{
	e->text[i].p = s;
	e->text[i].n = (uint32_t)strlen(s);
}

static int equal(const struct wf_event *a, const struct wf_event *b)
{
	if (a->seq != b->seq || a->at != b->at || a->kind != b->kind || a->a != b->a ||
	    a->b != b->b || a->run != b->run || a->cause != b->cause || a->op_id != b->op_id ||
	    a->epoch != b->epoch || memcmp(a->v, b->v, sizeof(a->v)) != 0)
		return 0;
	for (int i = 0; i < WF_EVENT_TEXTS; i++)
		if (a->text[i].n != b->text[i].n ||
		    (a->text[i].n && memcmp(a->text[i].p, b->text[i].p, a->text[i].n) != 0))
			return 0;
	return 1;
}

struct check {
	const struct wf_event *want;
	size_t at, n, wrong;
};

static int check_one(const struct wf_event *e, void *arg)
{
	struct check *c = arg;

	if (c->at >= c->n || !equal(e, &c->want[c->at]))
		c->wrong++;
	c->at++;
	return 0;
}

static int count_one(const struct wf_event *e, void *arg)
{
	size_t *n = arg;

	(void)e;
	++*n;
	return 0;
}

static int stop_at_three(const struct wf_event *e, void *arg)
{
	size_t *n = arg;

	(void)e;
	return ++*n == 3 ? 7 : 0;
}

/* Packs, unpacks, compares; the number of bytes it took. */
static size_t round_trip(const struct wf_event *e, size_t n, const char *what)
{
	struct wf_pack p = { 0 };
	struct wf_err err = { 0 };
	struct check c = { .want = e, .n = n };
	size_t bytes;
	int rc;

	for (size_t i = 0; i < n; i++)
		wf_pack_add(&p, &e[i]);
	wf_pack_finish(&p);
	rc = wf_unpack(p.buf.data, p.buf.len, e[0].run, p.first_seq, p.count, p.time, e[0].epoch,
		       check_one, &c, &err);
	ok(rc == 0 && c.at == n && c.wrong == 0,
	   "%s: %zu events in %zu bytes come back (%zu wrong, %s)", what, n, p.buf.len, c.wrong,
	   err.text);
	bytes = p.buf.len;
	wf_pack_release(&p);
	return bytes;
}

static struct wf_event *many(size_t n, uint8_t kind)
{
	struct wf_event *e = calloc(n, sizeof(*e));

	for (size_t i = 0; i < n; i++) {
		e[i].seq = 1000 + i;
		e[i].at = 1700000000000;
		e[i].run = 3;
		e[i].epoch = 2;
		e[i].kind = kind;
		e[i].a = 4;
		e[i].b = (uint32_t)i;
	}
	return e;
}

static void test_repetition(void)
{
	struct wf_event *e = many(5000, WF_E_TASK_RELEASED);

	for (size_t i = 0; i < 5000; i++)
		e[i].cause = 77;
	ok(round_trip(e, 5000, "equal events over consecutive tasks") < 20,
	   "one entry for all of them");
	for (size_t i = 0; i < 5000; i++) {
		e[i].kind = WF_E_TASK_STARTED;
		e[i].v[0] = (int64_t)(90000 + i);
		e[i].cause = 500 + i;
	}
	ok(round_trip(e, 5000, "rising attempt numbers and causes") < 24,
	   "one entry for all of them");
	for (size_t i = 0; i < 5000; i++) {
		e[i].kind = WF_E_TASK_SKIPPED;
		set_text(&e[i], 0,
			 i < 2500 ? "its parent 'sim[3]' failed" : "its parent 'sim[4]' failed");
		e[i].v[0] = 1;
		e[i].cause = 12;
	}
	ok(round_trip(e, 5000, "equal texts") < 100, "two entries, each text once");
	for (size_t i = 0; i < 5000; i++)
		e[i].b = (uint32_t)(5000 - i);
	round_trip(e, 5000, "falling indices are not repetition");
	for (size_t i = 0; i < 5000; i++) {
		e[i].b = (uint32_t)i;
		e[i].v[0] = i % 3 == 0 ? 9 : (int64_t)i;
		e[i].cause = i % 5 == 0 ? 9 : 9 + i;
	}
	round_trip(e, 5000, "steps that begin and end");
	free(e);
}

/* Six events a task, the way a sweep of short tasks goes. */
static size_t sweep(struct wf_event *e, size_t tasks)
{
	static const uint8_t life[] = { WF_E_TASK_RELEASED,    WF_E_TASK_STARTED,
					WF_E_ATTEMPT_ACCEPTED, WF_E_ATTEMPT_RUNNING,
					WF_E_ATTEMPT_ENDED,    WF_E_TASK_SUCCEEDED };
	size_t n = 0;

	for (size_t t = 0; t < tasks; t++) {
		for (size_t k = 0; k < sizeof(life); k++, n++) {
			struct wf_event *v = &e[n];

			memset(v, 0, sizeof(*v));
			v->seq = 1 + n;
			v->at = 1700000000000 + (int64_t)(n / 40);
			v->run = 3;
			v->epoch = 2;
			v->kind = life[k];
			v->a = 1;
			v->b = (uint32_t)t;
			v->cause = k ? v->seq - 1 : 0;
			if (life[k] == WF_E_TASK_STARTED || life[k] == WF_E_ATTEMPT_ACCEPTED)
				v->v[0] = (int64_t)(100000 + t);
			if (life[k] == WF_E_ATTEMPT_RUNNING) {
				v->v[0] = (int64_t)(100000 + t);
				v->v[1] = 31000 + (int64_t)t % 1000;
				v->v[2] = v->at - 3;
			}
			if (life[k] == WF_E_ATTEMPT_ENDED) {
				const int64_t f[] = { (int64_t)(100000 + t),
						      WF_CLASS_OK,
						      0,
						      v->at - 1200,
						      v->at - 2,
						      1100,
						      9000,
						      12,
						      40,
						      1,
						      70000 + (int64_t)t * 50,
						      50 };

				memcpy(v->v, f, sizeof(f));
			}
		}
	}
	return n;
}

static void test_size_and_speed(void)
{
	size_t tasks = 20000, n;
	struct wf_event *e = calloc(tasks * 6, sizeof(*e));
	struct wf_pack p = { 0 };
	struct timespec a, b;
	size_t bytes, seen = 0;
	double s;

	n = sweep(e, tasks);
	bytes = round_trip(e, n, "a sweep");
	ok(bytes <= n * 14, "an event of a sweep takes %.1f bytes", (double)bytes / (double)n);

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int k = 0; k < 5; k++) {
		wf_pack_clear(&p);
		for (size_t i = 0; i < n; i++)
			wf_pack_add(&p, &e[i]);
		wf_pack_finish(&p);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	diag("packing: %.1f M events/s", (double)n * 5 / s / 1e6);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int k = 0; k < 5; k++)
		wf_unpack(p.buf.data, p.buf.len, 3, p.first_seq, p.count, p.time, 2, count_one,
			  &seen, NULL);
	clock_gettime(CLOCK_MONOTONIC, &b);
	s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	diag("unpacking: %.1f M events/s", (double)n * 5 / s / 1e6);
	is_int(seen, 5 * n, "all were seen");
	seen = 0;
	is_int(wf_unpack(p.buf.data, p.buf.len, 3, p.first_seq, p.count, p.time, 2, stop_at_three,
			 &seen, NULL),
	       7, "a reader that has enough stops it");
	is_int(seen, 3, "and sees no more");
	wf_pack_release(&p);
	free(e);
}

static void test_random(void)
{
	static const int64_t odd[] = { INT64_MIN,        INT64_MAX,     -1,           0, 1,
				       INT64_C(1) << 40, 1700000000000, 1700000001234 };
	static const char *const texts[] = {
		"", "x", "caf\xc3\xa9 \"quoted\"",
		"a longer text that goes on for a while, with \n lines"
	};
	size_t n = 4000;
	struct wf_event *e = many(n, 1);

	for (int round = 0; round < 20; round++) {
		for (size_t i = 0; i < n; i++) {
			e[i].kind = (uint8_t)(1 + rnd() % 255);
			e[i].at =
				rnd() % 4 ? 1700000000000 + (int64_t)(rnd() % 50) : odd[rnd() % 8];
			e[i].a = rnd() % 8 ? (uint32_t)(rnd() % 4) : (uint32_t)rnd();
			e[i].b = rnd() % 8 ? (uint32_t)i : (uint32_t)rnd();
			e[i].cause = rnd() % 3 ? e[i].seq - rnd() % 5 : rnd() % 3 ? 0 : rnd();
			e[i].op_id = rnd() % 5 ? 0 : rnd();
			for (size_t k = 0; k < WF_EVENT_FIELDS; k++)
				e[i].v[k] = rnd() % 3   ? 0
					    : rnd() % 2 ? odd[rnd() % 8]
							: (int64_t)(rnd() % 100000);
			for (int k = 0; k < WF_EVENT_TEXTS; k++)
				set_text(&e[i], k, texts[rnd() % 8 < 6 ? 0 : rnd() % 4]);
			/* now and then the last one once more */
			if (i && rnd() % 2) {
				e[i] = e[i - 1];
				e[i].seq++;
				e[i].b++;
				e[i].cause += e[i].cause && rnd() % 4 == 0;
				e[i].v[0] = (int64_t)((uint64_t)e[i].v[0] + (rnd() % 4 == 0));
			}
		}
		round_trip(e, n, "anything");
	}
	free(e);
}

static void test_damage(void)
{
	struct wf_event *e = calloc(600, sizeof(*e));
	size_t n = sweep(e, 100), refused = 0, seen = 0;
	struct wf_pack p = { 0 };
	struct wf_err err = { 0 };
	char *copy;

	for (size_t i = 0; i < n; i += 7)
		set_text(&e[i], i % 2, "some reason");
	for (size_t i = 0; i < n; i++)
		wf_pack_add(&p, &e[i]);
	wf_pack_finish(&p);
	for (size_t cut = 0; cut < p.buf.len; cut++) {
		/* exact allocation: the address sanitizer sees a read past the end */
		copy = malloc(cut ? cut : 1);
		memcpy(copy, p.buf.data, cut);
		refused += wf_unpack(copy, cut, 3, 1, p.count, p.time, 2, count_one, &seen, &err) ==
			   -1;
		free(copy);
	}
	is_int(refused, p.buf.len, "every cut is refused");
	is_int(err.code, WF_CORRUPT, "as damage");
	has_str(err.text, "run 3 from number 1", "naming run and number");
	has_str(err.text, "wf engine recover", "and the cure");
	is_int(wf_unpack(p.buf.data, p.buf.len, 3, 1, p.count + 1, p.time, 2, count_one, &seen,
			 NULL),
	       -1, "too few events are refused");
	is_int(wf_unpack(p.buf.data, p.buf.len, 3, 1, p.count - 1, p.time, 2, count_one, &seen,
			 NULL),
	       -1, "too many events are refused");
	copy = malloc(p.buf.len);
	for (int round = 0; round < 20000; round++) {
		memcpy(copy, p.buf.data, p.buf.len);
		for (int k = 0; k < 3; k++)
			copy[rnd() % p.buf.len] = (char)rnd();
		(void)wf_unpack(copy, p.buf.len, 3, 1, p.count, p.time, 2, count_one, &seen, NULL);
	}
	ok(1, "20,000 random damages are survived");
	free(copy);
	wf_pack_release(&p);
	free(e);
}

/* A build that knows more: more fields and texts than we hold, and a kind we have no name for. */
static void test_later_build(void)
{
	struct wf_buf b = { 0 };
	struct wf_event want = { .seq = 5, .at = 100, .kind = 250, .b = 1, .run = 1, .epoch = 1 };
	struct check c = { .want = &want, .n = 1 };

	wf_put_u8(&b, 250);
	wf_put_u8(&b, 4);
	wf_put_u8(&b, 15 | 3 << 4);
	wf_put_zig(&b, 1);
	for (int i = 0; i < 15; i++)
		wf_put_zig(&b, i);
	wf_put_bytes(&b, "one", 3);
	wf_put_bytes(&b, "two", 3);
	wf_put_bytes(&b, "three", 5);
	for (int i = 0; i < WF_EVENT_FIELDS; i++)
		want.v[i] = i;
	set_text(&want, 0, "one");
	set_text(&want, 1, "two");
	is_int(wf_unpack(b.data, b.len, 1, 5, 1, 100, 1, check_one, &c, NULL), 0,
	       "an entry of a later build is read");
	is_int(c.wrong, 0, "as far as we can hold it");
	wf_buf_release(&b);
	is_str(wf_event_name(250), "unknown", "a kind without a name");
	ok(wf_event_info(250) == NULL, "has no info");
}

static void test_table(void)
{
	const struct wf_event_info *i = wf_event_info(WF_E_ATTEMPT_ENDED);
	size_t names = 0, twice = 0;

	is_str(i->name, "attempt.ended", "the table has names");
	is_int(i->field_count, 12, "and counts fields");
	is_int(i->text_count, 2, "and texts");
	is_int(wf_event_info(WF_E_TASK_RELEASED)->field_count, 0, "none is none");
	for (unsigned a = 0; a < 256; a++) {
		const struct wf_event_info *x = wf_event_info((uint8_t)a);

		if (!x)
			continue;
		names++;
		if (x->field_count > WF_EVENT_FIELDS || x->text_count > WF_EVENT_TEXTS)
			diag("%s has too many fields or texts", x->name), twice++;
		for (unsigned b = 0; b < a; b++)
			if (wf_event_info((uint8_t)b) &&
			    strcmp(wf_event_info((uint8_t)b)->name, x->name) == 0)
				diag("%s has two numbers", x->name), twice++;
	}
	ok(names >= 60 && twice == 0, "%zu kinds, each with a name of its own", names);
}

static void name_task(const struct wf_event *e, char *out, size_t size, void *arg)
{
	snprintf(out, size, "%s[%u]", (const char *)arg, e->b);
}

static void is_json(json_t *v, const char *want, const char *what)
{
	char *s = json_dumps(v, JSON_COMPACT);

	is_str(s, want, "%s", what);
	free(s);
	json_decref(v);
}

static void test_json(void)
{
	char step[] = "sim";
	struct wf_event e = { .seq = 9,
			      .at = 1700000000123,
			      .kind = WF_E_TASK_FAILED,
			      .a = 2,
			      .b = 3,
			      .run = 1,
			      .cause = 8,
			      .epoch = 4 };

	e.v[0] = WF_CLASS_EXIT;
	set_text(&e, 0, "exit status 2\xff");
	is_json(wf_event_json(&e, "01h", name_task, step),
		"{\"seq\":9,\"at\":\"2023-11-14T22:13:20.123Z\",\"kind\":\"task.failed\","
		"\"subject\":{\"kind\":\"task\",\"id\":\"sim[3]\","
		"\"instance\":2,\"index\":3},\"run\":\"01h\",\"cause\":8,\"epoch\":4,\"data\":{"
		"\"class\":\"exit\",\"reason\":\"exit status 2\xef\xbf\xbd\"}}",
		"a task's event");
	e.kind = WF_E_MEMBER_READY;
	e.op_id = 6;
	e.cause = 0;
	e.v[0] = 11;
	set_text(&e, 0, "{\"host\":\"h\"}");
	is_json(wf_event_json(&e, NULL, NULL, NULL),
		"{\"seq\":9,\"at\":\"2023-11-14T22:13:20.123Z\",\"kind\":\"member.ready\","
		"\"subject\":{\"kind\":\"member\",\"service\":2,\"n\":3},"
		"\"run\":null,\"cause\":null,\"op_id\":6,\"epoch\":4,\"data\":{\"number\":11,"
		"\"endpoint\":{\"host\":\"h\"}}}",
		"structured texts are shown as what they hold");
	e.kind = 250;
	e.op_id = 0;
	is_json(wf_event_json(&e, NULL, name_task, step),
		"{\"seq\":9,\"at\":\"2023-11-14T22:13:20.123Z\",\"kind\":\"unknown\",\"subject\":{"
		"\"kind\":\"unknown\",\"a\":2,\"b\":3},"
		"\"run\":null,\"cause\":null,\"epoch\":4,\"data\":{\"kind\":250,\"values\":[11,0,0,"
		"0,0,0,0,0,0,0,0,0],\"texts\":[\"{\\\"host\\\":\\\"h\\\"}\",\"\"]}}",
		"an unknown kind shows what it carries");
	e.kind = WF_E_TASK_RESOLVED;
	e.v[0] = 2;
	json_t *v = wf_event_json(&e, NULL, NULL, NULL);
	is_str(json_string_value(json_object_get(json_object_get(v, "data"), "as")), "rerun",
	       "words instead of numbers");
	json_decref(v);
}

int main(void)
{
	test_table();
	test_repetition();
	test_size_and_speed();
	test_random();
	test_later_build();
	test_damage();
	test_json();
	return done_testing();
}

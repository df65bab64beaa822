/* event.c - owns the table of events and the packed form of a stretch of them.
 *
 * Knows nothing of what an event does to its subject (that is each machine's file), nor of rows and
 * checksums (the store). The packed form describes itself: no entry needs the table to be read, so
 * a kind of a later build passes through unharmed.
 *
 *     entry    = kind flags shape [at] [a] [b] [cause] [op_id] [relative] field* text*
 *     again    = 0 steps more               the last event, `more` times, each on the next b
 *
 * kind, flags, shape and steps are bytes, everything else is a varint, zig-zag where it may be
 * negative. shape is the number of fields (low four bits; trailing zeros are not written) and of
 * texts (the next two). at, a and b are differences from the event before (at the start: the row's
 * time, 0, 0), cause is how far before this event. `relative` is a mask of the fields that are
 * counted from the event's own `at`: wall clocks of 41 bits become small. A text is its length and
 * its bytes.
 */
#include "engine/state/event.h"

#include <string.h>

enum {
	HAS_AT = 1,
	HAS_A = 2,
	HAS_B = 4,
	HAS_CAUSE = 8,
	HAS_OP = 16,
	HAS_RELATIVE = 32,

	SHAPE_FIELDS = 15,
	SHAPE_TEXT_SHIFT = 4,
	SHAPE_TEXTS = 3,

	STEP_CAUSE = 1,
	STEP_FIRST = 2, /* v[0], which is the attempt number in most kinds */

	AGAIN = 0, /* no event has this number */
	VAR_MAX = 10,
	ENTRY_MAX = 3 + 6 * VAR_MAX + WF_EVENT_FIELDS * VAR_MAX + WF_EVENT_TEXTS * VAR_MAX,
};

/* ---- the table ------------------------------------------------------------------------------- */

static struct wf_event_info infos[256] = {
#define X(sym, num, nm, sub, fl, tx)                                                               \
	[sym] = { .name = nm, .subject = sub, .fields = fl, .texts = tx },
	WF_EVENTS(X)
#undef X
};

static uint8_t count_names(const char *list)
{
	uint8_t n = list[0] != '\0';

	for (; *list; list++)
		n = (uint8_t)(n + (*list == ','));
	return n;
}

/* The preprocessor cannot count names in a string: done once, before main and any thread. */
static void __attribute__((constructor)) count_all_names(void)
{
	for (size_t i = 0; i < WF_COUNT(infos); i++) {
		if (!infos[i].name)
			continue;
		infos[i].field_count = count_names(infos[i].fields);
		infos[i].text_count = count_names(infos[i].texts);
	}
}

const struct wf_event_info *wf_event_info(uint8_t kind)
{
	return infos[kind].name ? &infos[kind] : NULL;
}

const char *wf_event_name(uint8_t kind)
{
	return infos[kind].name ? infos[kind].name : "unknown";
}

/* ---- packing --------------------------------------------------------------------------------- */

static uint8_t *put_var(uint8_t *to, uint64_t v)
{
	while (v >= 0x80) {
		*to++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*to++ = (uint8_t)v;
	return to;
}

static uint8_t *put_zig(uint8_t *to, int64_t v)
{
	return put_var(to, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

/* Differences wrap, so that no value of a field can overflow. */
static int64_t minus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t plus(int64_t a, int64_t b)
{
	return (int64_t)((uint64_t)a + (uint64_t)b);
}

/* Worth counting from `at`: a wall clock near it, while the value itself is long. */
static int is_clock(int64_t v, int64_t at)
{
	int64_t d = minus(v, at);

	return v > INT64_C(1) << 36 && d > -(INT64_C(1) << 30) && d < INT64_C(1) << 30;
}

static int same_texts(const struct wf_event *a, const struct wf_event *b)
{
	for (int i = 0; i < WF_EVENT_TEXTS; i++)
		if (a->text[i].n != b->text[i].n ||
		    (a->text[i].n && memcmp(a->text[i].p, b->text[i].p, a->text[i].n) != 0))
			return 0;
	return 1;
}

/* True when e is the last event once more, on the next b; *steps then says what else rose by
 * one. */
static int is_again(const struct wf_pack *p, const struct wf_event *e, uint8_t *steps)
{
	const struct wf_event *l = &p->last;
	uint8_t s = 0;

	if (e->kind != l->kind || e->b != l->b + 1 || e->a != l->a || e->at != l->at ||
	    e->op_id != l->op_id)
		return 0;
	if (e->cause != l->cause) {
		if (e->cause != l->cause + 1 || !l->cause)
			return 0;
		s |= STEP_CAUSE;
	}
	if (e->v[0] != l->v[0]) {
		if (e->v[0] != plus(l->v[0], 1))
			return 0;
		s |= STEP_FIRST;
	}
	if (p->repeat && s != p->steps)
		return 0;
	if (memcmp(e->v + 1, l->v + 1, sizeof(e->v) - sizeof(e->v[0])) != 0 || !same_texts(e, l))
		return 0;
	*steps = s;
	return 1;
}

static void close_entry(struct wf_pack *p)
{
	uint8_t *to;

	if (!p->repeat)
		return;
	to = wf_buf_room(&p->buf, 2 + VAR_MAX);
	*to++ = AGAIN;
	*to++ = p->steps;
	to = put_var(to, p->repeat);
	p->buf.len = (size_t)(to - (uint8_t *)p->buf.data);
	p->repeat = 0;
}

/* The open entry outlives the caller's texts: keep a copy to compare the next event with. */
static void remember(struct wf_pack *p, const struct wf_event *e)
{
	p->last = *e;
	if (!e->text[0].n && !e->text[1].n)
		return;
	wf_buf_clear(&p->last_text);
	for (int i = 0; i < WF_EVENT_TEXTS; i++)
		wf_buf_add(&p->last_text, e->text[i].p, e->text[i].n);
	p->last.text[0].p = p->last_text.data;
	p->last.text[1].p = p->last_text.data + e->text[0].n;
}

static void open_entry(struct wf_pack *p, const struct wf_event *e, uint64_t seq)
{
	size_t fields = WF_EVENT_FIELDS, texts = WF_EVENT_TEXTS, text_bytes = 0;
	uint32_t relative = 0;
	uint8_t flags = 0, *start, *to;

	while (fields && e->v[fields - 1] == 0)
		fields--;
	while (texts && e->text[texts - 1].n == 0)
		texts--;
	for (size_t i = 0; i < texts; i++)
		text_bytes += e->text[i].n;
	for (size_t i = 0; i < fields; i++)
		if (is_clock(e->v[i], e->at))
			relative |= 1u << i;

	start = wf_buf_room(&p->buf, ENTRY_MAX + text_bytes);
	to = start + 3;
	if (e->at != p->last.at) {
		flags |= HAS_AT;
		to = put_zig(to, minus(e->at, p->last.at));
	}
	if (e->a != p->last.a) {
		flags |= HAS_A;
		to = put_zig(to, (int64_t)e->a - (int64_t)p->last.a);
	}
	if (e->b != p->last.b) {
		flags |= HAS_B;
		to = put_zig(to, (int64_t)e->b - (int64_t)p->last.b);
	}
	if (e->cause) {
		flags |= HAS_CAUSE;
		to = put_zig(to, minus((int64_t)seq, (int64_t)e->cause));
	}
	if (e->op_id) {
		flags |= HAS_OP;
		to = put_var(to, e->op_id);
	}
	if (relative) {
		flags |= HAS_RELATIVE;
		to = put_var(to, relative);
	}
	for (size_t i = 0; i < fields; i++)
		to = put_zig(to, relative & (1u << i) ? minus(e->v[i], e->at) : e->v[i]);
	for (size_t i = 0; i < texts; i++) {
		to = put_var(to, e->text[i].n);
		if (e->text[i].n)
			memcpy(to, e->text[i].p, e->text[i].n);
		to += e->text[i].n;
	}
	start[0] = e->kind;
	start[1] = flags;
	start[2] = (uint8_t)(fields | texts << SHAPE_TEXT_SHIFT);
	p->buf.len = (size_t)(to - (uint8_t *)p->buf.data);
}

void wf_pack_add(struct wf_pack *p, const struct wf_event *e)
{
	uint8_t steps;

	WF_ASSERT(e->kind != AGAIN);
	if (p->count == 0) {
		p->first_seq = e->seq;
		p->time = e->at;
		p->last.at = e->at;
	} else {
		WF_ASSERT(e->seq == p->first_seq + p->count);
		if (is_again(p, e, &steps)) {
			p->repeat++;
			p->steps = steps;
			p->count++;
			p->last.b = e->b;
			p->last.cause = e->cause;
			p->last.v[0] = e->v[0];
			return;
		}
		close_entry(p);
	}
	open_entry(p, e, e->seq);
	remember(p, e);
	p->count++;
}

void wf_pack_finish(struct wf_pack *p)
{
	close_entry(p);
}

void wf_pack_clear(struct wf_pack *p)
{
	struct wf_buf buf = p->buf, text = p->last_text;

	memset(p, 0, sizeof(*p));
	p->buf = buf;
	p->last_text = text;
	wf_buf_clear(&p->buf);
	wf_buf_clear(&p->last_text);
}

void wf_pack_release(struct wf_pack *p)
{
	wf_buf_release(&p->buf);
	wf_buf_release(&p->last_text);
	memset(p, 0, sizeof(*p));
}

/* ---- unpacking ------------------------------------------------------------------------------- */

/* Fields and texts beyond what a struct wf_event holds are of a later build: passed over. */
static void read_entry(struct wf_rd *r, uint8_t kind, struct wf_event *e)
{
	uint8_t flags = wf_get_u8(r), shape = wf_get_u8(r);
	size_t fields = shape & SHAPE_FIELDS, texts = shape >> SHAPE_TEXT_SHIFT & SHAPE_TEXTS;
	uint64_t relative = 0;

	e->kind = kind;
	if (flags & HAS_AT)
		e->at = plus(e->at, wf_get_zig(r));
	if (flags & HAS_A)
		e->a += (uint32_t)wf_get_zig(r);
	if (flags & HAS_B)
		e->b += (uint32_t)wf_get_zig(r);
	e->cause = flags & HAS_CAUSE ? e->seq - (uint64_t)wf_get_zig(r) : 0;
	e->op_id = flags & HAS_OP ? wf_get_var(r) : 0;
	if (flags & HAS_RELATIVE)
		relative = wf_get_var(r);
	memset(e->v, 0, sizeof(e->v));
	memset(e->text, 0, sizeof(e->text));
	for (size_t i = 0; i < fields; i++) {
		int64_t v = wf_get_zig(r);

		if (i < WF_EVENT_FIELDS)
			e->v[i] = relative >> i & 1 ? plus(v, e->at) : v;
	}
	for (size_t i = 0; i < texts; i++) {
		size_t n;
		const char *s = wf_get_bytes(r, &n);

		if (n > UINT32_MAX)
			r->bad = 1;
		else if (i < WF_EVENT_TEXTS && n) {
			e->text[i].p = s;
			e->text[i].n = (uint32_t)n;
		}
	}
}

int wf_unpack(const void *p, size_t n, uint64_t run, uint64_t first_seq, uint32_t count,
	      int64_t time, uint64_t epoch, int (*fn)(const struct wf_event *e, void *arg),
	      void *arg, struct wf_err *err)
{
	struct wf_event e = { .seq = first_seq, .at = time, .run = run, .epoch = epoch };
	uint64_t left = count;
	struct wf_rd r;
	int rc;

	wf_rd_init(&r, p, n);
	while (r.p < r.end) {
		uint8_t kind = wf_get_u8(&r);

		if (kind != AGAIN) {
			read_entry(&r, kind, &e);
			if (r.bad || left == 0)
				goto damaged;
			left--;
			rc = fn(&e, arg);
			if (rc)
				return rc;
			e.seq++;
		} else {
			uint8_t steps = wf_get_u8(&r);
			uint64_t more = wf_get_var(&r);

			if (r.bad || more > left || left == count)
				goto damaged;
			left -= more;
			while (more--) {
				e.b++;
				e.cause += steps & STEP_CAUSE;
				e.v[0] = plus(e.v[0], steps & STEP_FIRST ? 1 : 0);
				rc = fn(&e, arg);
				if (rc)
					return rc;
				e.seq++;
			}
		}
	}
	if (left == 0)
		return 0;
damaged:
	return wf_errf(err, WF_CORRUPT,
		       "events of run %llu from number %llu are damaged near number %llu; try 'wf "
		       "engine recover'",
		       (unsigned long long)run, (unsigned long long)first_seq,
		       (unsigned long long)e.seq);
}

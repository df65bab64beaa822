/* wire.c - owns the bytes of the agent link: one table of fields per message, one encoder and one decoder for all of them.
 *
 * Knows nothing of sockets, nor of what a message makes anybody do.
 *
 * The body of a frame, after its 8-byte header:
 *
 *     u8 last, var count
 *     var n, n strings:   {var length, bytes, NUL}
 *     var n, n lists:     {var length, string numbers}
 *     var n, n int lists: {var length, zigzag values}
 *     var n, n columns:   {u32 length, u8 mode, cells}
 *
 * A column holds one field of all entries: mode 0 is one cell for all, mode 1 a cell per entry; a cell is the zigzag difference
 * from the one before. Strings and lists are referred to by number + 1, 0 being NULL. Equal strings are stored once per frame,
 * and a list given by the same pointer once per frame. Columns are in the order of the field tables below, to which
 * fields may be appended: a reader skips columns it does not know and leaves zero what an older writer did not send.
 */
#include "engine/link/wire.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"

enum { HEADER = 8, ENTRIES_MAX = 65536 };

enum kind { U8, U16, U32, U64, I32, I64, STR, LIST, INTS };

struct field {
	uint16_t at;
	uint8_t kind;
	uint8_t need;                  /* NULL is malformed */
	uint16_t count_at;             /* INTS: where the length is */
};

struct shape {
	uint16_t type;
	uint16_t field_count;
	size_t size;
	const struct field *fields;
};

#define F(s, k, m) { .at = offsetof(struct s, m), .kind = (k) }
#define NEED(s, k, m) { .at = offsetof(struct s, m), .kind = (k), .need = 1 }
#define KEY(s, m)                                                                                  \
	F(s, U64, m.run), F(s, U32, m.instance), F(s, U32, m.index), F(s, U16, m.attempt), F(s, U8, m.kind)
#define REF(s, m) F(s, U64, m.number), KEY(s, m.key)

static const struct field hello_fields[] = {
	F(wf_hello, U32, version), NEED(wf_hello, STR, role), F(wf_hello, STR, build), F(wf_hello, U64, epoch),
	F(wf_hello, STR, instance), F(wf_hello, STR, host), F(wf_hello, STR, boot_id), F(wf_hello, U64, pid_ns),
	F(wf_hello, U32, pid), F(wf_hello, U32, cores), F(wf_hello, U64, memory), F(wf_hello, U64, mark),
	F(wf_hello, U64, cursor), F(wf_hello, U32, capabilities),
};
static const struct field start_fields[] = {
	F(wf_start, U64, number), KEY(wf_start, key), F(wf_start, STR, name), NEED(wf_start, LIST, argv),
	F(wf_start, LIST, env), F(wf_start, LIST, env_more), F(wf_start, STR, setup), F(wf_start, STR, cwd),
	F(wf_start, STR, log_dir), F(wf_start, STR, stdout_path), F(wf_start, STR, stderr_path),
	F(wf_start, STR, result_path), F(wf_start, STR, token), F(wf_start, LIST, inputs), F(wf_start, LIST, outputs),
	{ .at = offsetof(struct wf_start, success_codes), .kind = INTS, .count_at = offsetof(struct wf_start, success_count) },
	F(wf_start, U8, update), F(wf_start, U8, control), F(wf_start, U8, results_needed),
	F(wf_start, I64, first_started_ms), F(wf_start, I64, timeout_ms), F(wf_start, I64, grace_ms),
	F(wf_start, U64, output_limit), F(wf_start, U32, cores), F(wf_start, U64, memory), F(wf_start, U32, umask_bits),
	F(wf_start, U32, places), F(wf_start, STR, limits),
};
static const struct field cancel_fields[] = {
	REF(wf_cancel, ref), F(wf_cancel, U8, why), F(wf_cancel, I64, grace_ms),
};
static const struct field ref_fields[] = {
	F(wf_attempt_ref, U64, number), KEY(wf_attempt_ref, key),
};
static const struct field call_fields[] = {
	F(wf_call, U64, op_id), REF(wf_call, ref), NEED(wf_call, STR, op), F(wf_call, STR, args),
	F(wf_call, I64, deadline_ms),
};
struct ack {
	uint64_t cursor;
};
static const struct field ack_fields[] = { F(ack, U64, cursor) };
static const struct field running_fields[] = {
	REF(wf_running, ref), F(wf_running, U64, cursor), F(wf_running, U32, pid), F(wf_running, I64, started_ms),
};
#define USAGE(s)                                                                                   \
	F(s, U64, usage.cpu_us), F(s, U64, usage.max_rss_kib), F(s, U64, usage.read_bytes), F(s, U64, usage.write_bytes)
#define LOG(s, m) F(s, U8, m.where), F(s, U64, m.offset), F(s, U64, m.length)
static const struct field ended_fields[] = {
	REF(wf_ended, ref), F(wf_ended, U64, cursor), F(wf_ended, U8, class), F(wf_ended, I32, exit),
	F(wf_ended, I64, started_ms), F(wf_ended, I64, ended_ms), USAGE(wf_ended), LOG(wf_ended, out),
	LOG(wf_ended, err), F(wf_ended, STR, reason), F(wf_ended, STR, result),
};
static const struct field lost_fields[] = {
	REF(wf_lost, ref), F(wf_lost, U64, cursor), F(wf_lost, U8, why), F(wf_lost, STR, reason),
};
static const struct field result_fields[] = {
	F(wf_result, U64, op_id), REF(wf_result, ref), NEED(wf_result, STR, outcome), F(wf_result, STR, body),
};
static const struct field signal_fields[] = {
	REF(wf_signal, ref), F(wf_signal, U64, cursor), NEED(wf_signal, STR, body),
};
static const struct field sample_fields[] = {
	REF(wf_sample, ref), USAGE(wf_sample), F(wf_sample, U64, output_bytes),
};
static const struct field rejected_fields[] = {
	F(wf_rejected, U64, number), F(wf_rejected, STR, reason),
};

#define SHAPE(t, s, f) { .type = (t), .field_count = WF_COUNT(f), .size = sizeof(struct s), .fields = (f) }
static const struct shape shapes[] = {
	SHAPE(WF_WIRE_HELLO, wf_hello, hello_fields),
	SHAPE(WF_WIRE_START, wf_start, start_fields),
	SHAPE(WF_WIRE_CANCEL, wf_cancel, cancel_fields),
	SHAPE(WF_WIRE_OBSERVE, wf_attempt_ref, ref_fields),
	SHAPE(WF_WIRE_REATTACH, wf_attempt_ref, ref_fields),
	SHAPE(WF_WIRE_CALL, wf_call, call_fields),
	SHAPE(WF_WIRE_ACK, ack, ack_fields),
	SHAPE(WF_WIRE_ACCEPTED, wf_attempt_ref, ref_fields),
	SHAPE(WF_WIRE_RUNNING, wf_running, running_fields),
	SHAPE(WF_WIRE_ENDED, wf_ended, ended_fields),
	SHAPE(WF_WIRE_LOST, wf_lost, lost_fields),
	SHAPE(WF_WIRE_RESULT, wf_result, result_fields),
	SHAPE(WF_WIRE_SIGNAL, wf_signal, signal_fields),
	SHAPE(WF_WIRE_SAMPLE, wf_sample, sample_fields),
	SHAPE(WF_WIRE_REJECTED, wf_rejected, rejected_fields),
};

static const struct shape *shape_of(unsigned type)
{
	for (size_t i = 0; i < WF_COUNT(shapes); i++)
		if (shapes[i].type == type)
			return &shapes[i];
	return NULL;
}

static uint64_t zig(uint64_t v)
{
	return (v << 1) ^ (0 - (v >> 63));
}

static uint64_t zag(uint64_t v)
{
	return (v >> 1) ^ (0 - (v & 1));
}

/* ---- encoding ---------------------------------------------------------------------------------------- */

struct writer {
	struct wf_buf strings, lists, ints, columns;
	uint32_t string_count, list_count, ints_count;
	struct wf_strmap string_ids;
	struct wf_idmap list_ids;      /* pointer of a list to its number + 1 */
	uint64_t *cells;
	size_t cells_cap;
};

static uint64_t write_string(struct writer *w, const char *s)
{
	uint32_t id;

	if (!s)
		return 0;
	id = wf_strmap_add(&w->string_ids, s, w->string_count);
	if (id == w->string_count) {
		size_t n = strlen(s);

		wf_put_var(&w->strings, n);
		wf_buf_add(&w->strings, s, n + 1);
		w->string_count++;
	}
	return (uint64_t)id + 1;
}

static uint64_t write_list(struct writer *w, const char *const *list)
{
	uintptr_t known;
	size_t n = 0;

	if (!list)
		return 0;
	known = (uintptr_t)wf_idmap_get(&w->list_ids, (uint64_t)(uintptr_t)list);
	if (known)
		return known;
	while (list[n])
		n++;
	wf_put_var(&w->lists, n);
	for (size_t i = 0; i < n; i++)
		wf_put_var(&w->lists, write_string(w, list[i]) - 1);
	wf_idmap_set(&w->list_ids, (uint64_t)(uintptr_t)list, (void *)(uintptr_t)++w->list_count);
	return w->list_count;
}

static uint64_t write_ints(struct writer *w, const int32_t *v, uint32_t n)
{
	if (!v || !n)
		return 0;
	wf_put_var(&w->ints, n);
	for (uint32_t i = 0; i < n; i++)
		wf_put_zig(&w->ints, v[i]);
	return ++w->ints_count;
}

static void *at(const void *entry, size_t offset)
{
	return (char *)(uintptr_t)entry + offset;
}

/* The column as numbers. A pointer equal to the one before it needs no look-up. */
static void gather(struct writer *w, const struct field *f, const char *base, size_t size, uint32_t n)
{
	uint64_t *cell = w->cells;
	const void *before = NULL;

	for (uint32_t i = 0; i < n; i++, base += size) {
		const void *p = at(base, f->at);
		const void *pointer = NULL;

		switch ((enum kind)f->kind) {
		case U8: cell[i] = *(const uint8_t *)p; continue;
		case U16: cell[i] = *(const uint16_t *)p; continue;
		case U32: cell[i] = *(const uint32_t *)p; continue;
		case U64: cell[i] = *(const uint64_t *)p; continue;
		case I32: cell[i] = (uint64_t)(int64_t)*(const int32_t *)p; continue;
		case I64: cell[i] = (uint64_t)*(const int64_t *)p; continue;
		case STR:
		case LIST:
		case INTS: memcpy(&pointer, p, sizeof(pointer)); break;
		}
		if (i && pointer == before &&
		    (f->kind != INTS || *(const uint32_t *)at(base, f->count_at) ==
						*(const uint32_t *)at(base - size, f->count_at)))
			cell[i] = cell[i - 1];
		else if (f->kind == STR)
			cell[i] = write_string(w, pointer);
		else if (f->kind == LIST)
			cell[i] = write_list(w, pointer);
		else
			cell[i] = write_ints(w, pointer, *(const uint32_t *)at(base, f->count_at));
		before = pointer;
	}
}

static void write_column(struct writer *w, uint32_t n)
{
	struct wf_buf *b = &w->columns;
	size_t start = b->len;
	uint64_t before = 0;
	uint8_t *to, *from, mode = 0;
	uint32_t len;

	for (uint32_t i = 1; i < n && !mode; i++)
		mode = w->cells[i] != w->cells[0];
	if (!mode && n)
		n = 1;
	from = to = (uint8_t *)wf_buf_room(b, 5 + 10 * (size_t)n) + 4;
	*to++ = mode;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t v = zig(w->cells[i] - before);

		before = w->cells[i];
		while (v >= 0x80) {
			*to++ = (uint8_t)(v | 0x80);
			v >>= 7;
		}
		*to++ = (uint8_t)v;
	}
	len = (uint32_t)(to - from);
	for (int i = 0; i < 4; i++)
		b->data[start + (size_t)i] = (char)(uint8_t)(len >> (8 * i));
	b->len = start + 4 + len;
}

static void put_table(struct wf_buf *b, uint32_t count, const struct wf_buf *t)
{
	wf_put_var(b, count);
	wf_buf_add(b, t->data, t->len);
}

static void put_header(struct wf_buf *b, unsigned type)
{
	wf_put_u32(b, 0);
	wf_put_u8(b, (uint8_t)type);
	wf_put_u8(b, 0);
	wf_put_u16(b, WF_WIRE_VERSION);
}

static void writer_release(struct writer *w)
{
	wf_buf_release(&w->strings);
	wf_buf_release(&w->lists);
	wf_buf_release(&w->ints);
	wf_buf_release(&w->columns);
	wf_strmap_release(&w->string_ids);
	wf_idmap_release(&w->list_ids);
	free(w->cells);
}

/* As few frames as the bounds allow: nearly always one. */
static void encode(struct wf_buf *b, enum wf_wire_type type, const void *entries, uint32_t n, int last)
{
	const struct shape *shape = shape_of(type);
	struct writer w = { 0 };
	size_t start = b->len, len;
	uint32_t half = n / 2;

	if (!shape)
		WF_BUG("no message type %d", (int)type);
	if (n > ENTRIES_MAX)
		goto split;
	w.cells = wf_grow(NULL, &w.cells_cap, n, sizeof(*w.cells));
	for (uint16_t i = 0; i < shape->field_count; i++) {
		gather(&w, &shape->fields[i], entries, shape->size, n);
		write_column(&w, n);
	}
	put_header(b, type);
	wf_put_u8(b, (uint8_t)last);
	wf_put_var(b, n);
	put_table(b, w.string_count, &w.strings);
	put_table(b, w.list_count, &w.lists);
	put_table(b, w.ints_count, &w.ints);
	put_table(b, shape->field_count, &w.columns);
	writer_release(&w);
	len = b->len - start;
	if (len <= WF_WIRE_MAX) {
		len -= 4;
		for (int i = 0; i < 4; i++)
			b->data[start + (size_t)i] = (char)(uint8_t)(len >> (8 * i));
		return;
	}
	b->len = start;
	if (n < 2)
		WF_BUG("a message of %zu bytes is larger than the link takes", len);
split:
	encode(b, type, entries, half, 0);
	encode(b, type, at(entries, half * shape->size), n - half, last);
}

void wf_wire_hello(struct wf_buf *b, const struct wf_hello *h)
{
	encode(b, WF_WIRE_HELLO, h, 1, 0);
}

void wf_wire_start(struct wf_buf *b, const struct wf_start *s, uint32_t n)
{
	encode(b, WF_WIRE_START, s, n, 0);
}

void wf_wire_cancel(struct wf_buf *b, const struct wf_cancel *c, uint32_t n)
{
	encode(b, WF_WIRE_CANCEL, c, n, 0);
}

void wf_wire_refs(struct wf_buf *b, enum wf_wire_type type, const struct wf_attempt_ref *r, uint32_t n, int last)
{
	if (type != WF_WIRE_ACCEPTED && type != WF_WIRE_OBSERVE && type != WF_WIRE_REATTACH)
		WF_BUG("message type %d carries no references", (int)type);
	encode(b, type, r, n, last);
}

void wf_wire_call(struct wf_buf *b, const struct wf_call *c, uint32_t n)
{
	encode(b, WF_WIRE_CALL, c, n, 0);
}

void wf_wire_ack(struct wf_buf *b, uint64_t cursor)
{
	const struct ack a = { cursor };

	encode(b, WF_WIRE_ACK, &a, 1, 0);
}

void wf_wire_running(struct wf_buf *b, const struct wf_running *r, uint32_t n)
{
	encode(b, WF_WIRE_RUNNING, r, n, 0);
}

void wf_wire_ended(struct wf_buf *b, const struct wf_ended *e, uint32_t n)
{
	encode(b, WF_WIRE_ENDED, e, n, 0);
}

void wf_wire_lost(struct wf_buf *b, const struct wf_lost *l, uint32_t n)
{
	encode(b, WF_WIRE_LOST, l, n, 0);
}

void wf_wire_result(struct wf_buf *b, const struct wf_result *r, uint32_t n)
{
	encode(b, WF_WIRE_RESULT, r, n, 0);
}

void wf_wire_signal(struct wf_buf *b, const struct wf_signal *s, uint32_t n)
{
	encode(b, WF_WIRE_SIGNAL, s, n, 0);
}

void wf_wire_sample(struct wf_buf *b, const struct wf_sample *s, uint32_t n)
{
	encode(b, WF_WIRE_SAMPLE, s, n, 0);
}

void wf_wire_rejected(struct wf_buf *b, const struct wf_rejected *r, uint32_t n)
{
	encode(b, WF_WIRE_REJECTED, r, n, 0);
}

/* ---- decoding ---------------------------------------------------------------------------------------- */

/* Everything below trusts no number: each is checked against the bytes that are left before anything is allocated for it. */
struct reader {
	struct wf_rd rd;
	struct wf_arena *arena;
	const char **strings;
	const char *const **lists;
	struct ints {
		int32_t *v;
		uint32_t n;
	} *ints;
	uint64_t string_count, list_count, ints_count;
};

static uint64_t get_var(struct wf_rd *r)
{
	if (r->p < r->end && !r->bad && !(*r->p & 0x80))
		return *r->p++;
	return wf_get_var(r);
}

/* A count of things of which each takes at least `least` bytes. */
static uint64_t get_count(struct wf_rd *r, size_t least)
{
	uint64_t n = get_var(r);

	if (n > (uint64_t)(r->end - r->p) / least)
		r->bad = 1;
	return r->bad ? 0 : n;
}

static void read_strings(struct reader *r)
{
	r->string_count = get_count(&r->rd, 2);
	r->strings = wf_arena_alloc(r->arena, r->string_count * sizeof(*r->strings));
	for (uint64_t i = 0; i < r->string_count && !r->rd.bad; i++) {
		uint64_t n = get_var(&r->rd);

		if (r->rd.bad || n >= (uint64_t)(r->rd.end - r->rd.p) || r->rd.p[n] != 0) {
			r->rd.bad = 1;
			return;
		}
		r->strings[i] = (const char *)r->rd.p;
		r->rd.p += n + 1;
	}
}

static void read_lists(struct reader *r)
{
	r->list_count = get_count(&r->rd, 1);
	r->lists = wf_arena_alloc(r->arena, r->list_count * sizeof(*r->lists));
	for (uint64_t i = 0; i < r->list_count && !r->rd.bad; i++) {
		uint64_t n = get_count(&r->rd, 1);
		const char **list = wf_arena_alloc(r->arena, (n + 1) * sizeof(*list));

		for (uint64_t k = 0; k < n; k++) {
			uint64_t id = get_var(&r->rd);

			if (r->rd.bad || id >= r->string_count) {
				r->rd.bad = 1;
				return;
			}
			list[k] = r->strings[id];
		}
		r->lists[i] = list;
	}
}

static void read_ints(struct reader *r)
{
	r->ints_count = get_count(&r->rd, 1);
	r->ints = wf_arena_alloc(r->arena, r->ints_count * sizeof(*r->ints));
	for (uint64_t i = 0; i < r->ints_count && !r->rd.bad; i++) {
		uint64_t n = get_count(&r->rd, 1);

		r->ints[i].n = (uint32_t)n;
		r->ints[i].v = wf_arena_alloc(r->arena, n * sizeof(*r->ints[i].v));
		for (uint64_t k = 0; k < n; k++) {
			int64_t v = wf_get_zig(&r->rd);

			if (v != (int32_t)v)
				r->rd.bad = 1;
			r->ints[i].v[k] = (int32_t)v;
		}
	}
}

/* 0, or -1 when the number does not fit the field. */
static int store(const struct reader *r, const struct field *f, char *entry, uint64_t v)
{
	void *to = entry + f->at;

	switch ((enum kind)f->kind) {
	case U8: *(uint8_t *)to = (uint8_t)v; return v == (uint8_t)v ? 0 : -1;
	case U16: *(uint16_t *)to = (uint16_t)v; return v == (uint16_t)v ? 0 : -1;
	case U32: *(uint32_t *)to = (uint32_t)v; return v == (uint32_t)v ? 0 : -1;
	case U64: *(uint64_t *)to = v; return 0;
	case I32: *(int32_t *)to = (int32_t)v; return (int64_t)v == (int32_t)v ? 0 : -1;
	case I64: *(int64_t *)to = (int64_t)v; return 0;
	case STR:
		if (v > r->string_count || (!v && f->need))
			return -1;
		if (v)
			memcpy(to, &r->strings[v - 1], sizeof(void *));
		return 0;
	case LIST:
		if (v > r->list_count || (!v && f->need))
			return -1;
		if (v)
			memcpy(to, &r->lists[v - 1], sizeof(void *));
		return 0;
	case INTS:
		if (v > r->ints_count)
			return -1;
		if (v) {
			memcpy(to, &r->ints[v - 1].v, sizeof(void *));
			*(uint32_t *)(void *)(entry + f->count_at) = r->ints[v - 1].n;
		}
		return 0;
	}
	return -1;
}

static int read_column(struct reader *r, const struct field *f, char *entries, size_t size, uint32_t n,
		       struct wf_rd *c)
{
	uint8_t mode = wf_get_u8(c);
	uint64_t v = 0;

	if (mode > 1)
		return -1;
	for (uint32_t i = 0; i < n; i++, entries += size) {
		if (mode || i == 0)
			v += zag(get_var(c));
		if (c->bad || store(r, f, entries, v) < 0)
			return -1;
	}
	return c->p == c->end ? 0 : -1;
}

static int read_columns(struct reader *r, const struct shape *shape, char *entries, uint32_t n)
{
	uint64_t columns = get_count(&r->rd, 5);

	for (uint64_t i = 0; i < columns; i++) {
		uint32_t len = wf_get_u32(&r->rd);
		struct wf_rd c;

		if (r->rd.bad || len > (uint64_t)(r->rd.end - r->rd.p))
			return -1;
		wf_rd_init(&c, r->rd.p, len);
		r->rd.p += len;
		if (i < shape->field_count && read_column(r, &shape->fields[i], entries, shape->size, n, &c) < 0)
			return -1;
	}
	for (uint64_t i = columns; i < shape->field_count; i++)
		if (shape->fields[i].need && n)
			return -1;
	return r->rd.bad || r->rd.p != r->rd.end ? -1 : 0;
}

int64_t wf_wire_whole(const void *p, size_t n)
{
	struct wf_rd r;
	uint32_t len;

	if (n < 4)
		return 0;
	wf_rd_init(&r, p, n);
	len = wf_get_u32(&r);
	if (len < HEADER - 4 || len > WF_WIRE_MAX - 4)
		return -1;
	return n - 4 < len ? 0 : (int64_t)len + 4;
}

int wf_wire_decode(struct wf_frame *f, const void *p, size_t n, struct wf_err *err)
{
	struct reader r = { .arena = &f->arena };
	const struct shape *shape;
	uint64_t count;
	char *entries;

	memset(f, 0, sizeof(*f));
	if (n < HEADER || wf_wire_whole(p, n) != (int64_t)n)
		return wf_errf(err, WF_BAD_REQUEST, "malformed frame: its length does not fit");
	wf_rd_init(&r.rd, p, n);
	wf_get_u32(&r.rd);
	f->type = wf_get_u8(&r.rd);
	wf_get_u8(&r.rd);
	f->version = wf_get_u16(&r.rd);
	shape = shape_of(f->type);
	if (!shape)
		return 0;
	f->last = wf_get_u8(&r.rd);
	count = get_var(&r.rd);
	if (r.rd.bad || count > ENTRIES_MAX || f->last > 1 || f->version == 0)
		goto malformed;
	if (count != 1 && (f->type == WF_WIRE_HELLO || f->type == WF_WIRE_ACK))
		goto malformed;
	read_strings(&r);
	read_lists(&r);
	read_ints(&r);
	entries = wf_arena_alloc(&f->arena, (count ? count : 1) * shape->size);
	if (r.rd.bad || read_columns(&r, shape, entries, (uint32_t)count) < 0)
		goto malformed;
	f->count = (uint32_t)count;
	f->ref = (void *)entries;
	if (f->type == WF_WIRE_ACK) {
		f->cursor = ((const struct ack *)(const void *)entries)->cursor;
		f->count = 0;
	}
	return 0;

malformed:
	return wf_errf(err, WF_BAD_REQUEST, "malformed frame of type %d, %zu bytes", (int)f->type, n);
}

void wf_frame_release(struct wf_frame *f)
{
	wf_arena_release(&f->arena);
}

/* decode.c - owns the bytes: rows of events (docs/design/003 and the head of engine/state/event.c) and the agent's journal, read by rules written
 * down a second time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fault/check.h"

struct cursor {
	const uint8_t *p, *end;
	int bad;
};

static uint8_t byte(struct cursor *c)
{
	if (c->p >= c->end) {
		c->bad = 1;
		return 0;
	}
	return *c->p++;
}

static uint64_t number(struct cursor *c)
{
	uint64_t v = 0;

	for (int shift = 0; shift < 70; shift += 7) {
		uint8_t b = byte(c);

		v |= (uint64_t)(b & 127) << (shift < 64 ? shift : 0);
		if (!(b & 128))
			return v;
	}
	c->bad = 1;
	return 0;
}

static int64_t zigzag(struct cursor *c)
{
	uint64_t v = number(c);

	return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

static const char *text(struct cursor *c, size_t *n)
{
	const uint8_t *p;

	*n = number(c);
	if (*n > (size_t)(c->end - c->p)) {
		c->bad = 1;
		*n = 0;
	}
	p = c->p;
	c->p += *n;
	return (const char *)p;
}

static uint32_t sum(uint32_t crc, const uint8_t *p, size_t n)
{
	crc = ~crc;
	while (n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc >> 1 ^ (0x82f63b78u & (0 - (crc & 1)));
	}
	return ~crc;
}

/* ---- events -------------------------------------------------------------------------------------------------------- */

uint32_t row_sum(uint64_t first, uint64_t count, int64_t time, uint64_t run, uint64_t epoch, const void *blob, size_t n)
{
	const uint64_t head[] = { first, count, (uint64_t)time, run, epoch };
	uint8_t bytes[40];

	for (int i = 0; i < 40; i++)
		bytes[i] = (uint8_t)(head[i / 8] >> i % 8 * 8);
	return sum(sum(0, bytes, sizeof(bytes)), blob, n);
}

static void fields(struct cursor *c, struct event *e)
{
	uint8_t flags = byte(c), shape = byte(c);
	uint64_t relative = 0;

	if (flags & 1)
		e->at += zigzag(c);
	if (flags & 2)
		e->a += (uint32_t)zigzag(c);
	if (flags & 4)
		e->b += (uint32_t)zigzag(c);
	e->cause = flags & 8 ? e->seq - (uint64_t)zigzag(c) : 0;
	if (flags & 16)
		(void)number(c); /* the request it follows from */
	if (flags & 32)
		relative = number(c);
	memset(e->v, 0, sizeof(e->v));
	for (int i = 0; i < (shape & 15); i++)
		e->v[i] = zigzag(c) + (relative >> i & 1 ? e->at : 0);
	memset(e->text_size, 0, sizeof(e->text_size));
	for (int i = 0; i < (shape >> 4 & 3); i++)
		e->text[i] = text(c, &e->text_size[i]);
}

int decode_row(const void *blob, size_t n, uint64_t run, uint64_t first, uint64_t count, int64_t time, uint64_t epoch,
	       void (*fn)(const struct event *e))
{
	struct cursor c = { blob, (const uint8_t *)blob + n, 0 };
	struct event e = { .seq = first, .run = run, .at = time, .epoch = epoch };

	while (c.p < c.end && !c.bad && e.seq < first + count) {
		uint8_t kind = byte(&c);

		if (kind) {
			e.kind = kind;
			fields(&c, &e);
			if (c.bad)
				return -1;
			fn(&e);
			e.seq++;
			continue;
		}
		uint8_t steps = byte(&c);
		uint64_t more = number(&c);

		if (!e.kind || e.seq + more > first + count)
			return -1;
		for (; more; more--) {
			e.b++;
			e.cause += steps & 1;
			e.v[0] += steps >> 1 & 1;
			fn(&e);
			e.seq++;
		}
	}
	return c.bad || c.p != c.end || e.seq != first + count ? -1 : 0;
}

/* ---- the journal ------------------------------------------------------------------------------------------------------ */

static void entry(struct cursor *c, struct entry *e)
{
	memset(e, 0, sizeof(*e));
	e->type = byte(c);
	if (e->type == ACK)
		e->cursor = number(c);
	if (e->type < START || e->type > SIGNAL)
		return;
	e->number = number(c);
	for (int i = 0; i < 4; i++) /* run, instance, index, attempt */
		(void)number(c);
	e->kind = byte(c);
	if (e->type == START)
		return;
	e->cursor = number(c);
	if (e->type == ENDED) {
		e->class = byte(c);
		e->exit = (int)zigzag(c);
	}
}

static uint32_t word(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

int decode_journal(const char *path, void (*fn)(const struct entry *e))
{
	static const char magic[] = "wf-agent-journal 1\n";
	size_t at = sizeof(magic) - 1, n;
	FILE *f = fopen(path, "r");
	uint8_t *p = malloc(1 << 24);

	n = f && p ? fread(p, 1, 1 << 24, f) : 0;
	if (f)
		fclose(f);
	if (n < at || memcmp(p, magic, at) != 0) {
		free(p);
		return -1;
	}
	while (n - at > 8) {
		uint32_t size = word(p + at);
		struct cursor c = { p + at + 8, p + at + 8 + size, 0 };
		struct entry e;

		if (!size || size > n - at - 8 || sum(0, c.p, size) != word(p + at + 4))
			break;
		entry(&c, &e);
		if (c.bad)
			violation("journal: a record at %zu that is too short for its type", at);
		fn(&e);
		at += 8 + size;
	}
	free(p);
	return 0;
}

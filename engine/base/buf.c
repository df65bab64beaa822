/* buf.c - owns growth, byte order and the arena; knows nothing of what the bytes mean. */
#include "engine/base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/err.h"

void *wf_xmalloc(size_t n)
{
	void *p = malloc(n ? n : 1);

	if (!p)
		wf_out_of_memory(n);
	return p;
}

void *wf_xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		wf_out_of_memory(n * size);
	return p;
}

void *wf_xrealloc(void *old, size_t n)
{
	void *p = realloc(old, n ? n : 1);

	if (!p)
		wf_out_of_memory(n);
	return p;
}

char *wf_xstrndup(const char *s, size_t n)
{
	char *p = wf_xmalloc(n + 1);

	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

char *wf_xstrdup(const char *s)
{
	return wf_xstrndup(s, strlen(s));
}

char *wf_xasprintf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		wf_out_of_memory(0);
	va_end(ap);
	return s;
}

void *wf_grow(void *items, size_t *cap, size_t need, size_t size)
{
	size_t n = *cap ? *cap : 8;

	if (need <= *cap)
		return items;
	while (n < need)
		n *= 2;
	items = wf_xrealloc(items, n * size);
	*cap = n;
	return items;
}

void wf_buf_release(struct wf_buf *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

void wf_buf_clear(struct wf_buf *b)
{
	b->len = 0;
	if (b->data)
		b->data[0] = '\0';
}

void *wf_buf_room(struct wf_buf *b, size_t n)
{
	if (b->cap - b->len <= n || !b->data) {
		size_t cap = b->cap ? b->cap : 64;

		while (cap - b->len <= n)
			cap *= 2;
		b->data = wf_xrealloc(b->data, cap);
		b->cap = cap;
	}
	return b->data + b->len;
}

void wf_buf_add(struct wf_buf *b, const void *p, size_t n)
{
	char *to = wf_buf_room(b, n);

	if (n)
		memcpy(to, p, n);
	b->len += n;
	b->data[b->len] = '\0';
}

void wf_buf_str(struct wf_buf *b, const char *s)
{
	wf_buf_add(b, s, strlen(s));
}

void wf_buf_char(struct wf_buf *b, char c)
{
	wf_buf_add(b, &c, 1);
}

void wf_buf_printf(struct wf_buf *b, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	wf_buf_room(b, 1);
	n = vsnprintf(b->data + b->len, b->cap - b->len, fmt, ap);
	va_end(ap);
	if (n < 0)
		WF_BUG("bad format '%s'", fmt);
	if ((size_t)n >= b->cap - b->len) {
		wf_buf_room(b, (size_t)n + 1);
		vsnprintf(b->data + b->len, b->cap - b->len, fmt, again);
	}
	va_end(again);
	b->len += (size_t)n;
}

char *wf_buf_take(struct wf_buf *b)
{
	char *s = b->data ? b->data : wf_xstrdup("");

	memset(b, 0, sizeof(*b));
	return s;
}

const char *wf_buf_cstr(const struct wf_buf *b)
{
	return b->data ? b->data : "";
}

void wf_put_u8(struct wf_buf *b, uint8_t v)
{
	wf_buf_add(b, &v, 1);
}

static void put_le(struct wf_buf *b, uint64_t v, size_t n)
{
	uint8_t *to = wf_buf_room(b, n);

	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)(v >> (8 * i));
	b->len += n;
}

void wf_put_u16(struct wf_buf *b, uint16_t v)
{
	put_le(b, v, 2);
}

void wf_put_u32(struct wf_buf *b, uint32_t v)
{
	put_le(b, v, 4);
}

void wf_put_u64(struct wf_buf *b, uint64_t v)
{
	put_le(b, v, 8);
}

void wf_put_var(struct wf_buf *b, uint64_t v)
{
	uint8_t *to = wf_buf_room(b, 10);
	size_t n = 0;

	while (v >= 0x80) {
		to[n++] = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	to[n++] = (uint8_t)v;
	b->len += n;
}

void wf_put_zig(struct wf_buf *b, int64_t v)
{
	wf_put_var(b, ((uint64_t)v << 1) ^ (uint64_t)(v >> 63));
}

void wf_put_bytes(struct wf_buf *b, const void *p, size_t n)
{
	wf_put_var(b, n);
	wf_buf_add(b, p, n);
}

void wf_put_cstr(struct wf_buf *b, const char *s)
{
	wf_put_bytes(b, s ? s : "", s ? strlen(s) : 0);
}

void wf_rd_init(struct wf_rd *r, const void *p, size_t n)
{
	r->p = p;
	r->end = r->p ? r->p + n : r->p;
	r->bad = 0;
}

static uint64_t get_le(struct wf_rd *r, size_t n)
{
	uint64_t v = 0;

	if (r->bad || (size_t)(r->end - r->p) < n) {
		r->bad = 1;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)r->p[i] << (8 * i);
	r->p += n;
	return v;
}

uint8_t wf_get_u8(struct wf_rd *r)
{
	return (uint8_t)get_le(r, 1);
}

uint16_t wf_get_u16(struct wf_rd *r)
{
	return (uint16_t)get_le(r, 2);
}

uint32_t wf_get_u32(struct wf_rd *r)
{
	return (uint32_t)get_le(r, 4);
}

uint64_t wf_get_u64(struct wf_rd *r)
{
	return get_le(r, 8);
}

uint64_t wf_get_var(struct wf_rd *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < 64 && !r->bad; shift += 7) {
		uint8_t c = wf_get_u8(r);

		if (shift == 63 && c > 1)
			break;
		v |= (uint64_t)(c & 0x7f) << shift;
		if (!(c & 0x80))
			return r->bad ? 0 : v;
	}
	r->bad = 1;
	return 0;
}

int64_t wf_get_zig(struct wf_rd *r)
{
	uint64_t v = wf_get_var(r);

	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

const char *wf_get_bytes(struct wf_rd *r, size_t *n)
{
	uint64_t len = wf_get_var(r);
	const char *s = (const char *)r->p;

	if (r->bad || len > (uint64_t)(r->end - r->p)) {
		r->bad = 1;
		*n = 0;
		return "";
	}
	r->p += len;
	*n = (size_t)len;
	return s;
}

struct wf_arena_block {
	struct wf_arena_block *next;
	size_t used;
	size_t size;
	_Alignas(16) char data[];
};

/* The first block is small: many arenas hold one short message. */
enum { ARENA_FIRST = 4 * 1024, ARENA_BLOCK = 64 * 1024 };

void *wf_arena_alloc(struct wf_arena *a, size_t n)
{
	struct wf_arena_block *b = a->head;
	void *p;

	n = (n + 15) & ~(size_t)15;
	if (!b || b->size - b->used < n) {
		size_t usual = b ? ARENA_BLOCK : ARENA_FIRST, size = n > usual / 4 ? n : usual;

		b = wf_xcalloc(1, sizeof(*b) + size);
		b->size = size;
		/* A large piece gets a block of its own behind the head, so the head keeps its room. */
		if (a->head && n > usual / 4) {
			b->next = a->head->next;
			a->head->next = b;
		} else {
			b->next = a->head;
			a->head = b;
		}
	}
	p = b->data + b->used;
	b->used += n;
	a->total += n;
	return p;
}

char *wf_arena_strndup(struct wf_arena *a, const char *s, size_t n)
{
	char *p = wf_arena_alloc(a, n + 1);

	memcpy(p, s, n);
	return p;
}

char *wf_arena_strdup(struct wf_arena *a, const char *s)
{
	return wf_arena_strndup(a, s, strlen(s));
}

char *wf_arena_printf(struct wf_arena *a, const char *fmt, ...)
{
	va_list ap, again;
	char most[256], *s;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(most, sizeof(most), fmt, ap);
	va_end(ap);
	if (n < 0)
		WF_BUG("bad format '%s'", fmt);
	s = wf_arena_alloc(a, (size_t)n + 1);
	if ((size_t)n < sizeof(most))
		memcpy(s, most, (size_t)n + 1);
	else
		vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	return s;
}

char *wf_arena_join(struct wf_arena *a, const char *first, ...)
{
	size_t len[16], n = 0, total = 0;
	const char *part[16];
	char *s, *at;
	va_list ap;

	va_start(ap, first);
	for (const char *p = first; p; p = va_arg(ap, const char *)) {
		WF_ASSERT(n < WF_COUNT(part));
		part[n] = p;
		total += len[n++] = strlen(p);
	}
	va_end(ap);
	s = at = wf_arena_alloc(a, total + 1);
	for (size_t i = 0; i < n; i++) {
		memcpy(at, part[i], len[i]);
		at += len[i];
	}
	*at = '\0';
	return s;
}

const char *wf_u64_text(char buf[24], uint64_t v)
{
	char *p = buf + 23;

	*p = '\0';
	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	return p;
}

void wf_arena_release(struct wf_arena *a)
{
	while (a->head) {
		struct wf_arena_block *b = a->head;

		a->head = b->next;
		free(b);
	}
	a->total = 0;
}

/* Table-driven, reflected polynomial 0x82f63b78 (RFC 3720 appendix B.4). */
uint32_t wf_crc32c(uint32_t crc, const void *p, size_t n)
{
	static uint32_t table[8][256];
	static int ready;
	const uint8_t *s = p;

	if (!__atomic_load_n(&ready, __ATOMIC_ACQUIRE)) {
		for (uint32_t i = 0; i < 256; i++) {
			uint32_t c = i;

			for (int k = 0; k < 8; k++)
				c = (c >> 1) ^ (0x82f63b78u & (0u - (c & 1)));
			__atomic_store_n(&table[0][i], c, __ATOMIC_RELAXED);
		}
		for (uint32_t i = 0; i < 256; i++)
			for (int k = 1; k < 8; k++)
				__atomic_store_n(&table[k][i],
						 (table[k - 1][i] >> 8) ^
							 table[0][table[k - 1][i] & 0xff],
						 __ATOMIC_RELAXED);
		__atomic_store_n(&ready, 1, __ATOMIC_RELEASE);
	}
	crc = ~crc;
	while (n >= 8) {
		uint32_t lo = crc ^ ((uint32_t)s[0] | (uint32_t)s[1] << 8 | (uint32_t)s[2] << 16 |
				     (uint32_t)s[3] << 24);

		crc = table[7][lo & 0xff] ^ table[6][(lo >> 8) & 0xff] ^
		      table[5][(lo >> 16) & 0xff] ^ table[4][lo >> 24] ^ table[3][s[4]] ^
		      table[2][s[5]] ^ table[1][s[6]] ^ table[0][s[7]];
		s += 8;
		n -= 8;
	}
	while (n--)
		crc = (crc >> 8) ^ table[0][(crc ^ *s++) & 0xff];
	return ~crc;
}

/* buf.h - memory that is there, growable bytes, and an arena
 *
 * wf_xmalloc and friends end the program when there is no memory (wf_out_of_memory): dying is a path we test anyway.
 * Whatever is sized from outside is bounded by its reader before it gets here.
 *
 * struct wf_buf is growable bytes, always NUL-terminated at data[len] once anything was added.
 * Zero-initialised is empty; wf_buf_release makes it empty again and frees.
 *
 * struct wf_arena hands out memory that lives until wf_arena_release; nothing is freed singly.
 */
#ifndef WF_BASE_BUF_H
#define WF_BASE_BUF_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

void *wf_xmalloc(size_t n);
void *wf_xcalloc(size_t n, size_t size);
void *wf_xrealloc(void *p, size_t n);
char *wf_xstrdup(const char *s);
char *wf_xstrndup(const char *s, size_t n);
char *wf_xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Grow an array to hold at least `need` items of `size` bytes, doubling; *cap in items. */
void *wf_grow(void *items, size_t *cap, size_t need, size_t size);

struct wf_buf {
	char *data;
	size_t len;
	size_t cap;
};

void wf_buf_release(struct wf_buf *b);
void wf_buf_clear(struct wf_buf *b);            /* keeps the memory */
void *wf_buf_room(struct wf_buf *b, size_t n);  /* n writable bytes at data+len; add n to len yourself */
void wf_buf_add(struct wf_buf *b, const void *p, size_t n);
void wf_buf_str(struct wf_buf *b, const char *s);
void wf_buf_char(struct wf_buf *b, char c);
void wf_buf_printf(struct wf_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The bytes as a C string owned by the caller; the buffer is empty afterwards. */
char *wf_buf_take(struct wf_buf *b);
const char *wf_buf_cstr(const struct wf_buf *b); /* "" when empty */

/* Little-endian fixed width and LEB128 varints, for blobs and the link. */
void wf_put_u8(struct wf_buf *b, uint8_t v);
void wf_put_u16(struct wf_buf *b, uint16_t v);
void wf_put_u32(struct wf_buf *b, uint32_t v);
void wf_put_u64(struct wf_buf *b, uint64_t v);
void wf_put_var(struct wf_buf *b, uint64_t v);
void wf_put_zig(struct wf_buf *b, int64_t v);
/* Length as a varint, then the bytes. */
void wf_put_bytes(struct wf_buf *b, const void *p, size_t n);
void wf_put_cstr(struct wf_buf *b, const char *s); /* NULL is written as "" */

/* Bounded reader: any read past the end sets `bad` and yields 0 or "", for ever after. */
struct wf_rd {
	const uint8_t *p;
	const uint8_t *end;
	int bad;
};
void wf_rd_init(struct wf_rd *r, const void *p, size_t n);
uint8_t wf_get_u8(struct wf_rd *r);
uint16_t wf_get_u16(struct wf_rd *r);
uint32_t wf_get_u32(struct wf_rd *r);
uint64_t wf_get_u64(struct wf_rd *r);
uint64_t wf_get_var(struct wf_rd *r);
int64_t wf_get_zig(struct wf_rd *r);
/* Points into the input; *n its length. "" and 0 when bad. Not NUL-terminated. */
const char *wf_get_bytes(struct wf_rd *r, size_t *n);

struct wf_arena {
	struct wf_arena_block *head;
	size_t total; /* bytes handed out */
};
void *wf_arena_alloc(struct wf_arena *a, size_t n); /* zeroed, aligned to 16 */
char *wf_arena_strndup(struct wf_arena *a, const char *s, size_t n);
char *wf_arena_strdup(struct wf_arena *a, const char *s);
char *wf_arena_printf(struct wf_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The strings up to NULL, 16 at most, as one: where wf_arena_printf would be called a million times. */
char *wf_arena_join(struct wf_arena *a, const char *first, ...) __attribute__((sentinel));
const char *wf_u64_text(char buf[24], uint64_t v); /* decimal; points into buf */
void wf_arena_release(struct wf_arena *a);

/* CRC-32C (Castagnoli), as stored beside each packed event row. */
uint32_t wf_crc32c(uint32_t crc, const void *p, size_t n);

#define wf_container_of(ptr, type, member) ((type *)((char *)(ptr) - offsetof(type, member)))
#define WF_COUNT(a) (sizeof(a) / sizeof((a)[0]))

#endif

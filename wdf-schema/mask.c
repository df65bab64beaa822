/* mask.c - owns the masking of placeholders before libyaml reads a text, and putting them back. Knows nothing of nodes but their text.
 *
 * libyaml would read "x: {{ X }}" as a mapping in a mapping. So each piece that looks like a placeholder is replaced, character for
 * character, by characters of the private plane 16: a mark, three digits to the base 4096 that number the piece, and padding. Columns
 * stay right, nothing in it means anything to YAML, and in each scalar the pieces are put back by number.
 */
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/yaml_parts.h"

enum { DIGITS = 3, PIECE = 4 /* bytes of one masking character in UTF-8 */ };
static const char mark[] = "\xf4\x8f\x80\x80"; /* U+10F000 */
static const char pad[] = "\xf4\x8e\x80\x80";  /* U+10E000 */

static size_t count_chars(const char *s, size_t n)
{
	size_t chars = 0;

	for (size_t i = 0; i < n; i++)
		chars += ((unsigned char)s[i] & 0xc0) != 0x80;
	return chars;
}

static void add_piece(struct wf_buf *out, size_t number, size_t chars)
{
	wf_buf_add(out, mark, PIECE);
	for (int i = DIGITS - 1; i >= 0; i--) {
		unsigned digit = (unsigned)(number >> (12 * i)) & 0xfff;
		char c[PIECE] = { (char)0xf4, (char)0x80, (char)(0x80 | digit >> 6),
				  (char)(0x80 | (digit & 0x3f)) };

		wf_buf_add(out, c, PIECE);
	}
	for (size_t i = 1 + DIGITS; i < chars; i++)
		wf_buf_add(out, pad, PIECE);
}

void wdf_masks_put(struct wdf_masks *m, const char *text, size_t n, struct wf_buf *out)
{
	struct wdf_pos pos = { 1, 1 };
	size_t from = 0, at = 0;

	while (at < n) {
		unsigned char c = (unsigned char)text[at];
		size_t len, chars;

		if (c != '{' || (len = wdf_mask_len(text + at, n - at)) == 0) {
			if (c == '\n' || (c == '\r' && !(at + 1 < n && text[at + 1] == '\n'))) {
				pos.line++;
				pos.column = 1;
			} else if ((c & 0xc0) != 0x80 && c != '\r') {
				pos.column++;
			}
			at++;
			continue;
		}
		chars = count_chars(text + at, len);
		m->items = wf_grow(m->items, &m->cap, m->count + 1, sizeof(*m->items));
		m->places = wf_grow(m->places, &m->place_cap, m->count + 1, sizeof(*m->places));
		m->items[m->count] = (struct wdf_mask){ text + at, len };
		m->places[m->count] = pos;
		wf_buf_add(out, text + from, at - from);
		add_piece(out, m->count++, chars);
		pos.column += (uint32_t)chars;
		at += len;
		from = at;
	}
	wf_buf_add(out, text + from, n - from);
}

/* Number of the piece at s, or -1 when the characters are the user's own. */
static int64_t piece_number(const struct wdf_masks *m, const char *s, size_t n)
{
	int64_t number = 0;

	if (n < PIECE * (1 + DIGITS) || memcmp(s, mark, PIECE) != 0)
		return -1;
	for (int i = 1; i <= DIGITS; i++) {
		const unsigned char *c = (const unsigned char *)s + i * PIECE;

		if (c[0] != 0xf4 || c[1] != 0x80)
			return -1;
		number = number << 12 | (c[2] & 0x3f) << 6 | (c[3] & 0x3f);
	}
	return number < (int64_t)m->count ? number : -1;
}

const char *wdf_masks_undo(const struct wdf_masks *m, struct wf_arena *a, const char *s, size_t n, struct wdf_node *node)
{
	struct wf_buf b = { 0 };
	const char *at = s, *end = s + n, *hit, *text;

	while ((hit = memmem(at, (size_t)(end - at), mark, PIECE))) {
		int64_t number = piece_number(m, hit, (size_t)(end - hit));
		size_t bytes;

		wf_buf_add(&b, at, (size_t)(hit - at));
		if (number < 0) {
			wf_buf_add(&b, hit, PIECE);
			at = hit + PIECE;
			continue;
		}
		if (!node->masked)
			node->total = (uint32_t)number;
		node->masked = 1;
		wf_buf_add(&b, m->items[number].text, m->items[number].len);
		bytes = PIECE * count_chars(m->items[number].text, m->items[number].len);
		at = bytes < (size_t)(end - hit) ? hit + bytes : end;
	}
	if (at == s) {
		node->count = (uint32_t)n;
		return wf_arena_strndup(a, s, n);
	}
	wf_buf_add(&b, at, (size_t)(end - at));
	node->count = (uint32_t)b.len;
	text = wf_arena_strndup(a, b.data, b.len);
	wf_buf_release(&b);
	return text;
}

void wdf_masks_release(struct wdf_masks *m)
{
	free(m->items);
	free(m->places);
	memset(m, 0, sizeof(*m));
}

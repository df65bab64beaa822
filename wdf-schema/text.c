/* text.c - owns the bytes of a file before YAML sees them: encoding, characters, the shape of placeholders. Knows
 * nothing of keys and values. */
#include <stdio.h>
#include <string.h>

#include "wdf-schema/diag.h"
#include "wdf-schema/yaml.h"

static struct wdf_pos pos_of(const char *text, size_t at)
{
	struct wdf_pos p = { 1, 1 };

	for (size_t i = 0; i < at; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\n' || (c == '\r' && !(i + 1 < at && text[i + 1] == '\n'))) {
			p.line++;
			p.column = 1;
		} else if ((c & 0xc0) != 0x80 && c != '\r') {
			p.column++;
		}
	}
	return p;
}

/* Length of the UTF-8 sequence at s and its code point, or 0: overlong forms, surrogates and beyond U+10FFFF are
 * none. */
static size_t decode(const unsigned char *s, size_t n, uint32_t *u)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
	uint32_t v;

	if (len == 0 || len > n)
		return 0;
	v = len == 1 ? s[0] : s[0] & (0x7fu >> len);
	for (size_t i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		v = v << 6 | (s[i] & 0x3fu);
	}
	if (v < least[len] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
		return 0;
	*u = v;
	return len;
}

static const char *refused(uint32_t u)
{
	if (u == 0)
		return "NUL";
	if (u < 0x20 || (u >= 0x7f && u < 0xa0 && u != 0x85))
		return "control character";
	if (u == 0x85 || u == 0x2028 || u == 0x2029)
		return "Unicode line separator";
	if (u == 0xfeff)
		return "byte order mark inside the text";
	if ((u >= 0x202a && u <= 0x202e) || (u >= 0x2066 && u <= 0x2069))
		return "control of text direction";
	if ((u & 0xfffe) == 0xfffe)
		return "code point that is no character";
	return NULL;
}

/* UTF-16 and UTF-32 show in their first bytes: a byte order mark, or every other byte zero. */
static const char *other_encoding(const unsigned char *s, size_t n)
{
	if (n >= 4 && s[0] == 0xff && s[1] == 0xfe && s[2] == 0 && s[3] == 0)
		return "UTF-32";
	if (n >= 4 && s[0] == 0 && s[1] == 0 && s[2] == 0xfe && s[3] == 0xff)
		return "UTF-32";
	if (n >= 2 && ((s[0] == 0xff && s[1] == 0xfe) || (s[0] == 0xfe && s[1] == 0xff)))
		return "UTF-16";
	if (n >= 4 && ((s[0] && !s[1] && s[2] && !s[3]) || (!s[0] && s[1] && !s[2] && s[3])))
		return "UTF-16";
	return NULL;
}

int wdf_text_check(const char *text, size_t n, size_t *skip, struct wdf_diags *d)
{
	const unsigned char *s = (const unsigned char *)text;
	const char *encoding = other_encoding(s, n);
	size_t at = n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	int bad = 0;

	*skip = at;
	if (encoding) {
		wdf_hint(wdf_find(d, WDF_NOT_UTF8, (struct wdf_pos){ 1, 1 }, 1,
				  "the file is %s, expected UTF-8 (byte offset 0)", encoding),
			 "save it as UTF-8");
		return -1;
	}
	while (at < n && !wdf_diags_full(d)) {
		const char *what;
		uint32_t u;
		size_t len;

		if (s[at] >= 0x20 && s[at] < 0x7f) { /* nearly always */
			at++;
			continue;
		}
		len = decode(s + at, n - at, &u);
		if (len == 0) {
			wdf_find(d, WDF_NOT_UTF8, pos_of(text + *skip, at - *skip), 1,
				 "byte 0x%02x at byte offset %zu is not UTF-8", s[at], at);
			return -1;
		}
		what = u == '\n' || u == '\r' || u == '\t' ? NULL : refused(u);
		if (what) {
			wdf_hint(wdf_find(d, WDF_CHARACTER, pos_of(text + *skip, at - *skip), 1,
					  "U+%04X at byte offset %zu: %s", u, at, what),
				 "remove it");
			bad = -1;
		}
		at += len;
	}
	return bad;
}

size_t wdf_mask_len(const char *s, size_t n)
{
	if (n < 4 || s[0] != '{' || s[1] != '{')
		return 0;
	for (size_t i = 2; i + 1 < n; i++) {
		switch (s[i]) {
		case '}':
			return s[i + 1] == '}' ? i + 2 : 0;
		case '{':
		case '\n':
		case '\r':
		case '"':
		case '\'':
		case '\\':
			return 0;
		default:
			break;
		}
	}
	return 0;
}

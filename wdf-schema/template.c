/* template.c - owns "{{ name }}" in scalars: its form, its parts, its replacement. Knows nothing of which names exist:
 * the caller's scope does. Replacement is done once: what a value contains is never looked at again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/diag.h"
#include "wdf-schema/value.h"
#include "wdf-schema/yaml.h"

enum { WIDEST = 64 };

static int is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/* Length of a dotted name at s: words of letters, digits, '_' and inner '-', joined by dots. */
static size_t name_len(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n) {
		size_t start = i;

		while (i < n && (is_word(s[i]) || (s[i] == '-' && i > start)))
			i++;
		if (i == start)
			return 0;
		if (i + 1 >= n || s[i] != '.' || !is_word(s[i + 1]))
			break;
		i++;
	}
	return i;
}

/* "name", "name:04", "name | join"; -1 when s is none of them. */
static int read_name(const char *s, size_t n, struct wdf_brace *b)
{
	size_t i = name_len(s, n), digits = 0;
	unsigned width = 0;

	if (i == 0)
		return -1;
	b->name = s;
	b->name_len = (uint32_t)i;
	if (i == n)
		return 0;
	if (n - i >= 6 && s[i] == ' ') {
		while (i < n && s[i] == ' ')
			i++;
		if (i == n || s[i++] != '|')
			return -1;
		while (i < n && s[i] == ' ')
			i++;
		b->join = 1;
		return n - i == 4 && memcmp(s + i, "join", 4) == 0 ? 0 : -1;
	}
	if (s[i++] != ':')
		return -1;
	if (i < n && s[i] == '0') {
		b->zero = 1;
		i++;
	}
	for (; i < n && s[i] >= '0' && s[i] <= '9' && digits < 3; i++, digits++)
		width = width * 10 + (unsigned)(s[i] - '0');
	b->width = (uint8_t)(width <= WIDEST ? width : 0);
	return i == n && digits && width >= 1 && width <= WIDEST ? 0 : -1;
}

int wdf_brace_next(const char *text, size_t n, size_t *at, struct wdf_brace *b)
{
	const char *open;
	size_t from, to;

	memset(b, 0, sizeof(*b));
	for (;;) {
		open = *at < n ? memmem(text + *at, n - *at, "{{", 2) : NULL;
		if (!open)
			return 0;
		b->at = (size_t)(open - text);
		b->len = wdf_mask_len(open, n - b->at);
		if (b->len)
			break;
		*at = b->at + 1;
	}
	*at = b->at + b->len;
	from = b->at + 2;
	to = b->at + b->len - 2;
	while (from < to && text[from] == ' ')
		from++;
	while (to > from && text[to - 1] == ' ')
		to--;
	if (read_name(text + from, to - from, b) == 0)
		b->form = from == b->at + 3 && to == b->at + b->len - 3 ? WDF_BRACE_NAME : WDF_BRACE_BLANKS;
	else if (from == b->at + 3 && to == b->at + b->len - 3 && name_len(text + from, 1))
		b->form = WDF_BRACE_OTHER;
	else
		b->form = WDF_BRACE_TEXT;
	return 1;
}

/* Place of the brace at `at`: known by its mask, else counted on from the last one. */
static struct wdf_pos brace_pos(const struct wdf_tmpl_source *from, size_t at, uint32_t index, size_t *counted,
				struct wdf_pos *last)
{
	if (from->masks && index < from->mask_count)
		return from->masks[index];
	for (; *counted < at; ++*counted)
		if (((unsigned char)from->text[*counted] & 0xc0) != 0x80)
			last->column++;
	return *last;
}

static int report(const struct wdf_tmpl_source *from, const struct wdf_brace *b, struct wdf_pos pos,
		  struct wdf_diags *d)
{
	char shown[WDF_SHOWN], name[WDF_SHOWN];
	enum wdf_code code = from->lenient ? WDF_W_LITERAL : WDF_PLACEHOLDER;
	struct wdf_diag *f;

	wdf_shown(from->text + b->at, b->len, shown);
	f = wdf_find(d, code, pos, (uint32_t)b->len, "'%s' is %s", shown,
		     from->lenient ? "taken as text, not as a placeholder" : "not a placeholder");
	if (b->form == WDF_BRACE_BLANKS)
		wdf_hint(f, "write '{{ %s }}', with one blank on each side",
			 wdf_shown(b->name, b->name_len, name));
	else
		wdf_hint(f, "a placeholder is a name, as in '{{ seed }}' or '{{ seed:04 }}'");
	return from->lenient ? 0 : -1;
}

int wdf_tmpl_read(struct wdf_tmpl *t, struct wf_arena *a, const struct wdf_tmpl_source *from,
		  struct wdf_diags *d)
{
	struct wdf_part *parts = NULL;
	size_t cap = 0, count = 0, at = 0, literal = 0;
	const char *raw = wf_arena_strndup(a, from->text, from->len);
	struct wdf_pos last = from->pos;
	size_t counted = 0;
	struct wdf_brace b;
	uint32_t index = 0;
	int rc = 0;

	for (; wdf_brace_next(raw, from->len, &at, &b); index++) {
		struct wdf_pos pos;

		if (b.form == WDF_BRACE_TEXT)
			continue;
		pos = brace_pos(from, b.at, index, &counted, &last);
		if (b.form != WDF_BRACE_NAME) {
			if (report(from, &b, pos, d) < 0)
				rc = -1;
			continue;
		}
		parts = wf_grow(parts, &cap, count + 2, sizeof(*parts));
		if (b.at > literal)
			parts[count++] = (struct wdf_part){ .text = raw + literal,
							    .len = (uint32_t)(b.at - literal),
							    .pos = from->pos };
		parts[count++] = (struct wdf_part){ .text = b.name,
						    .len = b.name_len,
						    .is_name = 1,
						    .zero = b.zero,
						    .width = b.width,
						    .join = b.join,
						    .pos = pos };
		literal = b.at + b.len;
	}
	/* An empty text is one empty part: a count of 0 says that there is no template at all. */
	if (from->len > literal || count == 0) {
		parts = wf_grow(parts, &cap, count + 1, sizeof(*parts));
		parts[count++] = (struct wdf_part){ .text = raw + literal,
						    .len = (uint32_t)(from->len - literal),
						    .pos = from->pos };
	}
	t->parts = wf_arena_alloc(a, count * sizeof(*parts));
	memcpy((void *)t->parts, parts, count * sizeof(*parts));
	free(parts);
	t->count = (uint32_t)count;
	t->pos = from->pos;
	t->raw = raw;
	return rc;
}

int wdf_tmpl_parse(struct wdf_tmpl *t, struct wf_arena *a, const char *text, struct wdf_pos pos,
		   struct wdf_diags *d)
{
	return wdf_tmpl_read(t, a,
			     &(struct wdf_tmpl_source){ .text = text, .len = strlen(text), .pos = pos }, d);
}

int wdf_tmpl_is_literal(const struct wdf_tmpl *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		if (t->parts[i].is_name)
			return 0;
	return 1;
}

/* "7" to four places: "   7", or "0007"; a sign stays in front of the zeros, as printf does. */
static int pad(const struct wdf_part *p, const char *text, size_t len, struct wf_buf *out,
	       struct wf_err *err)
{
	size_t sign = p->zero && len && (*text == '-' || *text == '+'), fill = 0;

	if (p->zero && (len == sign || strspn(text + sign, "0123456789.") < len - sign))
		return wf_errf(err, WF_INVALID, "'{{ %.*s:0%u }}' needs a number, and its value is '%.60s'",
			       (int)p->len, p->text, p->width, text);
	if (len < p->width)
		fill = p->width - len;
	wf_buf_add(out, text, sign);
	while (fill-- > 0)
		wf_buf_char(out, p->zero ? '0' : ' ');
	wf_buf_add(out, text + sign, len - sign);
	return 0;
}

int wdf_part_render(const struct wdf_part *p, const struct wdf_scope *scope, struct wf_buf *out,
		    struct wf_err *err)
{
	struct wf_arena made = { 0 };
	struct wdf_value v;
	int rc;

	rc = wdf_scope_resolve(scope, p->text, p->len, &made, &v, err);
	if (rc == 0 && p->width) {
		struct wf_buf text = { 0 };

		wdf_value_text(&v, &text);
		rc = pad(p, wf_buf_cstr(&text), text.len, out, err);
		wf_buf_release(&text);
	} else if (rc == 0) {
		wdf_value_text(&v, out);
	}
	wf_arena_release(&made);
	return rc;
}

int wdf_tmpl_render(const struct wdf_tmpl *t, const struct wdf_scope *scope, struct wf_buf *out,
		    struct wf_err *err)
{
	size_t before = out->len;

	for (uint32_t i = 0; i < t->count; i++) {
		const struct wdf_part *p = &t->parts[i];

		if (!p->is_name) {
			wf_buf_add(out, p->text, p->len);
		} else if (wdf_part_render(p, scope, out, err) < 0) {
			out->len = before;
			if (out->data)
				out->data[before] = '\0';
			return -1;
		}
	}
	return 0;
}

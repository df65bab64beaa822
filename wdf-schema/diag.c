/* diag.c - owns the list of findings and how it is printed; knows nothing of what is looked for.
 *
 * At most WDF_MAX_ERRORS errors and as many warnings are kept; the rest is counted. A finding equal in code and place to a kept
 * one is dropped: an aliased or inherited block is read once per use, and one mistake is one finding.
 */
#include "wdf-schema/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"

static const struct {
	const char *code, *title, *text;
} codes[] = {
#define X(sym, code, title, text) { code, title, text },
	WDF_CODES(X)
#undef X
};

const char *wdf_code_explain(const char *code)
{
	for (size_t i = 0; i < WF_COUNT(codes); i++)
		if (strcmp(codes[i].code, code) == 0)
			return codes[i].text;
	return NULL;
}

const char *wdf_code_title(const char *code)
{
	for (size_t i = 0; i < WF_COUNT(codes); i++)
		if (strcmp(codes[i].code, code) == 0)
			return codes[i].title;
	return NULL;
}

const char *wdf_code_at(size_t i)
{
	return i < WF_COUNT(codes) ? codes[i].code : NULL;
}

static size_t kept(const struct wdf_diags *d, enum wdf_severity severity)
{
	size_t n = 0;

	for (size_t i = 0; i < d->count; i++)
		n += d->items[i].severity == severity;
	return n;
}

int wdf_diags_full(const struct wdf_diags *d)
{
	return d->errors >= WDF_MAX_ERRORS && kept(d, WDF_ERROR) >= WDF_MAX_ERRORS;
}

/* Findings are kept in the order of the file, so the first is the one to mend first. */
static struct wdf_diag *insert(struct wdf_diags *d, const struct wdf_diag *f)
{
	size_t at = d->count;

	d->items = wf_grow(d->items, &d->cap, d->count + 1, sizeof(*d->items));
	while (at > 0 && (d->items[at - 1].pos.line > f->pos.line ||
			  (d->items[at - 1].pos.line == f->pos.line &&
			   d->items[at - 1].pos.column > f->pos.column)))
		at--;
	memmove(&d->items[at + 1], &d->items[at], (d->count - at) * sizeof(*d->items));
	d->items[at] = *f;
	d->count++;
	return &d->items[at];
}

/* One mistake read twice: same code, same place, and the same text up to the end of its subject in quotes. What
 * follows may name the step that inherited it. Of what a version cannot do, and of warnings, there may be several at
 * one place. */
static int is_same(const struct wdf_diag *a, const struct wdf_diag *b)
{
	const char *end = strchr(b->text, '\'');

	if (!a->pos.line || a->pos.line != b->pos.line || a->pos.column != b->pos.column ||
	    strcmp(a->code, b->code) != 0)
		return 0;
	if (end)
		end = strchr(end + 1, '\'');
	if (a->code[0] == 'W' || strncmp(a->code, "E06", 3) == 0)
		end = NULL;
	return end ? strncmp(a->text, b->text, (size_t)(end - b->text)) == 0 :
		     strcmp(a->text, b->text) == 0;
}

struct wdf_diag *wdf_find(struct wdf_diags *d, enum wdf_code code, struct wdf_pos pos, uint32_t span,
			  const char *fmt, ...)
{
	struct wdf_diag f = { .pos = pos, .span = span ? span : 1 };
	va_list ap;

	snprintf(f.code, sizeof(f.code), "%s", codes[code].code);
	f.severity = f.code[0] == 'W' ? WDF_WARNING : WDF_ERROR;
	va_start(ap, fmt);
	if (vasprintf(&f.text, fmt, ap) < 0)
		wf_out_of_memory(0);
	va_end(ap);
	for (size_t i = 0; i < d->count; i++)
		if (is_same(&d->items[i], &f)) {
			free(f.text);
			return NULL;
		}
	if (f.severity == WDF_ERROR)
		d->errors++;
	if (kept(d, f.severity) >= WDF_MAX_ERRORS) {
		free(f.text);
		return NULL;
	}
	return insert(d, &f);
}

void wdf_hint(struct wdf_diag *f, const char *fmt, ...)
{
	va_list ap;

	if (!f)
		return;
	free(f->hint);
	va_start(ap, fmt);
	if (vasprintf(&f->hint, fmt, ap) < 0)
		wf_out_of_memory(0);
	va_end(ap);
}

void wdf_related(struct wdf_diag *f, struct wdf_pos pos, const char *fmt, ...)
{
	va_list ap;

	if (!f || !pos.line)
		return;
	free(f->related_text);
	f->related = pos;
	va_start(ap, fmt);
	if (vasprintf(&f->related_text, fmt, ap) < 0)
		wf_out_of_memory(0);
	va_end(ap);
}

static int is_among(const char *name, const char *const *names, size_t n)
{
	while (n-- > 0)
		if (strcmp(names[n], name) == 0)
			return 1;
	return 0;
}

void wdf_hint_names(struct wdf_diag *f, const char *word, const char *const *names, size_t n)
{
	enum { FEW = 12 };
	const char *near;

	if (!f)
		return;
	near = strlen(word) <= 64 ? wf_nearest(word, names, n) : NULL;
	if (near) {
		wdf_hint(f, "did you mean '%s'?", near);
	} else if (n > 0 && n <= FEW) {
		struct wf_buf b = { 0 };

		/* A file with errors may have things without a name, and two of one name. */
		for (size_t i = 0; i < n; i++)
			if (*names[i] && !is_among(names[i], names, i))
				wf_buf_printf(&b, "%s%s", b.len ? ", " : "", names[i]);
		if (b.len)
			wdf_hint(f, "known: %s", wf_buf_cstr(&b));
		wf_buf_release(&b);
	}
}

const char *wdf_shown(const char *text, size_t n, char *to)
{
	enum { LONGEST = 40 };
	size_t at = 0, chars = 0;

	for (size_t i = 0; i < n; chars++) {
		unsigned char c = (unsigned char)text[i];

		if (chars == LONGEST || at + 12 > WDF_SHOWN - 4) {
			memcpy(to + at, "...", 3);
			at += 3;
			break;
		}
		if (c == '\n' || c == '\t' || c == '\r') {
			to[at++] = '\\';
			to[at++] = c == '\n' ? 'n' : c == '\t' ? 't' : 'r';
			i++;
		} else if (c < 0x20 || c == 0x7f) {
			at += (size_t)snprintf(to + at, 8, "\\x%02x", c);
			i++;
		} else if (c < 0x80) {
			to[at++] = (char)c;
			i++;
		} else {
			/* What is not ASCII is shown as it is, but the controls of direction by number. */
			size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
			unsigned u;

			if (len > n - i)
				len = n - i;
			u = len == 3 ? ((c & 0x0fu) << 12) | (((unsigned char)text[i + 1] & 0x3fu) << 6) |
					       ((unsigned char)text[i + 2] & 0x3fu)
				     : 0;
			if ((u >= 0x200e && u <= 0x200f) || (u >= 0x2028 && u <= 0x202e) ||
			    (u >= 0x2066 && u <= 0x2069)) {
				at += (size_t)snprintf(to + at, 8, "U+%04X", u);
			} else {
				memcpy(to + at, text + i, len);
				at += len;
			}
			i += len;
		}
	}
	to[at] = '\0';
	return to;
}

void wdf_diags_release(struct wdf_diags *d)
{
	for (size_t i = 0; i < d->count; i++) {
		free(d->items[i].text);
		free(d->items[i].hint);
		free(d->items[i].related_text);
	}
	free(d->items);
	memset(d, 0, sizeof(*d));
}

/* ---- as text ---------------------------------------------------------------------------------- */

struct line {
	const char *start;
	size_t len;
};

/* Line breaks are LF, CR LF and CR, as libyaml counts them. */
static struct line line_at(const char *text, size_t n, uint32_t number)
{
	struct line l = { NULL, 0 };
	size_t at = 0, end;

	for (uint32_t i = 1; i < number; i++) {
		while (at < n && text[at] != '\n' && text[at] != '\r')
			at++;
		if (at >= n)
			return l;
		at += text[at] == '\r' && at + 1 < n && text[at + 1] == '\n' ? 2 : 1;
	}
	for (end = at; end < n && text[end] != '\n' && text[end] != '\r';)
		end++;
	l.start = text + at;
	l.len = end - at;
	return l;
}

static size_t char_len(const char *s, size_t n)
{
	size_t len = 1;

	while (len < n && ((unsigned char)s[len] & 0xc0) == 0x80)
		len++;
	return len;
}

/* Characters that a terminal would obey rather than show. */
static int is_control(const char *s, size_t len)
{
	unsigned char c = (unsigned char)s[0], d = len > 1 ? (unsigned char)s[1] : 0;

	return (c < 0x20 && c != '\t') || c == 0x7f || (c >= 0x80 && len == 1) || (c == 0xc2 && d < 0xa0) ||
	       (c == 0xe2 && len > 2 && (d == 0x80 || d == 0x81) && (unsigned char)s[2] >= 0x8b);
}

/* The source line and a caret under `pos`; of a long line, the window around it. */
static void excerpt(const char *text, size_t n, struct wdf_pos pos, uint32_t span, const char *paint,
		    const char *plain, struct wf_buf *out)
{
	enum { BEFORE = 60, WIDTH = 110 };
	struct line l = line_at(text, n, pos.line);
	uint32_t column = 1, from = pos.column > BEFORE + 20 ? pos.column - BEFORE : 1;
	struct wf_buf under = { 0 };
	uint32_t marked = 0;

	if (!l.start || n == 0)
		return;
	wf_buf_str(out, "    ");
	wf_buf_str(&under, "    ");
	if (from > 1) {
		wf_buf_str(out, "...");
		wf_buf_str(&under, "   ");
	}
	for (size_t i = 0; i < l.len; column++) {
		size_t len = char_len(l.start + i, l.len - i);

		if (column >= from + WIDTH) {
			wf_buf_str(out, "...");
			break;
		}
		if (column >= from) {
			if (is_control(l.start + i, len))
				wf_buf_char(out, '?');
			else
				wf_buf_add(out, l.start + i, len);
			if (column < pos.column)
				wf_buf_char(&under, l.start[i] == '\t' ? '\t' : ' ');
			else if (column < pos.column + span && marked < WIDTH && ++marked)
				wf_buf_char(&under, '^');
		}
		i += len;
	}
	if (!marked) {
		for (; column < pos.column && column < from + WIDTH; column++)
			wf_buf_char(&under, ' ');
		wf_buf_char(&under, '^');
	}
	wf_buf_printf(out, "\n%s%s%s\n", paint, wf_buf_cstr(&under), plain);
	wf_buf_release(&under);
}

static void place(const char *file, struct wdf_pos pos, struct wf_buf *out)
{
	wf_buf_str(out, file);
	if (pos.line)
		wf_buf_printf(out, ":%u:%u", pos.line, pos.column);
	wf_buf_str(out, ": ");
}

void wdf_diags_text(const struct wdf_diags *d, const char *file, const char *text, size_t n, int colour,
		    struct wf_buf *out)
{
	const char *bold = colour ? "\033[1m" : "", *plain = colour ? "\033[0m" : "";
	size_t shown = kept(d, WDF_ERROR);

	for (size_t i = 0; i < d->count; i++) {
		const struct wdf_diag *f = &d->items[i];
		const char *paint = !colour ? "" : f->severity == WDF_ERROR ? "\033[31m" : "\033[33m";

		wf_buf_str(out, bold);
		place(file, f->pos, out);
		wf_buf_printf(out, "%s%s%s[%s]%s: %s%s%s\n", plain, paint,
			      f->severity == WDF_ERROR ? "error" : "warning", f->code, plain, f->text,
			      f->hint ? "; " : "", f->hint ? f->hint : "");
		if (text && f->pos.line)
			excerpt(text, n, f->pos, f->span, paint, plain, out);
		if (f->related.line) {
			wf_buf_str(out, bold);
			place(file, f->related, out);
			wf_buf_printf(out, "%snote: %s\n", plain, f->related_text);
			if (text)
				excerpt(text, n, f->related, 1, paint, plain, out);
		}
	}
	if (d->errors > shown)
		wf_buf_printf(out, "%s: %zu further errors not shown\n", file, d->errors - shown);
}

/* ---- as JSON ---------------------------------------------------------------------------------- */

/* Messages are made of checked UTF-8 but for what a -p value brings; a byte that is none becomes '?'. */
static json_t *json_text(const char *s)
{
	json_t *v = json_string(s);

	if (!v) {
		char *copy = wf_xstrdup(s);

		for (char *c = copy; *c; c++)
			if ((unsigned char)*c >= 0x80)
				*c = '?';
		v = json_string(copy);
		free(copy);
	}
	return v;
}

json_t *wdf_diags_json(const struct wdf_diags *d)
{
	json_t *list = json_array();

	for (size_t i = 0; i < d->count; i++) {
		const struct wdf_diag *f = &d->items[i];
		json_t *o = json_object();

		json_object_set_new(o, "severity",
				    json_string(f->severity == WDF_ERROR ? "error" : "warning"));
		json_object_set_new(o, "code", json_string(f->code));
		json_object_set_new(o, "line", json_integer(f->pos.line));
		json_object_set_new(o, "column", json_integer(f->pos.column));
		json_object_set_new(o, "span", json_integer(f->span));
		json_object_set_new(o, "message", json_text(f->text));
		json_object_set_new(o, "hint", f->hint ? json_text(f->hint) : json_null());
		if (f->related.line) {
			json_t *r = json_object();

			json_object_set_new(r, "line", json_integer(f->related.line));
			json_object_set_new(r, "column", json_integer(f->related.column));
			json_object_set_new(r, "message", json_text(f->related_text));
			json_object_set_new(o, "related", r);
		}
		json_array_append_new(list, o);
	}
	return list;
}

void wdf_diags_err(const struct wdf_diags *d, const char *file, struct wf_err *err)
{
	for (size_t i = 0; i < d->count; i++) {
		const struct wdf_diag *f = &d->items[i];
		struct wf_buf b = { 0 };
		int large = strcmp(f->code, "E0101") == 0;

		if (f->severity != WDF_ERROR)
			continue;
		place(file, f->pos, &b);
		wf_buf_printf(&b, "%s%s%s", f->text, f->hint ? "; " : "", f->hint ? f->hint : "");
		wf_errf(err, large ? WF_TOO_LARGE : WF_INVALID, "%s", wf_buf_cstr(&b));
		wf_buf_release(&b);
		return;
	}
}

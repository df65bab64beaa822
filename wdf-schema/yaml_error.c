/* yaml_error.c - owns what a syntax error is called and where it is: libyaml stops where it no longer understands,
 * people look for where they went wrong. Knows nothing of nodes. */
#include <string.h>

#include "wdf-schema/diag.h"
#include "wdf-schema/yaml_parts.h"

struct source {
	const char *text;
	size_t len;
};

/* The beginning of the line that is `lines` below that of s. */
static const char *skip_lines(const struct source *r, const char *s, size_t lines)
{
	const char *end = r->text + r->len;

	while (lines-- > 0) {
		while (s < end && *s != '\n' && *s != '\r')
			s++;
		if (s < end)
			s += *s == '\r' && s + 1 < end && s[1] == '\n' ? 2 : 1;
	}
	return s;
}

/* libyaml may count a line more than there is at the end of the text; a place beyond it would be none. */
static struct wdf_pos place_of(const struct source *r, yaml_mark_t m)
{
	struct wdf_pos last = { 1, 1 };
	const char *s = r->text, *end = r->text + r->len;

	for (; s < end; s++) {
		if (*s == '\n' || (*s == '\r' && !(s + 1 < end && s[1] == '\n'))) {
			last.line++;
			last.column = 1;
		} else if (((unsigned char)*s & 0xc0) != 0x80 && *s != '\r') {
			last.column++;
		}
	}
	return m.line >= last.line ? last : wdf_yaml_pos(m);
}

/* Column of a tab among the blanks that begin the line, or 0. */
static uint32_t tab_column(const struct source *r, size_t line)
{
	const char *s = skip_lines(r, r->text, line), *end = r->text + r->len;

	for (uint32_t column = 1; s < end && (*s == ' ' || *s == '\t'); s++, column++)
		if (*s == '\t')
			return column;
	return 0;
}

/* Does a line look like "key:", "key: value" or "- item"? */
static int looks_like_yaml(const char *s, const char *end)
{
	while (s < end && *s == ' ')
		s++;
	if (s + 1 < end && *s == '-' && s[1] == ' ')
		return 1;
	if (s >= end || !((*s | 0x20) >= 'a' && (*s | 0x20) <= 'z'))
		return 0;
	while (s < end && (((*s | 0x20) >= 'a' && (*s | 0x20) <= 'z') || *s == '_' || *s == '-' ||
			   (*s >= '0' && *s <= '9')))
		s++;
	return s < end && *s == ':' && (s + 1 == end || s[1] == ' ' || s[1] == '\n' || s[1] == '\r');
}

/* An unclosed quote ends at the next one, wherever that is, and the error shows later: look for the first quoted scalar
 * of several lines that swallowed what looks like YAML. */
static int find_open_quote(const struct source *r, const struct wf_buf *masked, yaml_mark_t error,
			   struct wdf_pos *pos)
{
	const char *at = r->text;
	size_t line = 0; /* of at: tokens come in order, so the text is walked once */
	yaml_parser_t p;
	int found = 0, done = 0;

	if (!yaml_parser_initialize(&p))
		wf_out_of_memory(0);
	yaml_parser_set_encoding(&p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&p, (const unsigned char *)wf_buf_cstr(masked), masked->len);
	while (!done && !found) {
		yaml_token_t t;

		if (!yaml_parser_scan(&p, &t))
			break;
		done = t.type == YAML_STREAM_END_TOKEN || t.start_mark.index > error.index;
		if (t.type == YAML_SCALAR_TOKEN && t.start_mark.line != t.end_mark.line &&
		    (t.data.scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE ||
		     t.data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE)) {
			if (t.start_mark.line > line) {
				at = skip_lines(r, at, t.start_mark.line - line);
				line = t.start_mark.line;
			}
			while (line < t.end_mark.line && !found) {
				at = skip_lines(r, at, 1);
				line++;
				found = looks_like_yaml(at, r->text + r->len);
			}
			if (found)
				*pos = wdf_yaml_pos(t.start_mark);
		}
		yaml_token_delete(&t);
	}
	yaml_parser_delete(&p);
	return found;
}

static const char *cure_of(const char *problem)
{
	static const struct {
		const char *problem, *cure;
	} cures[] = {
		{ "mapping values are not allowed",
		  "check the indentation, or quote the value if it contains ': '" },
		{ "cannot start any token", "quote the value" },
		{ "did not find expected key", "check the indentation of this line" },
		{ "did not find expected '-'", "check the indentation of this line" },
		{ "could not find expected ':'", "check the indentation; a key is followed by ': '" },
		{ "did not find expected ',' or ']'", "close the list with ']'" },
		{ "did not find expected ',' or '}'", "close the mapping with '}'" },
		{ "block sequence entries are not allowed", "start the list on a line of its own" },
		{ "unknown escape character", "write \\\\ for a backslash, or use single quotes" },
	};

	for (size_t i = 0; i < WF_COUNT(cures); i++)
		if (strstr(problem, cures[i].problem))
			return cures[i].cure;
	return NULL;
}

void wdf_yaml_error(const yaml_parser_t *p, const char *text, size_t n, const struct wf_buf *masked, struct wdf_diags *d)
{
	const struct source source = { text, n }, *r = &source;
	const char *problem = p->problem ? p->problem : "not valid YAML";
	const char *context = p->context ? p->context : "";
	yaml_mark_t at = p->problem_mark;
	struct wdf_diag *f;
	struct wdf_pos quote;
	uint32_t tab;

	if (p->error == YAML_MEMORY_ERROR)
		wf_out_of_memory(0);
	if (strstr(context, "quoted scalar") && strstr(problem, "unexpected")) {
		wdf_hint(wdf_find(d, WDF_QUOTE, wdf_yaml_pos(p->context_mark), 1, "quote is not closed"),
			 "add the closing quote");
		return;
	}
	tab = tab_column(r, at.line);
	if (tab) {
		wdf_hint(wdf_find(d, WDF_TAB,
				  (struct wdf_pos){ (uint32_t)at.line + 1, tab }, 1,
				  "tab in indentation"),
			 "use spaces");
		return;
	}
	if (find_open_quote(r, masked, at, &quote)) {
		wdf_hint(wdf_find(d, WDF_QUOTE, quote, 1, "quote is not closed"),
			 "add the closing quote");
		return;
	}
	f = wdf_find(d, WDF_SYNTAX, place_of(r, at), 1, "%s", problem);
	if (cure_of(problem))
		wdf_hint(f, "%s", cure_of(problem));
	if (*context && (p->context_mark.line != at.line || p->context_mark.column != at.column))
		wdf_related(f, wdf_yaml_pos(p->context_mark), "%s that begins here", context);
}

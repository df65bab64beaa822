/* wfformat_place.c - owns finding the place of a value in JSON text, which the parsed document no longer knows; knows no WfFormat.
 *
 * The text was parsed before: only its ends are checked here, not its form.
 */
#include <stdlib.h>
#include <string.h>

#include "wdf-schema/wfformat_trace.h"

struct scan {
	const char *p, *end;
};

static void skip_blank(struct scan *s)
{
	while (s->p < s->end && strchr(" \t\r\n", *s->p))
		s->p++;
}

static void skip_string(struct scan *s)
{
	for (s->p++; s->p < s->end && *s->p != '"'; s->p++)
		if (*s->p == '\\')
			s->p++;
	s->p += s->p < s->end;
}

/* A value of any kind; brackets are counted, not matched. */
static void skip_value(struct scan *s)
{
	size_t depth = 0;

	do {
		skip_blank(s);
		if (s->p >= s->end)
			return;
		if (*s->p == '"') {
			skip_string(s);
		} else if (strchr("[{", *s->p)) {
			depth++;
			s->p++;
		} else if (strchr("]}", *s->p)) {
			depth--;
			s->p++;
		} else {
			s->p++;
			while (s->p < s->end && !strchr(" \t\r\n,]}[{\"", *s->p))
				s->p++;
		}
		skip_blank(s);
	} while (depth);
}

/* Past the comma to the next item; 0 at the end of the list or object. */
static int next_item(struct scan *s)
{
	skip_blank(s);
	if (s->p >= s->end || *s->p != ',')
		return 0;
	s->p++;
	skip_blank(s);
	return s->p < s->end;
}

static int enter_key(struct scan *s, const char *key, size_t n)
{
	s->p++;
	skip_blank(s);
	do {
		const char *name = s->p;

		if (s->p >= s->end || *s->p != '"')
			return 0;
		skip_string(s);
		n = n < (size_t)(s->end - name) ? n : 0;
		skip_blank(s);
		s->p += s->p < s->end; /* the colon */
		skip_blank(s);
		if (strncmp(name + 1, key, n) == 0 && name[n + 1] == '"')
			return 1;
		skip_value(s);
	} while (next_item(s));
	return 0;
}

static int enter_index(struct scan *s, unsigned long index)
{
	s->p++;
	skip_blank(s);
	if (s->p < s->end && *s->p == ']')
		return 0;
	for (; index; index--) {
		skip_value(s);
		if (!next_item(s))
			return 0;
	}
	return 1;
}

void trace_place(const char *text, size_t n, const char *path, size_t *line, size_t *column)
{
	struct scan s = { text, text + n };
	const char *at;
	int found = 1;

	skip_blank(&s);
	for (at = s.p; found && *path && s.p < s.end; at = found ? s.p : at) {
		if (*path == '[') {
			found = *s.p == '[' && enter_index(&s, strtoul(path + 1, NULL, 10));
			path += strcspn(path, "]");
			path += *path == ']';
		} else {
			size_t key = strcspn(path += *path == '.', ".[");

			found = *s.p == '{' && enter_key(&s, path, key);
			path += key;
		}
	}
	*line = *column = 1;
	for (const char *p = text; p < at; p++) {
		if (*p == '\n') {
			(*line)++;
			*column = 1;
		} else if (((unsigned char)*p & 0xc0) != 0x80) {
			(*column)++;
		}
	}
}

/* json.c - owns strict parsing and the getters; knows no document. */
#include "engine/base/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/hash.h"

enum { DEPTH = 64 };

/* jansson's own depth limit is 2048 and not adjustable: bound the text first, outside strings. */
static int too_deep(const char *text, size_t n, struct wf_err *err)
{
	size_t line = 1, column = 0, depth = 0;
	int in_string = 0;

	for (size_t i = 0; i < n; i++) {
		char c = text[i];

		column++;
		if (c == '\n') {
			line++;
			column = 0;
		}
		if (in_string) {
			if (c == '\\')
				i++, column++;
			else if (c == '"')
				in_string = 0;
		} else if (c == '"') {
			in_string = 1;
		} else if (c == '[' || c == '{') {
			if (++depth > DEPTH)
				return wf_errf(err, WF_BAD_REQUEST, "JSON:%zu:%zu: nested deeper than %d",
					       line, column, DEPTH);
		} else if ((c == ']' || c == '}') && depth) {
			depth--;
		}
	}
	return 0;
}

/* jansson answers a lack of memory with a document in which something is missing. Before main, so before anything of it was made. */
static void __attribute__((constructor)) use_our_memory(void)
{
	json_set_alloc_funcs(wf_xmalloc, free);
}

json_t *wf_json_parse(const char *text, size_t n, struct wf_err *err)
{
	json_error_t e;
	json_t *v;

	if (too_deep(text, n, err) < 0)
		return NULL;
	v = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &e);
	if (!v)
		wf_errf(err, WF_BAD_REQUEST, "JSON:%d:%d: %s", e.line > 0 ? e.line : 1,
			e.column > 0 ? e.column : 1, e.text);
	return v;
}

int wf_json_str(json_t *obj, const char *key, int need, const char **out, struct wf_err *err)
{
	json_t *v = json_object_get(obj, key);

	if (!v || json_is_null(v))
		return need ? wf_errf(err, WF_INVALID, "'%s' is missing", key) : 0;
	if (!json_is_string(v))
		return wf_errf(err, WF_INVALID, "'%s' must be a string", key);
	*out = json_string_value(v);
	return 0;
}

int wf_json_int(json_t *obj, const char *key, int need, int64_t *out, struct wf_err *err)
{
	json_t *v = json_object_get(obj, key);

	if (!v || json_is_null(v))
		return need ? wf_errf(err, WF_INVALID, "'%s' is missing", key) : 0;
	if (!json_is_integer(v))
		return wf_errf(err, WF_INVALID, "'%s' must be an integer", key);
	*out = json_integer_value(v);
	return 0;
}

int wf_json_bool(json_t *obj, const char *key, int need, int *out, struct wf_err *err)
{
	json_t *v = json_object_get(obj, key);

	if (!v || json_is_null(v))
		return need ? wf_errf(err, WF_INVALID, "'%s' is missing", key) : 0;
	if (!json_is_boolean(v))
		return wf_errf(err, WF_INVALID, "'%s' must be true or false", key);
	*out = json_is_true(v);
	return 0;
}

int wf_json_only(json_t *obj, const char *const *keys, struct wf_err *err)
{
	size_t n = 0;
	const char *key;
	json_t *v;

	if (!json_is_object(obj))
		return wf_errf(err, WF_INVALID, "expected a JSON object");
	while (keys[n])
		n++;
	json_object_foreach(obj, key, v) {
		size_t i = 0;
		const char *near;

		while (i < n && strcmp(keys[i], key) != 0)
			i++;
		if (i < n)
			continue;
		near = wf_nearest(key, keys, n);
		return wf_errf(err, WF_INVALID, "unknown key '%s'%s%s%s", key,
			       near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	}
	return 0;
}

static int sink(const char *p, size_t n, void *arg)
{
	wf_buf_add(arg, p, n);
	return 0;
}

void wf_json_dump(json_t *v, struct wf_buf *b)
{
	json_dump_callback(v, sink, b, JSON_COMPACT | JSON_ENCODE_ANY);
}

json_t *wf_json_time(int64_t ms)
{
	char text[64];
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	size_t n;

	if (!ms)
		return json_null();
	gmtime_r(&s, &tm);
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, sizeof(text) - n, ".%03dZ", (int)(ms % 1000));
	return json_string(text);
}

/* Length of the valid UTF-8 sequence at s, 0 when it is not one. */
static size_t utf8_at(const uint8_t *s, size_t n)
{
	size_t len = s[0] < 0x80 ? 1 : s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 :
		     s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;

	if (!len || len > n)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return len;
}

static void clean(struct wf_buf *b, const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t k = utf8_at((const uint8_t *)s + i, n - i);

		if (!k || !s[i]) {
			wf_buf_str(b, "\xef\xbf\xbd");
			i++;
		} else {
			wf_buf_add(b, s + i, k);
			i += k;
		}
	}
}

json_t *wf_json_text(const char *s, size_t n)
{
	struct wf_buf b = { 0 };
	json_t *v;

	clean(&b, s, n);
	v = json_stringn(wf_buf_cstr(&b), b.len);
	wf_buf_release(&b);
	return v;
}

void wf_buf_json(struct wf_buf *b, const char *s, size_t n)
{
	wf_buf_char(b, '"');
	for (size_t i = 0; i < n;) {
		unsigned char c = (unsigned char)s[i];
		size_t k;

		if (c == '"' || c == '\\') {
			wf_buf_char(b, '\\');
			wf_buf_char(b, (char)c);
			i++;
		} else if (c < 0x20) {
			wf_buf_printf(b, "\\u%04x", c);
			i++;
		} else if ((k = utf8_at((const uint8_t *)s + i, n - i))) {
			wf_buf_add(b, s + i, k);
			i += k;
		} else {
			wf_buf_str(b, "\xef\xbf\xbd");
			i++;
		}
	}
	wf_buf_char(b, '"');
}

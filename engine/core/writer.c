/* writer.c - owns commas and quotes; knows no document. Each value leaves a comma behind it, which closing takes away. */
#include "engine/core/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/base/json.h"

static void put_key(struct wf_buf *b, const char *key)
{
	if (!key)
		return;
	wf_buf_char(b, '"');
	wf_buf_str(b, key);
	wf_buf_add(b, "\":", 2);
}

static void drop_comma(struct wf_buf *b)
{
	if (b->len && b->data[b->len - 1] == ',')
		b->data[--b->len] = '\0';
}

void jw_open(struct wf_buf *b, const char *key, char bracket)
{
	put_key(b, key);
	wf_buf_char(b, bracket);
}

void jw_close(struct wf_buf *b, char bracket)
{
	drop_comma(b);
	wf_buf_char(b, bracket);
	wf_buf_char(b, ',');
}

void jw_end(struct wf_buf *b)
{
	drop_comma(b);
}

void jw_null(struct wf_buf *b, const char *key)
{
	put_key(b, key);
	wf_buf_add(b, "null,", 5);
}

void jw_strn(struct wf_buf *b, const char *key, const char *s, size_t n)
{
	put_key(b, key);
	wf_buf_json(b, s, n);
	wf_buf_char(b, ',');
}

void jw_str(struct wf_buf *b, const char *key, const char *s)
{
	if (s)
		jw_strn(b, key, s, strlen(s));
	else
		jw_null(b, key);
}

void jw_int(struct wf_buf *b, const char *key, int64_t v)
{
	char text[24];
	char *p = text + sizeof(text);
	uint64_t u = v < 0 ? (uint64_t)0 - (uint64_t)v : (uint64_t)v;

	*--p = ',';
	do
		*--p = (char)('0' + u % 10);
	while (u /= 10);
	if (v < 0)
		*--p = '-';
	put_key(b, key);
	wf_buf_add(b, p, (size_t)(text + sizeof(text) - p));
}

void jw_bool(struct wf_buf *b, const char *key, int v)
{
	put_key(b, key);
	wf_buf_str(b, v ? "true," : "false,");
}

void jw_time(struct wf_buf *b, const char *key, int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;

	if (ms <= 0) {
		jw_null(b, key);
		return;
	}
	put_key(b, key);
	gmtime_r(&s, &tm);
	wf_buf_printf(b, "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\",", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		      tm.tm_min, tm.tm_sec, (int)(ms % 1000));
}

void jw_thousandths(struct wf_buf *b, const char *key, uint64_t v)
{
	put_key(b, key);
	wf_buf_printf(b, "%" PRIu64, v / 1000);
	if (v % 1000) {
		wf_buf_printf(b, ".%03u", (unsigned)(v % 1000));
		while (b->data[b->len - 1] == '0')
			b->data[--b->len] = '\0';
	}
	wf_buf_char(b, ',');
}

void jw_json(struct wf_buf *b, const char *key, json_t *v)
{
	if (!v) {
		jw_null(b, key);
		return;
	}
	put_key(b, key);
	wf_json_dump(v, b);
	wf_buf_char(b, ',');
}

void jw_text(struct wf_buf *b, const char *key, const char *text)
{
	json_t *v = text ? wf_json_parse(text, strlen(text), NULL) : NULL;

	jw_json(b, key, v);
	json_decref(v);
}

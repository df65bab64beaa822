/* json.h - jansson, with failures that name the key
 *
 * wf_json_parse refuses duplicate keys, anything after the document, depth above 64, NUL in strings, and says
 * line:column. The getters return 0, or -1 with "'key' must be a string"; a missing key leaves *out untouched and
 * returns 0 unless `need` is set.
 */
#ifndef WF_BASE_JSON_H
#define WF_BASE_JSON_H

#include <jansson.h>
#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"

json_t *wf_json_parse(const char *text, size_t n, struct wf_err *err);
int wf_json_str(json_t *obj, const char *key, int need, const char **out, struct wf_err *err);
int wf_json_int(json_t *obj, const char *key, int need, int64_t *out, struct wf_err *err);
int wf_json_bool(json_t *obj, const char *key, int need, int *out, struct wf_err *err);
/* Every key of obj must be in the NULL-terminated list; the error offers the nearest. */
int wf_json_only(json_t *obj, const char *const *keys, struct wf_err *err);

/* Compact text of v appended to b. */
void wf_json_dump(json_t *v, struct wf_buf *b);
/* RFC 3339 UTC with ms, or json null for 0. */
json_t *wf_json_time(int64_t ms);
/* A new string; bytes that are not UTF-8 are replaced by U+FFFD, so it never fails. */
json_t *wf_json_text(const char *s, size_t n);

/* Append s as a JSON string with its quotes, for writers that stream. */
void wf_buf_json(struct wf_buf *b, const char *s, size_t n);

#endif

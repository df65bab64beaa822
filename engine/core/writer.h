/* writer.h - JSON written straight into a buffer: views of many tasks without a tree in between
 *
 *     jw_open(b, NULL, '{');
 *     jw_str(b, "name", name);            NULL is null; bytes that are not UTF-8 are replaced
 *     jw_open(b, "items", '['); ... jw_int(b, NULL, 3); ... jw_close(b, ']');
 *     jw_close(b, '}');
 *     jw_end(b);                          the document is complete
 *
 * `key` is NULL inside a list and for the outermost value. Keys are our own: written as they are.
 */
#ifndef WF_CORE_WRITER_H
#define WF_CORE_WRITER_H

#include <jansson.h>
#include <stdint.h>

#include "engine/base/buf.h"

void jw_open(struct wf_buf *b, const char *key, char bracket);
void jw_close(struct wf_buf *b, char bracket);
void jw_end(struct wf_buf *b);
void jw_str(struct wf_buf *b, const char *key, const char *s);
void jw_strn(struct wf_buf *b, const char *key, const char *s, size_t n);
void jw_int(struct wf_buf *b, const char *key, int64_t v);
void jw_bool(struct wf_buf *b, const char *key, int v);
void jw_null(struct wf_buf *b, const char *key);
void jw_time(struct wf_buf *b, const char *key, int64_t ms);        /* RFC 3339 UTC with ms; 0 is null */
void jw_thousandths(struct wf_buf *b, const char *key, uint64_t v); /* 1500 is 1.5 */
void jw_json(struct wf_buf *b, const char *key, json_t *v);         /* borrowed; NULL is null */
/* JSON text from outside: written as it is when it is one value, else null. */
void jw_text(struct wf_buf *b, const char *key, const char *text);

#endif

/* id.h - 128-bit ids and their text
 *
 * A run id is time-ordered: 48 bits of wall clock in ms, then 80 random bits, written as 26
 * characters of Crockford's base 32 in lower case (the shape of a ULID). People may type any unique suffix:
 * the random end, never the shared beginning.
 */
#ifndef WF_BASE_ID_H
#define WF_BASE_ID_H

#include <stddef.h>
#include <stdint.h>

struct wf_os;

#define WF_ID_TEXT 26

struct wf_id {
	uint8_t byte[16];
};

void wf_id_make(struct wf_id *id, struct wf_os *os);
void wf_id_text(const struct wf_id *id, char text[WF_ID_TEXT + 1]);
/* 0, or -1 when text is not 26 characters of the alphabet (either case). */
int wf_id_parse(struct wf_id *id, const char *text);
int wf_id_equal(const struct wf_id *a, const struct wf_id *b);
/* True when s could be the end of an id's text: 1 to 26 characters of its alphabet. */
int wf_id_is_suffix(const char *s);

#endif

/* term.h - what a stream can show, and text fitted to it
 *
 * A struct term is asked once at the start; width follows the window where the stream is a terminal, and is 0 (no limit) where it
 * is not, unless COLUMNS says otherwise.
 */
#ifndef WF_CLI_TERM_H
#define WF_CLI_TERM_H

#include <stddef.h>
#include <stdint.h>

#include "engine/base/buf.h"

enum style { PLAIN, BOLD, DIM, GOOD, BAD, LIVE, WARN };

struct term {
	int fd;
	int tty;
	int color;
	int moves;              /* understands more than lines of text: TERM is not dumb */
	int utf8;
	int width;
	int height;
};

void term_init(struct term *t, int fd);
/* Ask the window again. */
void term_resize(struct term *t);
/* Escapes that begin and end a style; "" where the stream has no colour. */
const char *term_on(const struct term *t, enum style s);
const char *term_off(const struct term *t, enum style s);

/* Text with control bytes as \xNN (newlines and tabs too): one line that cannot move the cursor. */
void text_visible(struct wf_buf *b, const char *s);
/* Columns that valid UTF-8 takes (a letter each). */
size_t text_width(const char *s);
/* Bytes of the longest beginning of s that takes at most `columns`. */
size_t text_fit(const char *s, size_t columns);

/* "2ms", "0.4s", "12s", "4m05s", "2h05m", "3d04h" into a buffer of 24. */
char *text_duration(int64_t ms, char *to);
/* "512 B", "1.5 MiB" into a buffer of 24. */
char *text_bytes(uint64_t n, char *to);
/* RFC 3339 to ms after the epoch; 0 when it is none. */
int64_t text_time(const char *rfc3339);
/* Local time "2026-11-21 12:03:04" into a buffer of 32. */
char *text_clock(int64_t ms, char *to);

#endif

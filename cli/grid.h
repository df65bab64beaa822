/* grid.h - columns for people: aligned, as wide as their content, the elastic one cut where the screen ends
 *
 *     struct grid t;
 *     grid_init(&t, columns, WF_COUNT(columns));
 *     grid_cell(&t, PLAIN, "%s", name); ...                 row by row, one call per column
 *     grid_print(&t, &out->screen);                          to standard output; columns without any content are left out
 *     grid_release(&t);
 */
#ifndef WF_CLI_GRID_H
#define WF_CLI_GRID_H

#include "cli/term.h"
#include "engine/base/err.h"

struct column {
	const char *head;
	int right;                      /* aligned to the right */
	int elastic;                    /* cut when the line would not fit */
};

struct grid {
	const struct column *columns;
	size_t width;                   /* columns */
	struct grid_cell {
		char *text;
		enum style style;
	} *cells;
	size_t count, cap;
	int indent;
	int headless;                   /* print no line of heads */
};

void grid_init(struct grid *t, const struct column *columns, size_t n);
void grid_cell(struct grid *t, enum style style, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void grid_print(const struct grid *t, const struct term *screen);
void grid_release(struct grid *t);

#endif

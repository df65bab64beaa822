/* table.h - columns for people: aligned, as wide as their content, the elastic one cut where the screen ends
 *
 *     struct table t;
 *     table_init(&t, columns, WF_COUNT(columns));
 *     table_cell(&t, PLAIN, "%s", name); ...                 row by row, one call per column
 *     table_print(&t, &out->screen);                          to standard output; columns without any content are left out
 *     table_release(&t);
 */
#ifndef WF_CLI_TABLE_H
#define WF_CLI_TABLE_H

#include "cli/term.h"
#include "engine/base/err.h"

struct column {
	const char *head;
	int right;                      /* aligned to the right */
	int elastic;                    /* cut when the line would not fit */
};

struct table {
	const struct column *columns;
	size_t width;                   /* columns */
	struct table_cell {
		char *text;
		enum style style;
	} *cells;
	size_t count, cap;
	int indent;
	int headless;                   /* print no line of heads */
};

void table_init(struct table *t, const struct column *columns, size_t n);
void table_cell(struct table *t, enum style style, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void table_print(const struct table *t, const struct term *screen);
void table_release(struct table *t);

#endif

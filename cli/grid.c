/* grid.c - owns the layout of rows and columns; knows nothing of what they say. */
#include "cli/grid.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMN_MAX = 16, GAP = 2, ELASTIC_MIN = 8 };

void grid_init(struct grid *t, const struct column *columns, size_t n)
{
	WF_ASSERT(n <= COLUMN_MAX);
	memset(t, 0, sizeof(*t));
	t->columns = columns;
	t->width = n;
}

void grid_cell(struct grid *t, enum style style, const char *fmt, ...)
{
	struct wf_buf visible = { 0 };
	char *raw = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&raw, fmt, ap) < 0)
		wf_out_of_memory(0);
	va_end(ap);
	text_visible(&visible, raw);
	free(raw);
	t->cells = wf_grow(t->cells, &t->cap, t->count + 1, sizeof(*t->cells));
	t->cells[t->count++] = (struct grid_cell){ .text = wf_buf_take(&visible), .style = style };
}

/* What each column takes; 0 for one to leave out. */
static void measure(const struct grid *t, int limit, size_t *widths)
{
	size_t total = (size_t)t->indent;
	const struct column *elastic = NULL;

	for (size_t c = 0; c < t->width; c++) {
		widths[c] = 0;
		for (size_t i = c; i < t->count; i += t->width) {
			size_t w = text_width(t->cells[i].text);

			if (w > widths[c])
				widths[c] = w;
		}
		if (widths[c] && !t->headless && widths[c] < strlen(t->columns[c].head))
			widths[c] = strlen(t->columns[c].head);
		if (widths[c])
			total += widths[c] + (total > (size_t)t->indent ? GAP : 0);
		if (t->columns[c].elastic)
			elastic = &t->columns[c];
	}
	if (elastic && limit && total > (size_t)limit) {
		size_t *w = &widths[elastic - t->columns], over = total - (size_t)limit;

		*w = *w > over + ELASTIC_MIN ? *w - over : *w < ELASTIC_MIN ? *w : ELASTIC_MIN;
	}
}

static void put(const struct term *screen, const char *text, enum style style, size_t width, int right, int last)
{
	size_t w = text_width(text), n = strlen(text);
	int cut = w > width;

	if (cut) {
		size_t mark = screen->utf8 ? 1 : 3;

		n = text_fit(text, width > mark ? width - mark : 0);
		w = width;
	}
	if (right)
		printf("%*s", (int)(width - w), "");
	printf("%s%.*s%s%s", term_on(screen, style), (int)n, text, !cut ? "" : screen->utf8 ? "\xe2\x80\xa6" : "...",
	       term_off(screen, style));
	if (!right && !last)
		printf("%*s", (int)(width - w), "");
}

static void row(const struct grid *t, const struct term *screen, const size_t *widths, size_t first)
{
	size_t last = t->width;
	int any = 0;

	/* No blanks at the end of a line. */
	while (last > 1 && (!widths[last - 1] || (first < t->count && !*t->cells[first + last - 1].text)))
		last--;
	printf("%*s", t->indent, "");
	for (size_t c = 0; c < last; c++) {
		int head = first >= t->count;

		if (!widths[c])
			continue;
		if (any)
			printf("%*s", GAP, "");
		put(screen, head ? t->columns[c].head : t->cells[first + c].text, head ? DIM : t->cells[first + c].style,
		    widths[c], t->columns[c].right, c + 1 == last);
		any = 1;
	}
	putchar('\n');
}

void grid_print(const struct grid *t, const struct term *screen)
{
	size_t widths[COLUMN_MAX];

	WF_ASSERT(t->count % t->width == 0);
	if (!t->count)
		return;
	measure(t, screen->width, widths);
	if (!t->headless)
		row(t, screen, widths, t->count);
	for (size_t i = 0; i < t->count; i += t->width)
		row(t, screen, widths, i);
}

void grid_release(struct grid *t)
{
	for (size_t i = 0; i < t->count; i++)
		free(t->cells[i].text);
	free(t->cells);
	memset(t, 0, sizeof(*t));
}

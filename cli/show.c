/* show.c - owns the small pieces that every layout uses. */
#include "cli/show.h"

#include <stdio.h>

#include "cli/field.h"

void show_text(const char *text)
{
	struct wf_buf b = { 0 };

	text_visible(&b, text);
	fputs(wf_buf_cstr(&b), stdout);
	wf_buf_release(&b);
}

void show_head(struct out *out, const char *head)
{
	printf("%s%-9s%s ", term_on(&out->screen, DIM), head, term_off(&out->screen, DIM));
}

void show_state(struct out *out, const char *state)
{
	enum style s = style_of(state);

	fputs(term_on(&out->screen, s), stdout);
	show_text(state);
	fputs(term_off(&out->screen, s), stdout);
}

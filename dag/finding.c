/* finding.c - owns how this folder reports what it finds in a file; knows nothing of what is looked
 * for.
 *
 * Codes are the language's (`wf help errors`): E0306 circles, E0315 each and by, E0316 outputs,
 * E0218 lengths; E0319 and E0320 are made here alone.
 */
#include "dag/graph.h"

#include <stdio.h>
#include <string.h>

static __attribute__((format(printf, 1, 0))) char *text_of(const char *fmt, va_list ap)
{
	char *s = NULL;

	if (vasprintf(&s, fmt, ap) < 0)
		wf_out_of_memory(0);
	return s;
}

struct wdf_diag *finding(struct wdf_diags *d, const char *code, struct wdf_pos pos, const char *fmt,
			 ...)
{
	struct wdf_diag *f;
	va_list ap;

	if (d->errors++ >= WDF_MAX_ERRORS)
		return NULL;
	d->items = wf_grow(d->items, &d->cap, d->count + 1, sizeof(*d->items));
	f = &d->items[d->count++];
	memset(f, 0, sizeof(*f));
	f->severity = WDF_ERROR;
	snprintf(f->code, sizeof(f->code), "%s", code);
	f->pos = pos;
	f->span = 1;
	va_start(ap, fmt);
	f->text = text_of(fmt, ap);
	va_end(ap);
	return f;
}

void finding_hint(struct wdf_diag *f, const char *fmt, ...)
{
	va_list ap;

	if (!f)
		return;
	va_start(ap, fmt);
	f->hint = text_of(fmt, ap);
	va_end(ap);
}

void finding_related(struct wdf_diag *f, struct wdf_pos pos, const char *fmt, ...)
{
	va_list ap;

	if (!f || !pos.line)
		return;
	f->related = pos;
	va_start(ap, fmt);
	f->related_text = text_of(fmt, ap);
	va_end(ap);
}

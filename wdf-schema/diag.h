/* diag.h - how the readers of this folder report what they find
 *
 *     struct wdf_diag *f = wdf_find(d, WDF_UNKNOWN_KEY, pos, span, "unknown key '%s' in step '%s'", key, step);
 *     wdf_hint(f, "did you mean '%s'?", near);
 *     wdf_related(f, other, "first defined here");
 *
 * wdf_find returns NULL when the finding is not kept (one like it is there, or the list is full); wdf_hint and
 * wdf_related take NULL. The severity follows from the code's letter. A pointer is valid until the next wdf_find.
 */
#ifndef WF_WDF_DIAG_H
#define WF_WDF_DIAG_H

#include "wdf-schema/codes.h"
#include "wdf-schema/wdf.h"

struct wdf_diag *wdf_find(struct wdf_diags *d, enum wdf_code code, struct wdf_pos pos, uint32_t span,
			  const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void wdf_hint(struct wdf_diag *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void wdf_related(struct wdf_diag *f, struct wdf_pos pos, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* "did you mean 'x'?" when one of the names is near, else "known: a, b, c" when there are few, else nothing. */
void wdf_hint_names(struct wdf_diag *f, const char *word, const char *const *names, size_t n);
/* True when the list holds WDF_MAX_ERRORS errors: further search is in vain. */
int wdf_diags_full(const struct wdf_diags *d);

/* A value as it may be shown in a message: at most 40 characters, control characters and quotes made visible. Writes
 * into `to` (at least WDF_SHOWN bytes) and returns it. */
#define WDF_SHOWN 200
const char *wdf_shown(const char *text, size_t n, char *to);

#endif

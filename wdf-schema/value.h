/* value.h - what the readers of this folder share about values and templates */
#ifndef WF_WDF_VALUE_H
#define WF_WDF_VALUE_H

#include "wdf-schema/wdf.h"

struct wdf_value wdf_value_string(struct wf_arena *a, const char *text, size_t n);

/* The value of a dotted path; pieces made on the way live in the arena. WF_INVALID when a name or a field is
 * unknown. */
int wdf_scope_resolve(const struct wdf_scope *scope, const char *path, size_t n, struct wf_arena *a,
		      struct wdf_value *out, struct wf_err *err);

/* One "{{ }}" of a text. */
enum wdf_brace_form {
	WDF_BRACE_NAME,    /* {{ name }}, {{ name:04 }}, {{ name | join }} */
	WDF_BRACE_BLANKS,  /* the same without exactly one blank on each side */
	WDF_BRACE_OTHER,   /* {{ something else }}: meant as a placeholder by its blanks, but none */
	WDF_BRACE_TEXT,    /* {{anything}}: belongs to another language */
};
struct wdf_brace {
	enum wdf_brace_form form;
	size_t at, len;           /* in the text */
	const char *name;         /* dotted path */
	uint32_t name_len;
	uint8_t zero, width, join;
};
/* The next piece at or after *at, which moves behind it; 0 when there is none. */
int wdf_brace_next(const char *text, size_t n, size_t *at, struct wdf_brace *b);

/* wdf_tmpl_parse with the exact places of the braces (masks of a node) and IO-SEA's leniency. A malformed placeholder
 * is a finding (then -1), or with `lenient` text and a warning. */
struct wdf_tmpl_source {
	const char *text;
	size_t len;
	struct wdf_pos pos;
	const struct wdf_pos *masks; /* of the first brace in the text; NULL: computed from pos */
	uint32_t mask_count;
	int lenient;
};
int wdf_tmpl_read(struct wdf_tmpl *t, struct wf_arena *a, const struct wdf_tmpl_source *from,
		  struct wdf_diags *d);
/* Append one placeholder's value, with its width. */
int wdf_part_render(const struct wdf_part *p, const struct wdf_scope *scope, struct wf_buf *out,
		    struct wf_err *err);
/* Number of a text that is one ("0.10"), for expressions; 0 when it is none. */
int wdf_value_number(const struct wdf_value *v, double *number);

#endif

/* command.h - reading a command: from its text to words or to a script whose placeholders know their quoting */
#ifndef WF_WDF_COMMAND_H
#define WF_WDF_COMMAND_H

#include "wdf-schema/wdf.h"

struct wdf_command_source {
	struct wdf_tmpl text;         /* of `command` */
	const char *shell;            /* `shell`, or NULL for bash -eo pipefail */
	struct wdf_pos shell_pos;
	int always_shell;             /* `setup` */
};
/* NULL after a finding. */
struct wdf_command *wdf_command_read(struct wf_arena *a, const struct wdf_command_source *from,
				     struct wdf_diags *d);
/* Of `argv`: one template per item. */
struct wdf_command *wdf_command_of_argv(struct wf_arena *a, const struct wdf_tmpl *items, uint32_t n);

/* Calls fn with each placeholder; `text` is true where only harmless values may stand. */
void wdf_command_names(const struct wdf_command *c,
		       void (*fn)(const struct wdf_part *p, int text, void *arg), void *arg);
/* Only letters, digits and _./:,+@%=- */
int wdf_value_is_harmless(const char *text);
/* First word of a direct command without placeholders, or NULL. */
const char *wdf_command_program(const struct wdf_command *c);

#endif

/* spec.h - a workflow file on its way through the offline half: read, parsed, expanded, its findings shown
 *
 *     struct spec s;
 *     if (spec_read(&s, path, &err) < 0) ...                       reliability row 20: missing, directory, unreadable, fifo
 *     if (spec_params(&s, args, &err) < 0) ...                     -p name=value
 *     if (spec_parse(&s, 0) < 0 || spec_expand(&s, dir, &err) < 0) return spec_fail(&s, out);
 *     spec_release(&s);                                            whatever happened
 *
 * Needs no engine.
 */
#ifndef WF_CLI_SPEC_H
#define WF_CLI_SPEC_H

#include "cli/args.h"
#include "cli/output.h"
#include "dag/dag.h"
#include "wdf-schema/wdf.h"

struct spec {
	const char *path;
	struct wf_buf text;
	struct wdf_types *types;
	struct wdf_diags diags;
	struct wdf *wdf;
	json_t *sources;        /* what lies outside the file: globs, tables */
	struct dag *dag;
	char **names, **values; /* of -p */
	size_t given;
	const char *session;    /* name of the run; who makes none leaves the word itself */
};

int spec_read(struct spec *s, const char *path, struct wf_err *err);
/* The command's -p options; SESSION and STEP are reserved (WF_USAGE). */
int spec_params(struct spec *s, const struct args *args, struct wf_err *err);
/* -1 when there are errors among the findings. */
int spec_parse(struct spec *s, int allow_needed);
/* Read its sources below dir and build the graph. -1: findings, or (err->code != WF_OK) a source that cannot be
 * read. */
int spec_expand(struct spec *s, const char *dir, struct wf_err *err);
/* What this version cannot run; -1 and findings when there is any. */
int spec_executable(struct spec *s, const char *executor);
/* Every finding with its line and caret on standard error. */
void spec_findings(const struct spec *s, struct out *out);
/* The same, and the sentence that ends them; the exit code: 3, or 10 when the file is valid and all that is wrong is
 * that this version cannot execute it. */
int spec_fail(const struct spec *s, struct out *out);
int spec_code(const struct spec *s);
void spec_release(struct spec *s);

/* Where service types are read from, NULL at the end; static. */
const char *const *spec_type_dirs(void);

#endif

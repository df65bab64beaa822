/* wfformat.h - traces of other workflow systems: a WfFormat document in, the text of a workflow file out
 *
 *     struct wfformat_options o = { .time_scale = 1, .size_scale = 1 };
 *     if (wfformat_import(text, n, "trace.json", &o, &out, &err) < 0) ...     "trace.json:12:7: ..." and WF_INVALID
 *
 * WfFormat is WfCommons' JSON for workflows that were run elsewhere; 1.0 to 1.6 are read. Every task becomes a step that sleeps (or
 * computes) as long as the original ran, reads what it read and writes files as large as it wrote. Linear in the size of the document.
 *
 * What the language cannot say is kept in labels of a step, so that an export gives it back:
 *
 *     wfformat.version  of every step of an import
 *     wfformat.id       the task's id, when the step's name is another
 *     wfformat.name     its name, when that is not the id
 *     wfformat.reads    files it also read, which are not among its `inputs`: their order does not follow from the trace
 *     wfformat.writes   files it also wrote, which another task declares
 *     wfformat.role     "inputs": the step is no task of the trace, it makes the files that were there before
 *
 * Texts in labels and names of files are percent-encoded (wfformat_encode), lists of them have blanks between.
 *
 * No I/O, no globals.
 */
#ifndef WF_WDF_WFFORMAT_H
#define WF_WDF_WFFORMAT_H

#include <stddef.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"

#define WFFORMAT_MAX_BYTES (256u << 20)

struct wfformat_options {
	double time_scale;             /* of runtimes; 0: tasks take no time */
	double size_scale;             /* of files; 0: there are none */
	int burn;                      /* tasks compute instead of sleeping */
};

/* The workflow file is appended to out, which is untouched on failure. `file` is the document's name in messages. */
int wfformat_import(const char *text, size_t n, const char *file, const struct wfformat_options *o, struct wf_buf *out,
		    struct wf_err *err);

/* Letters, digits and "._-+@=," stay, everything else and a leading dot become %XX. */
void wfformat_encode(struct wf_buf *b, const char *text);
/* The reverse of n characters of text; what is no %XX stays. */
void wfformat_decode(struct wf_buf *b, const char *text, size_t n);

#endif

/* result.h - the result that an attempt left in $WF_RESULT */
#ifndef WF_ATTEMPT_RESULT_H
#define WF_ATTEMPT_RESULT_H

#include "engine/base/buf.h"
#include "engine/base/os.h"

#define WF_RESULT_LIMIT (64u << 10)

/* Append the file's text to b: a JSON object of at most WF_RESULT_LIMIT bytes. 0; 1 when there is no file; -1 with a reason fit for
 * a person. */
int wf_attempt_result(struct wf_os *os, const char *path, struct wf_buf *b, struct wf_err *err);

#endif

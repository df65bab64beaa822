/* setup.h - the shell lines that prepare an attempt's environment
 *
 * With `setup`, the command is started by a login shell, in this order: the user's profile (without -e: profiles fail in
 * small ways all the time), the attempt's environment once more (profiles discard PATH), `set -eo pipefail`, the setup
 * lines, a marker on an inherited descriptor, exec of the command. A shell that ends before the marker is setup_failed.
 */
#ifndef WF_ATTEMPT_SETUP_H
#define WF_ATTEMPT_SETUP_H

#include "engine/base/buf.h"
#include "engine/base/err.h"

/* The script, for `bash -l SCRIPT argv...`, into b. It expects itself on script_fd and the marker's pipe on marker_fd, and closes both. */
void wf_setup_script(struct wf_buf *b, const char *setup, const char *const *env, int script_fd, int marker_fd);
/* A readable descriptor that holds the text, at its beginning; -1 and err. */
int wf_setup_file(const struct wf_buf *script, struct wf_err *err);
/* 1 when the marker has arrived on the reading end of its pipe. */
int wf_setup_passed(int fd);

#endif

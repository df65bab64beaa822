/* tail.h - what the member said last: its output is a file that the agent opened for us */
#ifndef WF_SERVICES_TAIL_H
#define WF_SERVICES_TAIL_H

#include <sys/types.h>

#include "engine/base/buf.h"

/* A readable descriptor of the file that `fd` writes to; -1 when it is no regular file. */
int tail_open_log(int fd);
off_t tail_log_size(int log_fd);
/* The last lines written at or after `from` that say something, at most 3 and 400 bytes, " | " between them. */
void tail_of_log(int log_fd, off_t from, struct wf_buf *out);
/* True when the end of it says that an address is in use. */
int tail_says_in_use(int log_fd, off_t from);

#endif

/* logs.h - reading what tasks printed, piece by piece, once or as it grows */
#ifndef WF_CLI_LOGS_H
#define WF_CLI_LOGS_H

#include <stdint.h>

#include "cli/client.h"
#include "cli/output.h"

struct log_reader {
	struct client *client;
	struct out *out;
	const char *run;
	int64_t tail;           /* lines; -1: all */
	int64_t attempt;        /* 0: the last */
	int stream_stderr;
	int mid_line;           /* the last byte printed was no newline */
};

/* What is there now. */
int log_print(struct log_reader *r, const char *task, struct wf_err *err);
/* The same, and what comes until the task has ended, through its further attempts. */
int log_follow(struct log_reader *r, const char *task, struct wf_err *err);
/* All tasks of a run (or of one step), each line after its task's name, until the run has ended. */
int log_follow_all(struct log_reader *r, const char *step, struct wf_err *err);

#endif

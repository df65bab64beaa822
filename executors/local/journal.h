/* journal.h - what the agent must remember beyond its own death: starts, processes, endings, in the order they happened
 *
 * One file, appended with plain writes: it survives the agent, not the host. Records are built in memory (journal_add) and written
 * together by journal_flush; before a start is acted upon its record must be flushed. journal_reserve sets disk space aside, so that
 * the endings of what was started can be recorded on a full disk: every start reserves room for its ending, and gives it back with
 * it (journal_give_back).
 *
 * Facts carry a cursor, rising by one, never reused as long as the journal's `instance` is the same. journal_compact writes a new file
 * that holds what the caller adds between begin and end, and renames it over the old one.
 *
 * One thread, synchronous.
 */
#ifndef WF_LOCAL_JOURNAL_H
#define WF_LOCAL_JOURNAL_H

#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/os.h"
#include "engine/link/wire.h"

/* Stored: append only. */
enum record_type {
	RECORD_HEADER = 1,
	RECORD_START,                  /* taken: the mark rises to its number */
	RECORD_RUNNING,                /* fact */
	RECORD_ENDED,                  /* fact */
	RECORD_LOST,                   /* fact */
	RECORD_SIGNAL,                 /* fact */
	RECORD_ACK,                    /* facts up to cursor are known to the engine */
	RECORD_MARK,                   /* numbers up to this one are refused */
	RECORD_EPOCH,                  /* highest engine served */
};

struct record {
	enum record_type type;
	struct wf_attempt_ref ref;     /* START to SIGNAL */
	uint64_t cursor;               /* facts; ACK */
	const char *token;             /* START */
	const char *log_dir;           /* START */
	const char *result_path;       /* START: "" when none */
	uint32_t pid;                  /* RUNNING, with the time after boot between which it was started, in clock ticks */
	uint64_t ticks_from, ticks_to;
	int64_t started_ms;            /* RUNNING */
	struct wf_ended ended;         /* ENDED, but ref and cursor */
	uint8_t result_in_file;        /* ENDED: no room was left for the result; it is still where the attempt put it */
	uint8_t why;                   /* LOST */
	const char *text;              /* LOST: reason; SIGNAL: body */
	uint64_t value;                /* MARK, EPOCH */
};

struct journal {
	struct wf_os *os;
	char *path;
	int fd;
	off_t end;                     /* of what is written */
	off_t room_end;                /* of what is allocated */
	size_t reserved;               /* set aside for endings */
	struct wf_buf pending;
	int failing;                   /* the last write failed: say it once */

	char instance[33];             /* changes when the memory was lost */
	char boot_id[64];              /* of the boot that wrote the file that was opened */
	uint64_t pid_ns;
	uint64_t mark, epoch, cursor, acked; /* cursor: of the next fact */

	/* compaction under way */
	int old_fd;
	off_t old_end, old_room_end;
};

/* Opens or creates DIR/journal and calls fn for every record in order (strings valid during the call). A torn tail is cut off. A file that is not a
 * journal is set aside. */
int journal_open(struct journal *j, struct wf_os *os, const char *dir, void (*fn)(const struct record *r, void *arg), void *arg,
		 struct wf_err *err);
void journal_close(struct journal *j);

/* Gives facts their cursor (returned; 0 for others). */
uint64_t journal_add(struct journal *j, struct record *r);
/* 0, or -1 when something could not be written: it is kept and written by a later flush. */
int journal_flush(struct journal *j, struct wf_err *err);

/* Room of one ending, without its result. */
size_t journal_ending(const char *result_path);
/* Make sure that `bytes` of records and the endings `room` fit, beside what is reserved. -1 when the disk is full. */
int journal_reserve(struct journal *j, size_t bytes, size_t room, struct wf_err *err);
void journal_give_back(struct journal *j, size_t room);

int journal_compact_begin(struct journal *j, struct wf_err *err);
/* Keeps the old file when the new one could not be written: -1. */
int journal_compact_end(struct journal *j, struct wf_err *err);
/* As journal_add, keeping the cursor that r has. */
void journal_keep(struct journal *j, const struct record *r);

#endif

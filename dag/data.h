/* data.h - what data.c (who reads), writers.c (who writes) and render.c (where) share
 */
#ifndef WF_DAG_DATA_H
#define WF_DAG_DATA_H

#include "dag/graph.h"

#define ANY '\001' /* any text, in a pattern */

/* ---- render.c -------------------------------------------------------------------------- */

enum reach_of {
	REACH_CONSTANT, /* the same for every task of the instance */
	REACH_TASK,	/* differs by the names of the fan-out */
	REACH_LATER,	/* uses what is known only while running */
};

/* Paths of one instance's tasks, in the form that compares. */
struct renderer {
	const struct dag *d;
	uint32_t instance;
	const struct wdf_step *step;
	enum reach_of workdir_reach;
	uint32_t base_of; /* task whose working directory is in base; NONE: none yet */
	struct wf_buf base, text;
};

void renderer_start(struct renderer *r, const struct dag *d, uint32_t instance);
void renderer_release(struct renderer *r);
/* Append the absolute path of template t for one task. */
int render(struct renderer *r, const struct wdf_tmpl *t, uint32_t index, struct wf_buf *out,
	   struct wf_err *err);
/* Reach of a whole path: its template and the directory it starts from. */
enum reach_of path_reach(const struct renderer *r, const struct wdf_tmpl *t);
/* The absolute path with ANY for what hangs on the unknown list; -1 when more than that is unknown.
 */
int render_pattern(struct renderer *r, const struct wdf_tmpl *t, struct wf_buf *out);

/* ---- writers.c ------------------------------------------------------------------------- */

struct writer {
	size_t at; /* its path in text */
	uint32_t len;
	uint32_t instance, output;
	uint32_t index; /* NONE: every task of the instance updates this one path */
	uint32_t next;	/* writer + 1 of the same path: all but one of them update it in place */
	uint32_t maker; /* of the first of them: which one + 1 */
};

struct pattern {
	uint32_t instance;
	char *text;
};

struct table {
	struct wf_buf text;
	struct writer *writers;
	size_t count, cap;
	struct slot {
		uint32_t hash, writer; /* writer + 1; 0: free */
	} * slots;
	size_t slot_count;
	uint64_t lengths[64]; /* lengths of paths, modulo 4096: spares most look-ups of directories
			       */
	struct pattern *patterns;
	size_t pattern_count, pattern_cap;
};

int writers_find(struct draft *dr,
		 struct table *t); /* every output of every instance; -1 with findings */
/* First writer of a path (the others follow by `next`), or NULL. */
const struct writer *writer_of(const struct table *t, const char *path, size_t n);
void table_release(struct table *t);
/* Does the instance update its outputs in place? */
int updates(const struct dag *d, uint32_t instance);
int cannot_render(struct draft *dr, const struct wdf_tmpl *t, const struct wdf_step *s,
		  const struct wf_err *err);

#endif

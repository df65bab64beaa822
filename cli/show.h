/* show.h - how each kind of document is laid out for people: functions of output_human.c's table
 *
 * All print to standard output. Documents are borrowed.
 */
#ifndef WF_CLI_SHOW_H
#define WF_CLI_SHOW_H

#include <jansson.h>

#include "cli/output.h"

/* show.c: the pieces. Text from outside, control bytes made visible; a dim word at the start of a line. */
void show_text(const char *text);
void show_head(struct out *out, const char *head);
void show_state(struct out *out, const char *state);

/* show_run.c */
void show_run(struct out *out, json_t *run);
void show_submitted(struct out *out, json_t *run);
void show_status(struct out *out, json_t *view);
void show_overview(struct out *out, json_t *view);
void show_runs(struct out *out, json_t *items);
/* "crack (7k3m9qzw) failed after 1m03s: 90 of 96 tasks succeeded, 1 failed", appended. */
void run_sentence(json_t *run, struct wf_buf *b);
/* "1 failed, 4 running, 19 succeeded": the states that there are, appended; without `all`, leaving out what
 * succeeded. */
void counts_words(json_t *counts, int all, struct wf_buf *b);
/* One of a run's `attention`: "simulate[3]: exit 1", appended. */
void attention_words(json_t *a, struct wf_buf *b);
/* The word for a step as a whole, from its counts. */
const char *step_state(json_t *counts);

/* show_task.c */
void show_tasks(struct out *out, json_t *items);
void show_task(struct out *out, json_t *task);
void show_why(struct out *out, json_t *why);
void show_event(struct out *out, json_t *event);
void show_events(struct out *out, json_t *items);

/* show_site.c */
void show_services(struct out *out, json_t *items);
void show_engine(struct out *out, json_t *engine);
void show_backup(struct out *out, json_t *doc);
void show_config(struct out *out, json_t *items);
void show_checks(struct out *out, json_t *items);
void show_version(struct out *out, json_t *doc);

/* show_plan.c */
void show_plan(struct out *out, json_t *plan);

#endif

/* launch.h - the member's own process: what to execute, and its start
 *
 * `run` is that of the verbs after the overlay, placeholders still in: {argv | command, shell, env, cwd, setup}. launch_render replaces them
 * (a word of argv stays one word; in a command no value becomes syntax, design.md 9). launch_start may be called again after
 * the process ended.
 */
#ifndef WF_SERVICES_LAUNCH_H
#define WF_SERVICES_LAUNCH_H

#include <jansson.h>

#include "engine/base/buf.h"
#include "services/process.h"
#include "services/spec.h"

struct launch {
	struct wf_arena arena;
	char **argv;
	const char **env;              /* complete; also of the probes' executables */
	const char *cwd;
	const char *setup;             /* NULL: none */
	int marker;                    /* tells that setup was passed; -1: no setup, or not started */
};

int launch_render(struct launch *l, json_t *run, json_t *roots, const struct member_spec *spec, const char *service_dir,
		  struct wf_err *err);
int launch_start(struct launch *l, struct procs *procs, struct child *c, struct wf_err *err);
/* 1 while its setup lines are not through, and when the process ended before they were. */
int launch_in_setup(const struct launch *l);
void launch_release(struct launch *l);

#endif

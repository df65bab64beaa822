/* doctor.h - what `wf doctor` looks at: each check appends its findings to one list
 *
 * A finding is {name, state: ok | warn | fail, text, fix?}. Checks only look; they change nothing and start nothing.
 */
#ifndef WF_CLI_DOCTOR_H
#define WF_CLI_DOCTOR_H

#include <jansson.h>

enum verdict { FINE, DOUBTFUL, BROKEN_HERE };

/* fix may be NULL. */
void found(json_t *list, const char *name, enum verdict v, const char *fix, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* doctor_state.c: the state directory, its file system, room, owner */
void check_state(json_t *list, const char *state_dir);
/* doctor_engine.c: programs, the engine that serves, its agents, service types */
struct client;
void check_programs(json_t *list);
void check_engine(json_t *list, struct client *c);
void check_types(json_t *list);
/* doctor_host.c: limits, cgroups, sessions, Slurm, temporary directories */
void check_host(json_t *list);

#endif

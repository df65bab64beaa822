/* env.h - the part of the caller's environment that goes with a run */
#ifndef WF_CLI_ENV_H
#define WF_CLI_ENV_H

#include <jansson.h>

/* {NAME: value} of what may go, a new reference; names that look like secrets are listed in left_out (array of strings,
 * borrowed). */
json_t *env_for_run(json_t *left_out);

#endif

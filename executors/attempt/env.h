/* env.h - the environment of an attempt
 *
 * Later wins: a name in `more` hides the same name in `base`, and `extra` ("NAME=value", NULL-terminated) hides both. The result is
 * one allocation holding pointers only: the texts stay where they are. free() it.
 */
#ifndef WF_ATTEMPT_ENV_H
#define WF_ATTEMPT_ENV_H

#include <stddef.h>

const char **wf_attempt_env(const char *const *base, const char *const *more, const char *const *extra);
/* Value of a name, or NULL. */
const char *wf_attempt_env_get(const char *const *env, const char *name);

#endif

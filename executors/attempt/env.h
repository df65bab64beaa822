/* env.h - the environment of an attempt
 *
 * Later wins: a name in `more` hides the same name in `base`, and `extra` ("NAME=value", NULL-terminated) hides both. The result is
 * one allocation holding pointers only: the texts stay where they are. free() it.
 */
#ifndef WF_ATTEMPT_ENV_H
#define WF_ATTEMPT_ENV_H

#include <stddef.h>

#include "engine/base/buf.h"
#include "engine/link/wire.h"

const char **wf_attempt_env(const char *const *base, const char *const *more, const char *const *extra);
/*
 * What an attempt is told of itself, for `extra`: WF_TOKEN, WF_RESULT; a task also WF_STEP, WF_TASK_ID, WF_INDEX, WF_ATTEMPT, WF_WORKDIR and
 * PWD. Fills out[0] to out[n - 1], n <= WF_ATTEMPT_OWN, with texts in the arena; returns n.
 */
enum { WF_ATTEMPT_OWN = 8 };
size_t wf_attempt_own_env(const struct wf_start *s, struct wf_arena *a, const char **out);
/* Value of a name, or NULL. */
const char *wf_attempt_env_get(const char *const *env, const char *name);

#endif

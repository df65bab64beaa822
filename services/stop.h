/* stop.h - ending a member: its stop list, step by step, then SIGKILL, until nothing is left below us
 *
 *     ladder_start(l, steps, budget_ms);        once; on_done comes later, exactly once, when no process is left or none can be ended
 *     ladder_hurry(l, budget_ms);               less time than thought; 0: SIGKILL at once
 *     ladder_change(l);                         some process ended: tell it
 *
 * A step is {resp | http | exec: ...} or {signal: NAME}, with `wait`: how long its effect is awaited before the next. budget_ms bounds all of
 * it (0: the steps' own waits do), leaving time for SIGKILL, which comes last always. With steps NULL it begins there.
 */
#ifndef WF_SERVICES_STOP_H
#define WF_SERVICES_STOP_H

#include "services/probe.h"

struct ladder;

/* `leader` is the member's first process (its pid is 0 when it ended or never was). */
struct ladder *ladder_create(const struct probe_ctx *ctx, const struct child *leader, void (*on_done)(void *arg, int all_gone), void *arg);
void ladder_destroy(struct ladder *l);
void ladder_start(struct ladder *l, json_t *steps, int64_t budget_ms);
void ladder_hurry(struct ladder *l, int64_t budget_ms);
void ladder_change(struct ladder *l);
int ladder_is_running(const struct ladder *l);

#endif

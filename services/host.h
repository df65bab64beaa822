/* host.h - one member, from its file to its last process
 *
 *     struct host *h = host_create(loop, os, &spec, control_fd);
 *     wf_loop_run(loop);                 the host stops the loop when it is done
 *     code = host_exit_code(h);
 *     host_destroy(h);
 *
 * The verbs below are for ops.c, which reads the control socket's operations, and for main.c's signals.
 */
#ifndef WF_SERVICES_HOST_H
#define WF_SERVICES_HOST_H

#include <jansson.h>

#include "engine/base/os.h"
#include "engine/loop/loop.h"
#include "services/spec.h"

struct host;

/* spec must outlive it. control_fd is taken; -1: nobody listens (events go to the log). */
struct host *host_create(struct wf_loop *l, struct wf_os *os, const struct member_spec *spec, int control_fd);
int host_exit_code(const struct host *h);
void host_destroy(struct host *h);

/* End the member; again is fine, and only ever makes it faster. budget_ms 0: the driver's own waits; -1: at once. */
void host_stop(struct host *h, int64_t budget_ms, const char *reason);
/* One round of the health probe, now; ops_health gets the answer, for all who asked meanwhile. */
void host_ask_health(struct host *h, int64_t limit_ms);
/* What there is: {state, pid, generation, view, address, endpoint, provides}, a new reference. */
json_t *host_describe(const struct host *h);

#endif

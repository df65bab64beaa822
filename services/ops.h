/* ops.h - operations on a live member, as the agent passes them on (control.h)
 *
 * Answers are kept by op_id, so asking again is safe: the same answer, or none twice while it is under way.
 */
#ifndef WF_SERVICES_OPS_H
#define WF_SERVICES_OPS_H

#include <jansson.h>
#include <stdint.h>

struct host;
struct ops;

/* `send` gets each answer, a line to take. */
struct ops *ops_create(struct host *h, void (*send)(void *arg, json_t *take_line), void *arg);
/* The driver's `ops` (may be NULL): what it declares and this version does not carry out is refused by another sentence than what nobody
 * knows. It must outlive o. */
void ops_declare(struct ops *o, json_t *driver_ops);
void ops_destroy(struct ops *o);

/* A line with `op_id`. */
void ops_take(struct ops *o, json_t *line);

/* From the host: the member has ended (all_gone), a health round has an answer. */
void ops_stopped(struct ops *o, int all_gone, const char *reason);
void ops_health(struct ops *o, int passed, const char *text);

#endif

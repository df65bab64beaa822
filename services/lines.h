/* lines.h - JSON objects, one per line, over a socket: wf-service's end of control.h
 *
 * lines_send copies and never fails; what can no longer be delivered is dropped, and on_closed follows. Both callbacks come on the
 * loop's thread; on_closed at most once, after which nothing more comes. lines_flush tries (for at most ms) to get rid of what is queued,
 * blocking: for the last words before exit.
 */
#ifndef WF_SERVICES_LINES_H
#define WF_SERVICES_LINES_H

#include <jansson.h>

#include "engine/loop/loop.h"

struct lines;

/* Takes the descriptor. */
struct lines *lines_create(struct wf_loop *l, int fd, void (*on_line)(void *arg, json_t *line), void (*on_closed)(void *arg), void *arg);
void lines_send(struct lines *c, json_t *take_line);
void lines_flush(struct lines *c, int ms);
void lines_destroy(struct lines *c);

#endif

/* api.h - the door to the engine's HTTP interface (docs/design/004): give it a listening socket and an engine, and stop it before the engine
 *
 *     struct wf_api *a = wf_api_create(engine, loop, listen_fd, &err);      listen_fd stays the caller's, open until destroy
 *     wf_api_config(a, config);  wf_api_on_stop(a, leave, arg);
 *     ... the loop runs ...
 *     wf_api_stop(a, on_stopped, arg);      no new connection; who waits is answered, at most a second passes
 *     wf_core_stop(...); wf_core_destroy(...);
 *     wf_api_destroy(a);                     after the engine: until then it may still call back
 *
 * Everything on the loop's thread. Who may connect: the uid of this process, and root. Nothing is answered before what it rests on is on disk.
 */
#ifndef WF_API_API_H
#define WF_API_API_H

#include "engine/base/err.h"
#include "engine/core/core.h"
#include "engine/loop/loop.h"

struct wf_api;
struct wf_config;

struct wf_api *wf_api_create(struct engine *e, struct wf_loop *l, int listen_fd, struct wf_err *err);
/* For GET /config; borrowed. */
void wf_api_config(struct wf_api *a, const struct wf_config *c);
/* fn(arg) once after POST /engine:stop was answered and the answer sent. */
void wf_api_on_stop(struct wf_api *a, void (*fn)(void *arg), void *arg);
void wf_api_stop(struct wf_api *a, void (*on_stopped)(void *arg), void *arg);
void wf_api_destroy(struct wf_api *a);

#endif

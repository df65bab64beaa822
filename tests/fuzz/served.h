/* served.h - an engine with its HTTP interface in this process, for harnesses that send it requests
 *
 * Its directory lies in fuzz_dir(), its agent is the scripted fake, its loop runs only while a harness waits for an answer. It is made
 * anew now and then, so that what earlier inputs submitted does not pile up.
 */
#ifndef WF_FUZZ_SERVED_H
#define WF_FUZZ_SERVED_H

#include "engine/api/api.h"
#include "engine/base/buf.h"

struct served {
	struct wf_loop *loop;
	struct engine *engine;
	struct wf_api *api;
	char *socket_path;
};

/* Ready to be asked: one run is there, finished. */
struct served *served(void);
/* After an input: the status it was answered with. Those that left something behind are counted. */
void served_done(int status);
/* Nothing that writes where it is told: a backup has any path as its target. */
int served_is_harmless(const uint8_t *data, size_t size);
/* An answer's status and body, when it is JSON: what must hold of each. */
void served_check(int status, const char *type, const char *body, size_t n);

#endif

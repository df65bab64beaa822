/* resp.h - the protocol of Redis, as much as probes and stop steps need: a command out, one reply in. Pure. */
#ifndef WF_SERVICES_RESP_H
#define WF_SERVICES_RESP_H

#include <jansson.h>
#include <stddef.h>

#include "engine/base/buf.h"

#define RESP_REPLY_MAX (1u << 20)

enum resp_outcome {
	RESP_MORE,             /* the reply is not whole yet */
	RESP_REPLY,            /* text holds it: a string, a number, the items of an array with one blank between, "" for nil */
	RESP_ERROR,            /* the server says no; text holds what it says */
	RESP_MALFORMED,        /* this is no reply of the protocol */
};

/* Append the command made of the single values in `words`. */
void resp_command(struct wf_buf *out, json_t *words);
enum resp_outcome resp_reply(const char *p, size_t n, struct wf_buf *text);

#endif

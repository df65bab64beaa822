/* picture.h - a graph document as the source of a picture
 *
 * The document is that of GET /runs/RUN/graph and of dag_json: {nodes, edges, services}; with `state` on a node it is coloured and
 * labelled by it.
 */
#ifndef WF_CLI_PICTURE_H
#define WF_CLI_PICTURE_H

#include <jansson.h>

#include "engine/base/buf.h"

void picture_dot(json_t *graph, struct wf_buf *b);
void picture_mermaid(json_t *graph, struct wf_buf *b);

#endif

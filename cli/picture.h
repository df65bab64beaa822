/* picture.h - the graph document of a run as the source of a picture, coloured and labelled by states
 *
 * The document is that of GET /runs/RUN/graph: {nodes, edges, services}, with `state` and `counts` on the nodes. The pictures look like those
 * of dag_dot and dag_mermaid, which draw files; the graph of a run is known to the engine alone.
 */
#ifndef WF_CLI_PICTURE_H
#define WF_CLI_PICTURE_H

#include <jansson.h>

#include "engine/base/buf.h"

void picture_dot(json_t *graph, struct wf_buf *b);
void picture_mermaid(json_t *graph, struct wf_buf *b);

#endif

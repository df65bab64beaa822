#include "cli/picture.h"
void picture_dot(json_t *graph, struct wf_buf *b) { (void)graph; (void)b; }
void picture_mermaid(json_t *graph, struct wf_buf *b) { (void)graph; (void)b; }

/* yaml_parts.h - what the parts of the YAML reader share: yaml.c builds the tree, mask.c hides placeholders from
 * libyaml, yaml_error.c explains */
#ifndef WF_WDF_YAML_PARTS_H
#define WF_WDF_YAML_PARTS_H

#include <yaml.h>

#include "wdf-schema/yaml.h"

struct wdf_masks {
	struct wdf_mask {
		const char *text; /* in the source */
		size_t len;
	} *items;
	struct wdf_pos *places;
	size_t count, cap, place_cap;
};
/* Append the text with its placeholders masked. The text must outlive the masks. */
void wdf_masks_put(struct wdf_masks *m, const char *text, size_t n, struct wf_buf *out);
/* The text of a scalar as it was written; sets the node's count, masked and first mask. */
const char *wdf_masks_undo(const struct wdf_masks *m, struct wf_arena *a, const char *s, size_t n, struct wdf_node *node);
void wdf_masks_release(struct wdf_masks *m);

static inline struct wdf_pos wdf_yaml_pos(yaml_mark_t m)
{
	return (struct wdf_pos){ (uint32_t)m.line + 1, (uint32_t)m.column + 1 };
}

/* The finding for what stopped the parser. */
void wdf_yaml_error(const yaml_parser_t *p, const char *text, size_t n, const struct wf_buf *masked, struct wdf_diags *d);

#endif

/* render.h - placeholders of a driver, replaced once, by what is known of this member
 *
 * struct roots is a JSON object: service, member, members, view, attributes, config, lease, args and the run's parameters, each a
 * name that "{{ name.field }}" may begin with. Rendering a JSON tree renders every string in it; numbers and truth values
 * stay, and become words by render_word.
 */
#ifndef WF_SERVICES_RENDER_H
#define WF_SERVICES_RENDER_H

#include <jansson.h>

#include "engine/base/err.h"
#include "services/spec.h"
#include "wdf-schema/driver.h"

/* The roots as far as the file says: no service.dir, service.port, nor addresses of the member. Attributes are rendered,
 * checked against the driver and turned into what templates want: sizes into bytes, times into seconds. A new reference. */
json_t *roots_create(const struct member_spec *s, const struct wdf_driver *d, struct wf_err *err);
/* roots[root][field] = value, which is taken. */
void roots_set(json_t *roots, const char *root, const char *field, json_t *value);

/* For functions of wdf.h that want a scope. Release when done: values handed out live in it. */
struct render_scope {
	struct wdf_scope scope;
	json_t *roots;
	struct wf_arena arena;
};
void render_scope_init(struct render_scope *s, json_t *roots);
void render_scope_release(struct render_scope *s);

/* Owned by the caller. NULL and WF_INVALID naming the placeholder. */
char *render_text(const char *text, json_t *roots, struct wf_err *err);
/* A new tree. */
json_t *render_tree(json_t *tree, json_t *roots, struct wf_err *err);
/* A single value as the word it stands for: 7, true, text. Owned by the caller. */
char *render_word(const json_t *v);
/* True when a string of the tree mentions `word` ("service.port"). */
int render_mentions(json_t *tree, const char *word);

#endif

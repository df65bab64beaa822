/* read.h - what the readers of a workflow file share: its state, and typed access to nodes
 *
 * Every wdf_read_* takes an entry (key, place, value) and makes its own findings: it returns 0 and sets *out, or -1 and leaves it. -1
 * without a finding means that the value depends on a parameter that has none yet (wf validate).
 *
 * "Structural" values shape the workflow and are read now: placeholders in them are parameters. "Templates" are kept until a task
 * runs. A file without `params` takes its names from -p, so there every given name is a parameter.
 */
#ifndef WF_WDF_READ_H
#define WF_WDF_READ_H

#include "engine/base/hash.h"
#include "wdf-schema/diag.h"
#include "wdf-schema/value.h"
#include "wdf-schema/wdf.h"
#include "wdf-schema/yaml.h"

#define WDF_NONE UINT32_MAX

/* Bounds that keep the work linear in the size of the file; no workflow of a person comes near. */
enum {
	WDF_MOST_DIMS = 64,               /* names of one fan-out, of one `by` */
	WDF_MOST_RESULTS = 256,
	WDF_MOST_CHOICES = 1000,
	WDF_MOST_MOVERS = 64,
	WDF_MOST_INHERITED = 3000000,
	WDF_MOST_RESOLVED = 64 << 20,
};

struct wdf_load {
	struct wdf *w;
	struct wf_arena *a;               /* of w */
	struct wdf_doc doc;
	struct wf_arena tree;             /* nodes: dies with the load */
	const struct wdf_input *in;
	const struct wdf_types *types;    /* may be NULL: types are not checked */
	struct wdf_diags *d;
	const char *what;                 /* what is being read: "step 'sim'" */
	int has_params;
	struct wf_strmap params, pools, services, steps, needed;
	const char **step_list, **service_list, **pool_list; /* for "did you mean" */
	struct wdf_pos *step_pos, *service_pos;
	struct wdf_component {
		uint32_t step;
		struct wdf_step *as;      /* read like a step, for its checks */
	} *components;
	size_t component_count, component_cap;
	uint8_t *used;                    /* per parameter: something uses it */
	size_t needed_cap;
	const struct wdf_node *defaults;
	const struct wdf_node *dims;      /* `foreach` of the step being read, or NULL */
	uint8_t *doubtful;                /* per parameter: its declaration has an error, more of it need not be said */
	int submit_ready;
	/* What a small file may make us do: sums over all steps. */
	uint64_t inherited;               /* nodes that `defaults` gave to steps */
	uint64_t resolved;                /* bytes of parameters put into structural values */
	uint8_t *flat;                    /* per parameter: 1 its list holds no lists, 2 it does, 0 not looked at */
};

/* ---- mappings ----------------------------------------------------------------------------------------- */

struct wdf_key {
	const char *name;
	void (*read)(struct wdf_load *l, const struct wdf_entry *e, void *to);
};
/* Calls the reader of each key that is there; unknown keys are findings. -1 when the value is no mapping. A key whose
 * value is nothing ("retry:") is a finding too. */
int wdf_read_map(struct wdf_load *l, const struct wdf_node *map, const char *what, const struct wdf_key *keys,
		 size_t n, void *to);
/* "'key' is missing in what", unless a misspelt one is there and was reported. NULL when nothing was said. */
struct wdf_diag *wdf_missing(struct wdf_load *l, const struct wdf_node *map, const char *key, const char *what);
/* The item of a list as an entry, under the list's key. */
struct wdf_entry wdf_item(const struct wdf_entry *list, uint32_t i);
int wdf_is_list(struct wdf_load *l, const struct wdf_entry *e, const char *example);
int wdf_is_map(struct wdf_load *l, const struct wdf_entry *e, const char *example);
struct wdf_diag *wdf_wrong_kind(struct wdf_load *l, const struct wdf_entry *e, const char *expected);

/* ---- structural scalars ------------------------------------------------------------------------------- */

enum wdf_text_mode {
	WDF_TEXT_STRICT, /* text only: a plain number or true must be quoted */
	WDF_TEXT_FREE,   /* any scalar but null, as written */
};
/* Text with its parameters put in. */
int wdf_read_text(struct wdf_load *l, const struct wdf_entry *e, enum wdf_text_mode mode, const char **out);
int wdf_read_name(struct wdf_load *l, const struct wdf_entry *e, const char **out);
int wdf_read_int(struct wdf_load *l, const struct wdf_entry *e, int64_t min, int64_t max, int64_t *out);
int wdf_read_bool(struct wdf_load *l, const struct wdf_entry *e, uint8_t *out);
int wdf_read_size(struct wdf_load *l, const struct wdf_entry *e, uint64_t *out);
int wdf_read_time(struct wdf_load *l, const struct wdf_entry *e, int64_t *ms);
/* Index of the word in a NULL-terminated list. */
int wdf_read_choice(struct wdf_load *l, const struct wdf_entry *e, const char *const *words, int *out);
/* At most `most` of what `e` lists; a finding otherwise. */
int wdf_is_few(struct wdf_load *l, const struct wdf_entry *e, uint32_t most);
/* Typed value of any node, parameters put in: an item or a whole value that is one placeholder becomes the parameter's
 * value. */
int wdf_read_value(struct wdf_load *l, const struct wdf_entry *e, struct wdf_value *out);
/* The parameter when the node is one placeholder and nothing else, or NULL. */
const struct wdf_param *wdf_read_param(struct wdf_load *l, const struct wdf_node *n);

/* ---- kept ------------------------------------------------------------------------------------------------ */

enum wdf_json_mode { WDF_JSON_RAW, WDF_JSON_RESOLVED };
/* A new reference, NULL after a finding; RAW keeps placeholders in strings, RESOLVED puts parameters in. */
json_t *wdf_read_json(struct wdf_load *l, const struct wdf_entry *e, enum wdf_json_mode mode);
/* Node that a JSON pointer leads to, and the place of its key when there is one. */
const struct wdf_node *wdf_node_at(const struct wdf_node *n, const char *pointer, struct wdf_pos *key,
				   uint32_t *key_span);

int wdf_read_tmpl(struct wdf_load *l, const struct wdf_entry *e, struct wdf_tmpl *out);

/* ---- names -------------------------------------------------------------------------------------------------- */

/* A parameter by name, or NULL. Marks it as used. */
const struct wdf_param *wdf_find_param(struct wdf_load *l, const char *name, size_t n);
/* False for a parameter without default that -p does not give (wf validate). */
static inline int wdf_param_known(const struct wdf_param *p)
{
	return p->value.kind != WDF_NULL || p->value.text;
}
/* Note that a name needs a value from -p (a file without params). */
void wdf_need(struct wdf_load *l, const char *name, size_t n, struct wdf_pos pos);
/* The nearest of the names as a hint, and where it is defined as the related place. */
void wdf_hint_defined(struct wdf_diag *f, const char *word, const char *const *names, const struct wdf_pos *places,
		      size_t n);
void wdf_unknown_name(struct wdf_load *l, const char *name, size_t n, struct wdf_pos pos,
		      const char *const *more, size_t more_count);

/* The text of a scalar with its parameters put in, for use at once; -1 when one has no value. */
int wdf_resolve(struct wdf_load *l, const struct wdf_entry *e, const char **out);
int wdf_resolve_template(struct wdf_load *l, const struct wdf_node *n, struct wdf_tmpl *t);

/* ---- parts of the file: one reader per source ------------------------------------------------------------- */

void wdf_load_params(struct wdf_load *l, const struct wdf_entry *e);      /* param.c */
void wdf_load_given(struct wdf_load *l);                                 /* -p, after the params */
void wdf_load_resources(struct wdf_load *l, const struct wdf_entry *e, struct wdf_resources *to); /* resources.c */
void wdf_load_retry(struct wdf_load *l, const struct wdf_entry *e, struct wdf_retry *to);
json_t *wdf_load_slurm(struct wdf_load *l, const struct wdf_entry *e);
json_t *wdf_load_location(struct wdf_load *l, const struct wdf_entry *e);
void wdf_load_dims(struct wdf_load *l, const struct wdf_entry *e, struct wdf_step *s); /* fanout.c */
void wdf_load_after(struct wdf_load *l, const struct wdf_entry *e, int of_service, struct wdf_after **to,
		    uint32_t *count);                                       /* after.c */
void wdf_load_step(struct wdf_load *l, const struct wdf_node *n, struct wdf_step *s);  /* step.c */
void wdf_load_commands(struct wdf_load *l, const struct wdf_node *n, struct wdf_step *s); /* work.c */
void wdf_load_components(struct wdf_load *l, const struct wdf_entry *e, struct wdf_step *s);
void wdf_load_env(struct wdf_load *l, const struct wdf_entry *e, void *step);
void wdf_load_uses(struct wdf_load *l, const struct wdf_entry *e, struct wdf_step *s); /* use.c */
/* The step with what `defaults` adds. */
struct wdf_node wdf_with_defaults(struct wdf_load *l, const struct wdf_node *step);    /* defaults.c */
void wdf_check_defaults(struct wdf_load *l, const struct wdf_key *keys, size_t n);
extern const struct wdf_key wdf_step_keys[];
extern const size_t wdf_step_key_count;
void wdf_load_service(struct wdf_load *l, const struct wdf_node *n, struct wdf_service *s); /* service.c */
void wdf_check_services(struct wdf_load *l, const struct wdf_entry *services);
void wdf_load_movers(struct wdf_load *l, const struct wdf_entry *e, struct wdf_service *s); /* mover.c */
/* Cycles among steps and services. Returns the steps in an order in which each comes after what it waits for (heap; the
 * caller frees), or NULL after a finding. */
uint32_t *wdf_check_links(struct wdf_load *l);                           /* links.c */
void wdf_check_names(struct wdf_load *l, const uint32_t *order);          /* names.c: placeholders in steps */

#endif

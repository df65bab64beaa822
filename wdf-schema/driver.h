/* driver.h - service types: what a driver file says
 *
 * A service type is a directory with a `driver.yaml` (docs/drivers.md is the manual of its keys). wdf_types_load (wdf.h) reads every
 * DIR/<name>/driver.yaml of the given directories, in their order; a type of a later directory replaces one of the same name, so a
 * site can mend what is shipped. A wrong driver file is WF_INVALID, "file:line:column: text; hint".
 *
 * Tables (attributes, members, requires) are plain structs. Verbs (run, ready, stop, ops...) are kept as one checked JSON object,
 * because wf-service renders every scalar of them anyway and because a workflow file may lay its own over them (`overrides`); whoever
 * reads them may trust their shape. Strings still hold their placeholders.
 *
 * Ownership: everything lives as long as its struct wdf_types, or until wdf_driver_free. No globals; read-only after loading, so any
 * thread may look.
 */
#ifndef WF_WDF_DRIVER_H
#define WF_WDF_DRIVER_H

#include <jansson.h>
#include <stdint.h>

#include "engine/base/err.h"
#include "wdf-schema/codes.h"
#include "wdf-schema/wdf.h"

#define WDF_DRIVER_API 1               /* the `api:` this version reads */
#define WDF_DRIVER_MAX_BYTES (1u << 20)

enum wdf_attribute_type {
	WDF_A_STRING,
	WDF_A_INTEGER,                 /* within min and max */
	WDF_A_SIZE,                    /* as wdf_size_parse; becomes a number of bytes in templates */
	WDF_A_TIME,                    /* as wdf_time_parse; becomes seconds in templates */
	WDF_A_BOOL,
	WDF_A_PATH,                    /* absolute, after `prefix` if the value begins with it */
	WDF_A_LIST,                    /* of strings; one string is a list of one */
};
const char *wdf_attribute_type_name(enum wdf_attribute_type t);

struct wdf_attribute {
	const char *name;
	enum wdf_attribute_type type;
	uint8_t required;              /* no default, must be given */
	uint8_t distinct;              /* must differ between the services of this type in one file */
	json_t *fallback;              /* the default, NULL when there is none */
	int64_t min, max;              /* of an integer; INT64_MIN and INT64_MAX when not said */
	const char *const *choices;    /* NULL: any */
	uint32_t choice_count;
	const char *prefix;            /* of a path; NULL: none */
	const char *description;       /* NULL: none */
	struct wdf_pos pos;
};

/* A key that a service's entry in the workflow file may (or must) give beside `attributes`. */
struct wdf_override {
	const char *name;              /* command, setup, env, ready, health, stop, provides */
	uint8_t required;              /* the driver has none of its own */
};

struct wdf_driver {
	const char *type;              /* upper case: "REDIS" */
	const char *file, *dir;        /* the driver.yaml, and the directory of its templates and executables; absolute if loaded so */
	const char *description;       /* one line, or NULL */
	struct wdf_attribute *attributes;
	uint32_t attribute_count;
	uint32_t members_min, members_max;
	struct wdf_override *overrides;
	uint32_t override_count;
	const char **requires_exec;    /* executables that must be found where the member runs */
	uint32_t requires_exec_count;
	json_t *verbs;                 /* object: run or start, files, endpoint, view, ready, health, metrics, provides, ops, stop, cleanup... */
	const char *unsupported;       /* NULL: this version runs it; else the sentence that refuses it at submit */
};

/* One driver file alone, for wf-service. */
struct wdf_driver *wdf_driver_read(const char *file, struct wf_err *err);
void wdf_driver_free(struct wdf_driver *d);

/* ---- the types of a struct wdf_types ----------------------------------------------------------------- */

/* By name in any case; NULL when there is none. */
const struct wdf_driver *wdf_types_find(const struct wdf_types *t, const char *type);
size_t wdf_types_count(const struct wdf_types *t);
const struct wdf_driver *wdf_types_at(const struct wdf_types *t, size_t i); /* sorted by name */
/* All names, sorted, for "did you mean". */
const char *const *wdf_types_names(const struct wdf_types *t, size_t *n);
/* NULL, or the sentence that refuses the type in this version (struct wdf_driver's `unsupported`). */
const char *wdf_driver_refusal(const struct wdf_driver *d);

/* ---- a service's entry against its driver ------------------------------------------------------------ */

const struct wdf_attribute *wdf_driver_attribute(const struct wdf_driver *d, const char *name);
const struct wdf_override *wdf_driver_override(const struct wdf_driver *d, const char *name);

/* WF_INVALID when the value does not fit the attribute: "attribute 'memory' must be a size such as 4GiB, not 'x'". A
 * string that holds a placeholder fits for now; wf-service checks again when it has rendered it. */
int wdf_attribute_check(const struct wdf_attribute *a, const json_t *value, const char *written, struct wf_err *err);

/* Where findings of wdf_driver_check go. `pointer` leads to the value inside what was checked, as a JSON pointer
 * ("/ready/all/0/tcp", ~1 for a slash in a key and ~0 for a tilde); with on_key the finding is about the last key
 * itself. hint may be NULL. */
struct wdf_check {
	void (*found)(void *self, enum wdf_code code, const char *pointer, int on_key, const char *text, const char *hint);
	void *self;
};
/* Check the keys that a service's entry gives in place of the driver's: `spec` is an object with keys of d->overrides
 * (any other is a finding, a required one that is missing too). Placeholders are not looked up, only `lease.secret` is
 * refused where it would leak. Returns the number of findings. */
int wdf_driver_check(const struct wdf_driver *d, json_t *spec, const struct wdf_check *to);

/* The driver's verbs with a (checked) spec laid over them: command, setup and env become those of `run`, the others
 * replace the verb of their name. spec may be NULL. A new reference. */
json_t *wdf_driver_overlay(const struct wdf_driver *d, json_t *spec);

/* NULL, or the sentence that refuses verbs as they are after the overlay (a probe that this version does not run...);
 * the caller frees. */
char *wdf_driver_verbs_refusal(const char *type, json_t *verbs);

#endif

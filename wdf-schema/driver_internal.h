/* driver_internal.h - between driver.c (files, tables) and verbs.c (the grammar of verbs); nobody else includes it */
#ifndef WF_WDF_DRIVER_INTERNAL_H
#define WF_WDF_DRIVER_INTERNAL_H

#include "engine/base/buf.h"
#include "wdf-schema/driver.h"

/* A check under way: where it is, and whom it tells. */
struct verbs_check {
	const struct wdf_check *to;
	const struct wdf_driver *driver; /* whose attributes placeholders may name; NULL: placeholders are not looked up */
	struct wf_buf at;                /* JSON pointer of the value being looked at */
	int found;
};

void verbs_found(struct verbs_check *c, enum wdf_code code, int on_key, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* Step into a key or an item; hand what it returns to verbs_leave. */
size_t verbs_enter(struct verbs_check *c, const char *key);
size_t verbs_enter_item(struct verbs_check *c, size_t i);
void verbs_leave(struct verbs_check *c, size_t was);
/* Every key of obj is one of names, else a finding with the nearest. */
void verbs_only(struct verbs_check *c, json_t *obj, const char *const *names, size_t n);

/* The verbs of a driver file, keys of `run` to `cleanup`. */
void verbs_check_all(struct verbs_check *c, json_t *verbs);
extern const char *const verbs_names[];
extern const size_t verbs_count;
/* One key that a service's entry may give (a name of overridable), found or not. */
extern const char *const verbs_overridable[];
extern const size_t verbs_overridable_count;
void verbs_check_override(struct verbs_check *c, const char *name, json_t *value);

#endif

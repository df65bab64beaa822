/* driver_internal.h - between driver.c (one file), attribute.c, types.c and verbs.c, verbs_act.c (the grammar of
 * verbs); nobody else includes it */
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

/* The value of `key` in obj, or NULL (0, otherwise, NULL) when it is absent or, with a finding, when it is something
 * else. */
const char *verbs_text_of(struct verbs_check *c, json_t *obj, const char *key);
int verbs_flag_of(struct verbs_check *c, json_t *obj, const char *key);
int64_t verbs_integer_of(struct verbs_check *c, json_t *obj, const char *key, int64_t otherwise);
const char **verbs_list_of(struct verbs_check *c, struct wf_arena *arena, json_t *obj, const char *key, uint32_t *count);

/* attribute.c: the table of a driver file into d; positions are left out. */
void verbs_read_attributes(struct verbs_check *c, struct wf_arena *arena, json_t *table, struct wdf_driver *d);

/* Values. A finding when v is something else. */
/* Where a text ends up: what is visible to every user of the host, or goes to every consumer, never holds a secret. */
enum secrecy { PRIVATE, VISIBLE };
/* A single value: text, or a number or truth value that is taken as its text. -1 after a finding. */
int verbs_check_scalar(struct verbs_check *c, json_t *v, enum secrecy secrecy);
void verbs_check_text(struct verbs_check *c, json_t *v, enum secrecy secrecy);
void verbs_check_words(struct verbs_check *c, json_t *v, enum secrecy secrecy);
void verbs_check_map(struct verbs_check *c, json_t *v, enum secrecy secrecy);
void verbs_check_time(struct verbs_check *c, json_t *v);
void verbs_check_int(struct verbs_check *c, json_t *v, int64_t min, int64_t max);
void verbs_check_choice(struct verbs_check *c, json_t *v, const char *const *names, size_t n, const char *what);
/* "unknown WHAT 'word'", with the nearest of names or all of them. */
void verbs_unknown(struct verbs_check *c, enum wdf_code code, int on_key, const char *what, const char *word, const char *const *names,
		   size_t n);
int verbs_is_one_of(const char *word, const char *const *names, size_t n);
/* A path that stays where it is told to: relative, no "..". */
int verbs_stays_inside(const char *path);

/* verbs_act.c */
void verbs_check_ready(struct verbs_check *c, json_t *v);
void verbs_check_health(struct verbs_check *c, json_t *v);
void verbs_check_stop(struct verbs_check *c, json_t *v);
void verbs_check_ops(struct verbs_check *c, json_t *v);
void verbs_check_metrics(struct verbs_check *c, json_t *v);
void verbs_check_cleanup(struct verbs_check *c, json_t *v);

/* The verbs of a driver file, keys of `run` to `cleanup`. */
void verbs_check_all(struct verbs_check *c, json_t *verbs);
extern const char *const verbs_names[];
extern const size_t verbs_count;
/* One key that a service's entry may give (a name of overridable), found or not. */
extern const char *const verbs_overridable[];
extern const size_t verbs_overridable_count;
void verbs_check_override(struct verbs_check *c, const char *name, json_t *value);

#endif

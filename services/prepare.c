/* prepare.c - owns the order in which a member's things come into being; starts nothing and tells nobody. */
#include "services/prepare.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "services/render.h"

/* ---- the driver -------------------------------------------------------------------------------------- */

static void on_finding(void *self, enum wdf_code code, const char *pointer, int on_key, const char *text, const char *hint)
{
	struct wf_err *err = self;

	(void)code;
	(void)on_key;
	if (err->code == WF_OK)
		wf_errf(err, WF_INVALID, "%s: %s%s%s", pointer, text, hint ? "; " : "", hint ? hint : "");
}

static int load_driver(struct prepared *p, struct wf_err *err)
{
	struct wf_err found = { 0 };
	struct wdf_check to = { on_finding, &found };
	char *refusal;

	p->driver = wdf_driver_read(p->spec->driver, err);
	if (!p->driver)
		return -1;
	if (strcasecmp(p->driver->type, p->spec->type) != 0)
		return wf_errf(err, WF_INVALID, "'%s' is the driver of '%s', not of '%s'", p->spec->driver, p->driver->type,
			       p->spec->type);
	if (p->spec->spec && wdf_driver_check(p->driver, p->spec->spec, &to)) {
		*err = found;
		return -1;
	}
	p->verbs = wdf_driver_overlay(p->driver, p->spec->spec);
	refusal = wdf_driver_verbs_refusal(p->driver->type, p->verbs);
	if (refusal) {
		wf_errf(err, WF_CONFLICT, "%s", refusal);
		free(refusal);
		return -1;
	}
	return 0;
}

static json_t *run_of(const struct prepared *p)
{
	json_t *run = json_object_get(p->verbs, "run");

	return run ? run : json_object_get(p->verbs, "start");
}

/* ---- the parts --------------------------------------------------------------------------------------- */

/* A port that the member is not told is not where it listens: then no endpoint of it is published either. */
static int prepare_port(struct prepared *p, json_t *endpoint, struct wf_err *err)
{
	static const char word[] = "service.port";
	json_t *files = json_object_get(p->verbs, "files"), *value;
	const char *key;
	void *tmp;
	int in_files = place_files_mention(p->driver, files, word);
	int told = in_files || render_mentions(run_of(p), word);

	p->port = 0;
	json_object_foreach_safe (endpoint, tmp, key, value)
		if (!told && render_mentions(value, word))
			json_object_del(endpoint, key);
	if (told || render_mentions(p->verbs, word)) {
		uint16_t port = place_pick_port(err);

		if (!port)
			return -1;
		roots_set(p->roots, "service", "port", json_integer(port));
		if (told)
			p->port = port;
	}
	return 0;
}

static int prepare_endpoint(struct prepared *p, struct wf_err *err)
{
	json_t *endpoint = json_deep_copy(json_object_get(p->verbs, "endpoint")), *value;
	const char *key, *path;
	int rc = prepare_port(p, endpoint, err);

	json_decref(p->endpoint);
	p->endpoint = NULL;
	if (rc == 0 && endpoint) {
		p->endpoint = render_tree(endpoint, p->roots, err);
		rc = p->endpoint ? 0 : wf_err_wrap(err, "endpoint");
	}
	json_decref(endpoint);
	if (rc < 0)
		return -1;
	path = json_string_value(json_object_get(p->endpoint, "unix"));
	if (path && strlen(path) > 107)
		return wf_errf(err, WF_INVALID, "the endpoint '%s' is longer than the path of a unix socket may be (107); put it into "
			       "{{ service.dir }}", path);
	json_object_foreach (p->endpoint, key, value)
		roots_set(p->roots, "member", key, json_incref(value));
	roots_set(p->roots, "member", "address", json_string(prepared_address(p)));
	return 0;
}

/* One verb, rendered into *to; absent stays NULL. */
static int prepare_verb(struct prepared *p, const char *name, json_t **to, struct wf_err *err)
{
	json_t *v = json_object_get(p->verbs, name);

	json_decref(*to);
	*to = v ? render_tree(v, p->roots, err) : NULL;
	return v && !*to ? wf_err_wrap(err, "%s", name) : 0;
}

/* ---- in order ---------------------------------------------------------------------------------------- */

int prepare(struct prepared *p, struct wf_os *os, const struct member_spec *spec, struct wf_err *err)
{
	json_t *files;

	if (!p->spec) {
		p->os = os;
		p->spec = spec;
		p->launch.marker = -1;
		if (load_driver(p, err) < 0)
			return -1;
		p->roots = roots_create(spec, p->driver, err);
		if (!p->roots || place_make(&p->place, os, spec, err) < 0)
			return -1;
		roots_set(p->roots, "service", "dir", json_string(p->place.service_dir));
	}
	files = json_object_get(p->verbs, "files");
	launch_release(&p->launch);
	if (prepare_endpoint(p, err) < 0 || place_write_files(&p->place, p->driver, files, p->roots, err) < 0 ||
	    launch_render(&p->launch, run_of(p), p->roots, spec, p->place.service_dir, err) < 0 ||
	    prepare_verb(p, "ready", &p->ready, err) < 0 || prepare_verb(p, "health", &p->health, err) < 0 ||
	    prepare_verb(p, "stop", &p->stop, err) < 0 || prepare_verb(p, "provides", &p->provides, err) < 0)
		return -1;
	return 0;
}

const char *prepared_address(const struct prepared *p)
{
	static const char *const kinds[] = { "address", "unix", "tcp", "http" };

	for (size_t i = 0; i < WF_COUNT(kinds); i++) {
		const char *s = json_string_value(json_object_get(p->endpoint, kinds[i]));

		if (s)
			return s;
	}
	return "";
}

void prepared_clean(struct prepared *p)
{
	place_remove(&p->place, json_object_get(p->verbs, "cleanup"));
}

void prepared_release(struct prepared *p)
{
	if (!p->spec)
		return;
	launch_release(&p->launch);
	json_decref(p->endpoint);
	json_decref(p->provides);
	json_decref(p->ready);
	json_decref(p->health);
	json_decref(p->stop);
	json_decref(p->roots);
	json_decref(p->verbs);
	wdf_driver_free(p->driver);
}

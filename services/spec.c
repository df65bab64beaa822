/* spec.c - owns reading the file that describes a member (spec.h); knows nothing of drivers and does nothing with what it read. */
#include "services/spec.h"

#include <string.h>

#include "engine/base/json.h"
#include "engine/base/os.h"
#include "services/control.h"

static json_t *object_of(json_t *obj, const char *key, int need, struct wf_err *err)
{
	json_t *v = json_object_get(obj, key);

	if (json_is_object(v))
		return v;
	if (need || (v && !json_is_null(v)))
		wf_errf(err, WF_INVALID, "'%s' must be an object", key);
	return NULL;
}

static int absolute(const char *path, const char *key, struct wf_err *err)
{
	if (path && path[0] != '/')
		return wf_errf(err, WF_INVALID, "'%s' must be an absolute path, not '%s'", key, path);
	return 0;
}

static int read_service(struct member_spec *s, json_t *v, struct wf_err *err)
{
	if (wf_json_str(v, "name", 1, &s->service, err) < 0 || wf_json_str(v, "type", 1, &s->type, err) < 0)
		return -1;
	if (!json_object_get(v, "attributes") || json_is_null(json_object_get(v, "attributes")))
		json_object_set_new(v, "attributes", json_object());
	s->attributes = object_of(v, "attributes", 1, err);
	if (!s->attributes)
		return -1;
	s->spec = object_of(v, "spec", 0, err);
	if (!s->spec && json_object_get(v, "spec") && !json_is_null(json_object_get(v, "spec")))
		return -1;
	return 0;
}

static int read_member(struct member_spec *s, json_t *v, struct wf_err *err)
{
	s->role = "founder";
	if (wf_json_int(v, "n", 1, &s->n, err) < 0 || wf_json_str(v, "role", 0, &s->role, err) < 0 ||
	    wf_json_str(v, "dir", 1, &s->dir, err) < 0 || wf_json_str(v, "host", 1, &s->host, err) < 0)
		return -1;
	return absolute(s->dir, "member.dir", err);
}

int member_spec_parse(struct member_spec *s, json_t *json, struct wf_err *err)
{
	int64_t version = 0;
	json_t *service, *member;

	memset(s, 0, sizeof(*s));
	s->term_ms = WF_CONTROL_TERM_MS;
	if (!json_is_object(json))
		return wf_errf(err, WF_INVALID, "a member's file holds one JSON object");
	if (wf_json_int(json, "version", 1, &version, err) < 0)
		return -1;
	if (version != MEMBER_SPEC_VERSION)
		return wf_errf(err, WF_INVALID, "version %lld of a member's file is not known, this program reads %d",
			       (long long)version, MEMBER_SPEC_VERSION);
	service = object_of(json, "service", 1, err);
	member = service ? object_of(json, "member", 1, err) : NULL;
	if (!member || read_service(s, service, err) < 0 || read_member(s, member, err) < 0)
		return -1;
	if (wf_json_str(json, "run", 1, &s->run, err) < 0 || wf_json_str(json, "run_name", 1, &s->run_name, err) < 0 ||
	    wf_json_str(json, "driver", 1, &s->driver, err) < 0 || absolute(s->driver, "driver", err) < 0 ||
	    wf_json_int(json, "generation", 1, &s->generation, err) < 0 || wf_json_int(json, "view", 1, &s->view, err) < 0 ||
	    wf_json_str(json, "workdir", 1, &s->workdir, err) < 0 || absolute(s->workdir, "workdir", err) < 0 ||
	    wf_json_int(json, "term_ms", 0, &s->term_ms, err) < 0)
		return -1;
	if (json_is_string(json_object_get(json, "endpoint_file")))
		s->endpoint_file = json_string_value(json_object_get(json, "endpoint_file"));
	if (absolute(s->endpoint_file, "endpoint_file", err) < 0)
		return -1;
	s->params = object_of(json, "params", 1, err);
	if (!s->params)
		return -1;
	s->config = json_is_object(json_object_get(json, "config")) ? json_object_get(json, "config") : NULL;
	s->lease = json_is_object(json_object_get(json, "lease")) ? json_object_get(json, "lease") : NULL;
	s->json = json_incref(json);
	return 0;
}

int member_spec_read(struct member_spec *s, const char *file, struct wf_err *err)
{
	struct wf_buf text = { 0 };
	json_t *json = NULL;
	int rc = -1;

	memset(s, 0, sizeof(*s));
	if (wf_file_read(wf_os_posix(), file, MEMBER_SPEC_MAX, &text, err) == 0)
		json = wf_json_parse(wf_buf_cstr(&text), text.len, err);
	if (json)
		rc = member_spec_parse(s, json, err);
	json_decref(json);
	wf_buf_release(&text);
	return rc;
}

void member_spec_release(struct member_spec *s)
{
	json_decref(s->json);
	memset(s, 0, sizeof(*s));
}

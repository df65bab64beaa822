/* problem.c - owns how an error looks in an answer: RFC 9457, with our closed list of codes; knows nothing of requests. */
#include <string.h>

#include "engine/api/api_internal.h"
#include "engine/base/json.h"

/* Titles of the statuses that no wf_code has. */
static const char *title_of(int status, enum wf_code code)
{
	switch (status) {
	case 408:
		return "request not complete in time";
	case 421:
		return "host not served here";
	case 431:
		return "headers larger than the limit";
	case 501:
		return "method not known";
	case 505:
		return "HTTP version not supported";
	default:
		return wf_code_phrase(code);
	}
}

void problem_write(struct wf_buf *out, int status, enum wf_code code, const char *detail, json_t *errors)
{
	json_t *o = json_object();

	json_object_set_new(o, "type", json_string("about:blank"));
	json_object_set_new(o, "title", json_string(title_of(status, code)));
	json_object_set_new(o, "status", json_integer(status));
	json_object_set_new(o, "detail", wf_json_text(detail, strlen(detail)));
	json_object_set_new(o, "code", json_string(wf_code_name(code)));
	if (errors)
		json_object_set(o, "errors", errors);
	wf_json_dump(o, out);
	json_decref(o);
}

/* result.c - owns reading and checking a result file; decides nothing about what a bad one means. */
#include "executors/attempt/result.h"

#include "engine/base/json.h"

int wf_attempt_result(struct wf_os *os, const char *path, struct wf_buf *b, struct wf_err *err)
{
	struct wf_err why = { 0 };
	size_t start = b->len;
	struct stat st;
	json_t *v;
	int rc = 0;

	if (os->ops->lstat(os->self, path, &st) < 0)
		return 1;
	if (wf_file_read(os, path, WF_RESULT_LIMIT, b, &why) < 0)
		return wf_errf(err, why.code, "its result cannot be taken: %s", why.text);
	v = wf_json_parse(b->data + start, b->len - start, &why);
	if (!v)
		rc = wf_errf(err, WF_INVALID, "its result '%s' is not JSON: %s", path, why.text);
	else if (!json_is_object(v))
		rc = wf_errf(err, WF_INVALID, "its result '%s' is not a JSON object", path);
	json_decref(v);
	if (rc < 0)
		b->len = start;
	return rc;
}

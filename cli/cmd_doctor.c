/* cmd_doctor.c - `wf doctor`: every check, one line each, with a fix where something is wrong. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/doctor.h"
#include "cli/field.h"
#include "engine/base/json.h"

const struct opt cmd_doctor_options[] = {
	{ 0 },
};

void found(json_t *list, const char *name, enum verdict v, const char *fix, const char *fmt, ...)
{
	static const char *const words[] = { [FINE] = "ok", [DOUBTFUL] = "warn", [BROKEN_HERE] = "fail" };
	struct wf_buf text = { 0 };
	json_t *item;
	char *raw = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&raw, fmt, ap) < 0)
		wf_out_of_memory(0);
	va_end(ap);
	text_visible(&text, raw);
	item = json_pack("{s:s, s:s}", "name", name, "state", words[v]);
	json_object_set_new(item, "text", wf_json_text(wf_buf_cstr(&text), text.len));
	json_object_set_new(item, "fix", fix ? wf_json_text(fix, strlen(fix)) : json_null());
	json_array_append_new(list, item);
	wf_buf_release(&text);
	free(raw);
}

int cmd_doctor(const struct args *args, struct out *out)
{
	struct wf_err err;
	/* Looking must not change what is looked at: no engine is started. */
	struct client *c = client_open(0, &err);
	json_t *list = json_array(), *item;
	int failed = 0;
	size_t i;

	(void)args;
	if (!c) {
		found(list, "state", BROKEN_HERE, "set WF_STATE_DIR", "%s", err.text);
	} else {
		check_state(list, client_state_dir(c));
		check_programs(list);
		check_engine(list, c);
	}
	check_types(list);
	check_host(list);
	out_list_begin(out, OUT_CHECKS);
	out_list_page(out, list);
	out_list_end(out, NULL);
	json_array_foreach(list, i, item)
		failed |= strcmp(field_str(item, "state"), "fail") == 0;
	json_decref(list);
	client_close(c);
	return failed ? wf_code_exit(WF_RESOURCE) : 0;
}

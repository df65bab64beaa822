/* The table of routes and problem documents: what finds its handler, what is refused and how. */
#include <stdlib.h>
#include <string.h>

#include "engine/api/api_internal.h"
#include "engine/base/json.h"
#include "tests/tap/tap.h"

static char *names[2], allow[64];
static int status;

static const char *find(const char *method, const char *path)
{
	const struct route *r;

	free(names[0]);
	free(names[1]);
	r = route_find(api_routes, api_route_count, method, path, names, &status, allow);
	return r ? r->pattern : "";
}

static void test_routes(void)
{
	is_str(find("GET", "/api/v1/engine"), "/engine", "a plain path");
	is_str(find("HEAD", "/api/v1/engine"), "/engine", "HEAD goes where GET goes");
	is_str(find("POST", "/api/v1/engine:stop"), "/engine:stop", "a verb");
	is_str(find("GET", "/api/v1/runs/@last"), "/runs/RUN", "a run");
	is_str(names[0], "@last", "its name");
	is_str(find("POST", "/api/v1/runs/@last:cancel"), "/runs/RUN:cancel", "a verb on a run");
	is_str(names[0], "@last", "the verb is not part of the name");
	is_str(find("GET", "/api/v1/runs/a%2Db/tasks/sim%5B12%5D/log"), "/runs/RUN/tasks/TASK/log", "a task");
	is_str(names[0], "a-b", "percent-encoding in a run's name");
	is_str(names[1], "sim[12]", "brackets may be encoded");
	find("GET", "/api/v1/runs/x/tasks/sim[12]");
	is_str(names[1], "sim[12]", "or not");
	is_str(find("POST", "/api/v1/runs/x/tasks/sim[1]:resolve"), "/runs/RUN/tasks/TASK:resolve", "a verb on a task");
	is_str(names[1], "sim[1]", "the task without the verb");
}

static void test_refused(void)
{
	static const char *const absent[] = {
		"/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/runs/", "/api/v1/runs//tasks", "/api/v1/runs/x/tasks/y/z",
		"/api/v2/engine", "/engine", "", "/api/v1/engine/", "/api/v1/runs/x:frobnicate",
		"/api/v1/runs/..%2f..%2fetc%2fpasswd/tasks", "/api/v1/runs/%00", "/api/v1/runs/%zz", "/api/v1/runs/%4",
	};

	for (size_t i = 0; i < WF_COUNT(absent); i++) {
		/* A run may have any name: what is not there is found out later. */
		if (strcmp(find("GET", absent[i]), "/runs/RUN") == 0)
			ok(strchr(absent[i], ':') != NULL, "'%s' can be a run's name", absent[i]);
		else
			is_int(status, 404, "'%s' is not there", absent[i]);
	}
	find("PUT", "/api/v1/engine");
	is_int(status, 405, "a method that is not for this path");
	is_str(allow, "GET, HEAD", "and those that are");
	find("DELETE", "/api/v1/runs");
	is_str(allow, "POST, GET, HEAD", "both methods of one path");
	find("GET", "/api/v1/runs/x:cancel");
	is_int(status, 405, "a verb wants POST");
	is_str(allow, "POST", "and says so");
	find("TRACE", "/api/v1/engine");
	is_int(status, 405, "TRACE is known, and allowed nowhere");
	find("FROB", "/api/v1/engine");
	is_int(status, 501, "an unknown method");
	find("get", "/api/v1/engine");
	is_int(status, 501, "methods are upper case");
}

static void test_decode(void)
{
	char plus[] = "a+b%20c%2B", bad[] = "100%", nul[] = "a%00b";

	is_int(url_decode(plus, 1), 0, "a query");
	is_str(plus, "a b c+", "is decoded");
	is_int(url_decode(bad, 1), -1, "half an escape is malformed");
	is_int(url_decode(nul, 1), -1, "a NUL is refused");
}

static void test_problem(void)
{
	struct wf_buf b = { 0 };
	json_t *errors = json_pack("[{s:s}]", "code", "E0103"), *o;

	problem_write(&b, 422, WF_INVALID, "unknown key \xff", errors);
	o = wf_json_parse(b.data, b.len, NULL);
	ok(o != NULL, "a problem is JSON, whatever its text holds");
	is_int(json_integer_value(json_object_get(o, "status")), 422, "status");
	is_str(json_string_value(json_object_get(o, "code")), "invalid", "code");
	is_str(json_string_value(json_object_get(o, "title")), "invalid file or value", "title");
	is_str(json_string_value(json_object_get(o, "detail")), "unknown key \xef\xbf\xbd", "detail");
	is_int((int64_t)json_array_size(json_object_get(o, "errors")), 1, "findings");
	json_decref(o);
	json_decref(errors);
	wf_buf_clear(&b);
	problem_write(&b, 408, WF_USAGE, "x", NULL);
	has_str(b.data, "request not complete in time", "a status that no code has keeps its own title");
	wf_buf_release(&b);
}

int main(void)
{
	test_routes();
	test_refused();
	test_decode();
	test_problem();
	free(names[0]);
	free(names[1]);
	return done_testing();
}

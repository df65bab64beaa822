/* cmd_plan.c - `wf plan`: what a file would run, without running it. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/plan.h"
#include "cli/site.h"

const struct opt cmd_plan_options[] = {
	{ .letter = 'p', .name = "param", .value = "NAME=VALUE", .help = "give a parameter its value", .many = 1 },
	{ .name = "cores", .value = "N", .help = "plan for so many cores; those of this host when not given" },
	{ .name = "memory", .value = "SIZE", .help = "plan for so much memory (64GiB)" },
	{ 0 },
};

int cmd_plan(const struct args *args, struct out *out)
{
	char *cwd = getcwd(NULL, 0);
	uint64_t memory = site_memory();
	struct wf_err err = { 0 };
	struct spec s = { 0 };
	int64_t cores;
	json_t *plan;
	int rc;

	if (args_number(args, "cores", 1, 1 << 24, site_cores(), &cores, &err) < 0 ||
	    (args_has(args, "memory") && wdf_size_parse(args_get(args, "memory"), &memory, &err) < 0) ||
	    spec_read(&s, args_operand(args, 0), &err) < 0 || spec_params(&s, args, &err) < 0) {
		rc = out_fail(out, &err);
	} else if (spec_parse(&s, 0) < 0 || spec_expand(&s, cwd ? cwd : "/", &err) < 0) {
		rc = err.code != WF_OK ? out_fail(out, &err) : spec_fail(&s, out);
	} else {
		plan = plan_document(&s, (uint32_t)cores, memory);
		out_show(out, OUT_PLAN, plan);
		json_decref(plan);
		rc = 0;
	}
	spec_release(&s);
	free(cwd);
	return rc;
}

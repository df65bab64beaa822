/* cmd_pause.c - `wf pause` and `wf resume`: one verb of the interface each. */
#include "cli/cmd.h"
#include "cli/runs.h"

const struct opt cmd_pause_options[] = {
	{ 0 },
};
const struct opt cmd_resume_options[] = {
	{ 0 },
};

int cmd_pause(const struct args *args, struct out *out)
{
	return runs_apply(args, out, "pause");
}

int cmd_resume(const struct args *args, struct out *out)
{
	return runs_apply(args, out, "resume");
}

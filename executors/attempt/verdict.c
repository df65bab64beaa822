/* verdict.c - owns the order of causes: what we did comes first, then the kernel, then the command's own exit. */
#include "executors/attempt/verdict.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

static int is_success(const struct wf_verdict_in *in, int code)
{
	for (uint32_t i = 0; i < in->success_count; i++)
		if (in->success_codes[i] == code)
			return 1;
	return in->success_count == 0 && code == 0;
}

struct wf_verdict wf_attempt_verdict(const struct wf_verdict_in *in, struct wf_buf *reason)
{
	int by_signal = WIFSIGNALED(in->status);
	int sig = by_signal ? WTERMSIG(in->status) : 0;
	struct wf_verdict v = { .exit = by_signal ? 128 + sig : WEXITSTATUS(in->status) };
	const char *name = by_signal ? sigabbrev_np(sig) : NULL;

	switch (in->stopped) {
	case WF_NOT_STOPPED:
		break;
	case WF_STOPPED_TIMEOUT:
		v.class = WF_CLASS_TIMEOUT;
		wf_buf_printf(reason, "ran longer than its timeout of %lld.%03lld s", (long long)(in->timeout_ms / 1000),
			      (long long)(in->timeout_ms % 1000));
		return v;
	case WF_STOPPED_CANCEL:
		v.class = WF_CLASS_CANCELED;
		wf_buf_str(reason, "canceled");
		return v;
	case WF_STOPPED_OUTPUT:
		v.class = WF_CLASS_OUTPUT_LIMIT;
		wf_buf_printf(reason, "wrote more than its output_limit of %llu bytes", (unsigned long long)in->output_limit);
		return v;
	case WF_STOPPED_AGENT:
		v.class = WF_CLASS_AGENT_LOST;
		wf_buf_str(reason, "ended because the agent was told to end");
		return v;
	}
	/* A shell reports its child's death by KILL as 137. */
	if (in->out_of_memory && v.exit == 128 + SIGKILL) {
		v.class = WF_CLASS_OUT_OF_MEMORY;
		wf_buf_str(reason, "killed by the kernel for lack of memory");
	} else if (in->setup && !in->setup_passed) {
		v.class = WF_CLASS_SETUP_FAILED;
		if (by_signal)
			wf_buf_printf(reason, "a setup line ended by signal %d", sig);
		else
			wf_buf_printf(reason, "a setup line failed with exit code %d", v.exit);
	} else if (by_signal) {
		v.class = WF_CLASS_SIGNAL;
		v.exit = sig;
		wf_buf_printf(reason, "ended by signal %d (%s%s)", sig, name ? "SIG" : "", name ? name : "real-time");
	} else if (!is_success(in, v.exit)) {
		v.class = WF_CLASS_EXIT;
		wf_buf_printf(reason, "ended with exit code %d", v.exit);
		if (v.exit == 127)
			wf_buf_str(reason, " (command not found)");
		else if (v.exit == 126)
			wf_buf_str(reason, " (command cannot be executed)");
	} else {
		v.class = WF_CLASS_OK;
	}
	return v;
}

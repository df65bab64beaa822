/* agent_main.c - wf-fake-agent: the scripted fake as a program, on a socket like a real agent; or with --quick CORES one that ends all at once. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/log.h"
#include "tests/fakes/fake_agent.h"
#include "tests/fakes/quick_agent.h"

static void on_term(void *arg, int signum)
{
	(void)signum;
	wf_loop_stop(arg);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "script", required_argument, NULL, 's' },
		{ "quick", required_argument, NULL, 'q' },
		{ "hold", required_argument, NULL, 'h' },
		{ 0 },
	};
	const char *dir = NULL, *script = NULL;
	struct wf_os *os = wf_os_posix();
	struct wf_buf text = { 0 };
	struct wf_err err = { 0 };
	struct wf_signal_watch *term;
	struct fake_agent *f = NULL;
	struct quick_agent *q = NULL;
	uint32_t cores = 0;
	uint64_t hold = 0;
	struct wf_loop *l;
	char *path;
	int c, rc = 1;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'd')
			dir = optarg;
		else if (c == 's')
			script = optarg;
		else if (c == 'q')
			cores = (uint32_t)strtoul(optarg, NULL, 10);
		else if (c == 'h')
			hold = strtoull(optarg, NULL, 10);
		else
			return 2;
	}
	if (!dir || optind != argc) {
		fputs("usage: wf-fake-agent --dir DIR [--script FILE | --quick CORES [--hold STARTS]]\n", stderr);
		return 2;
	}
	wf_log_to(2, WF_LOG_INFO, "wf-fake-agent");
	signal(SIGPIPE, SIG_IGN);
	l = wf_loop_uv_create();
	path = wf_xasprintf("%s/s", dir);
	if ((!script || wf_file_read(os, script, 1 << 20, &text, &err) == 0) && wf_dir_make(os, dir, 0700, &err) == 0) {
		if (cores)
			q = quick_agent_create(l, os, cores, hold);
		else
			f = fake_agent_create(l, os, text.data, &err);
	}
	if ((!f && !q) || (q ? quick_agent_listen(q, path, &err) : fake_agent_listen(f, path, &err)) < 0) {
		fprintf(stderr, "wf-fake-agent: %s\n", err.text);
		goto out;
	}
	term = wf_signal_create(l, SIGTERM, on_term, l);
	wf_loop_run(l);
	wf_signal_destroy(term);
	rc = 0;
out:
	fake_agent_destroy(f);
	quick_agent_destroy(q);
	wf_loop_destroy(l);
	wf_buf_release(&text);
	free(path);
	return rc;
}

/* main.c - wf-agent-local: options, open, run, close. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/log.h"
#include "executors/local/door.h"

static const uint64_t LINGER_MS = 60000;

static void usage(FILE *to)
{
	fputs("usage: wf-agent-local --dir DIR [--verbose]\n"
	      "\n"
	      "Starts tasks on this host for wf-engine, which starts it by itself. Serves DIR/s until it is\n"
	      "idle without an engine for a minute.\n",
	      to);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "dir", required_argument, NULL, 'd' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	const char *dir = NULL, *linger = getenv("WF_AGENT_LINGER_MS");
	enum wf_log_level level = WF_LOG_INFO;
	struct wf_err err = { 0 };
	struct wf_loop *loop;
	struct agent *g;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'd':
			dir = optarg;
			break;
		case 'v':
			level = WF_LOG_DEBUG;
			break;
		case 'V':
			puts("wf-agent-local " WF_VERSION);
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return wf_code_exit(WF_USAGE);
		}
	}
	if (!dir || dir[0] != '/' || optind != argc) {
		if (dir && dir[0] != '/')
			fprintf(stderr, "wf-agent-local: directory '%s' is not an absolute path\n", dir);
		usage(stderr);
		return wf_code_exit(WF_USAGE);
	}
	wf_log_to(2, level, "wf-agent-local");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	loop = wf_loop_uv_create();
	g = agent_open(wf_os_posix(), loop, dir, linger ? strtoull(linger, NULL, 10) : LINGER_MS, &err);
	if (!g) {
		fprintf(stderr, "wf-agent-local: %s\n", err.text);
		wf_loop_destroy(loop);
		return wf_code_exit(err.code);
	}
	wf_loop_run(loop);
	agent_close(g);
	wf_loop_destroy(loop);
	return 0;
}

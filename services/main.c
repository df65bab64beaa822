/* main.c - wf-service: reads its file, hosts one member, leaves with what became of it. Nothing else. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "engine/base/log.h"
#include "services/control.h"
#include "services/host.h"

static int usage(FILE *to, int code)
{
	fputs("usage: wf-service FILE\n"
	      "Hosts one member of a service; started by an agent. docs/drivers.md tells what it does.\n",
	      to);
	return code;
}

static const struct member_spec *hosted;

static void on_signal(void *arg, int signum)
{
	static int seen;

	host_stop(arg, seen++ ? -1 : hosted->term_ms, signum == SIGTERM ? "SIGTERM" : signum == SIGINT ? "SIGINT" : "SIGHUP");
}

/* The control socket's descriptor, out of the environment for good; -1 when there is none. */
static int control_fd(void)
{
	const char *s = getenv(WF_CONTROL_ENV);
	char *end;
	long fd = s ? strtol(s, &end, 10) : -1;

	if (!s || end == s || *end || fd < 3 || fd > 1 << 20)
		fd = -1;
	unsetenv(WF_CONTROL_ENV);
	return (int)fd;
}

int main(int argc, char **argv)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP };
	struct wf_signal_watch *watches[WF_COUNT(signals)];
	struct member_spec spec;
	struct wf_err err;
	struct wf_loop *loop;
	struct host *host;
	int code;

	wf_log_to(2, WF_LOG_INFO, "wf-service");
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return usage(stdout, 0);
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		puts("wf-service " WF_VERSION);
		return 0;
	}
	if (argc != 2 || argv[1][0] == '-')
		return usage(stderr, 2);
	signal(SIGPIPE, SIG_IGN);
	/* The agent had us killed with it. We would rather be told: the member and its directories are ours to remove. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (member_spec_read(&spec, argv[1], &err) < 0) {
		wf_log(WF_LOG_ERROR, "%s: %s", argv[1], err.text);
		return wf_code_exit(err.code);
	}
	hosted = &spec;
	loop = wf_loop_uv_create();
	host = host_create(loop, wf_os_posix(), &spec, control_fd());
	for (size_t i = 0; i < WF_COUNT(signals); i++)
		watches[i] = wf_signal_create(loop, signals[i], on_signal, host);
	wf_loop_run(loop);
	code = host_exit_code(host);
	for (size_t i = 0; i < WF_COUNT(signals); i++)
		wf_signal_destroy(watches[i]);
	host_destroy(host);
	wf_loop_destroy(loop);
	member_spec_release(&spec);
	return code;
}

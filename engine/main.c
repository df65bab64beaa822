/* main.c - options, floors bottom up, the loop, floors top down; nothing else.
 *
 *     wf-engine --state-dir DIR [--foreground] [--takeover]    serve; without --foreground returns 0 once it serves
 *     wf-engine --state-dir DIR --recover | --recover-rebuild [--check]
 *
 * The parent of the daemon waits on a pipe for the line "ok" or "<exit code> <error>"; before it may come "note <text>", which is passed on.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/api/api.h"
#include "engine/base/fault.h"
#include "engine/base/log.h"
#include "engine/core/config.h"
#include "engine/core/core.h"
#include "engine/link/launch.h"
#include "engine/store/store.h"

struct program {
	char *state_dir, *types_dir, *site_types, *socket_path;
	struct wf_config *config;
	struct wf_loop *loop;
	struct engine *engine;
	struct wf_api *api;
	struct wf_launch launch;
	struct wf_signal_watch *term, *intr;
	struct wf_limit limits[WF_LIMITS]; /* as we were started: what children get */
	size_t limit_count;
	int listen_fd;
	int ready_fd;                  /* pipe to the waiting parent; -1: none */
	int leaving, takeover;
	struct wf_err why;
	int failed;
};

/* ---- the agent: core asks, launch.c finds or starts it ------------------------------------------------------ */

static void on_launched(struct wf_launch *l, struct wf_channel *c, const struct wf_err *err)
{
	struct program *p = l->user;

	wf_core_connected(p->engine, "local", c, err);
}

static void connect_agent(struct engine *e, const char *executor, void *arg)
{
	struct program *p = arg;

	(void)e;
	(void)executor;
	p->launch.os = wf_os_posix();
	p->launch.loop = p->loop;
	p->launch.state_dir = p->state_dir;
	p->launch.nice = p->config->local_nice;
	p->launch.limits = p->limits;
	p->launch.limit_count = p->limit_count;
	p->launch.done = on_launched;
	p->launch.user = p;
	wf_launch_local(&p->launch);
}

/* ---- leaving: answers first, then what is gathered, then the loop ---------------------------------------------- */

static void on_core_stopped(void *arg)
{
	struct program *p = arg;

	wf_loop_stop(p->loop);
}

static void on_api_stopped(void *arg)
{
	struct program *p = arg;

	wf_core_stop(p->engine, on_core_stopped, p);
}

static void leave(struct program *p)
{
	if (p->leaving++)
		return;
	wf_log(WF_LOG_INFO, "leaving; agents and tasks go on");
	(void)WF_FAULT("engine.leave.before");
	/* The name may be another engine's by now. */
	if (wf_core_owns(p->engine))
		unlink(p->socket_path);
	wf_api_stop(p->api, on_api_stopped, p);
}

static void on_leave(void *arg, const struct wf_err *why)
{
	struct program *p = arg;

	if (why) {
		p->why = *why;
		p->failed = 1;
		/* The state is not ours to change or to show any more. */
		_exit(wf_code_exit(why->code));
	}
	leave(p);
}

static void on_stop_asked(void *arg)
{
	leave(arg);
}

static void on_signal(void *arg, int signum)
{
	(void)signum;
	leave(arg);
}

/* ---- the parent ---------------------------------------------------------------------------------------------------- */

static int wait_for_child(int fd)
{
	char line[1200], *end;
	size_t n = 0;
	ssize_t k;

	while (n < sizeof(line) - 1 && (k = read(fd, line + n, sizeof(line) - 1 - n)) != 0) {
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			break;
		n += (size_t)k;
		line[n] = '\0';
		while (strncmp(line, "note ", 5) == 0 && (end = strchr(line, '\n'))) {
			fprintf(stderr, "%.*s\n", (int)(end - line - 5), line + 5);
			n -= (size_t)(end + 1 - line);
			memmove(line, end + 1, n + 1);
		}
	}
	line[n] = '\0';
	if (strncmp(line, "ok", 2) == 0)
		return 0;
	if (!n) {
		fprintf(stderr, "wf-engine: the engine died while it started; see 'engine.log' in its state directory\n");
		return 70;
	}
	fprintf(stderr, "wf-engine: %s", strchr(line, ' ') ? strchr(line, ' ') + 1 : line);
	return atoi(line);
}

static void say(struct program *p, const struct wf_err *err)
{
	char line[1200];
	int n;

	if (err)
		n = snprintf(line, sizeof(line), "%d %s\n", wf_code_exit(err->code), err->text);
	else
		n = snprintf(line, sizeof(line), "ok\n");
	/* The log first: whoever waited may look there at once. */
	if (err)
		wf_log(WF_LOG_ERROR, "%s", err->text);
	if (p->ready_fd >= 0) {
		if (write(p->ready_fd, line, (size_t)n) != n)
			wf_log(WF_LOG_WARN, "nobody waits for this engine any more");
		close(p->ready_fd);
		p->ready_fd = -1;
	}
}

static void say_note(void *arg, const char *text)
{
	struct program *p = arg;
	char line[1200];
	int n = snprintf(line, sizeof(line), "note %s\n", text);

	if (p->ready_fd >= 0 && write(p->ready_fd, line, (size_t)n) != n)
		wf_log(WF_LOG_WARN, "nobody waits for this engine any more, going on");
}

/* A session of its own, output to engine.log. Returns in the child; the parent exits. */
static int become_daemon(struct program *p)
{
	int fds[2], out, null;
	pid_t pid;
	char *log;

	(void)WF_FAULT("engine.fork.before");
	if (pipe2(fds, O_CLOEXEC) < 0 || (pid = fork()) < 0) {
		fprintf(stderr, "wf-engine: cannot start: %s\n", strerror(errno));
		return 10;
	}
	if (pid) {
		close(fds[1]);
		exit(wait_for_child(fds[0]));
	}
	close(fds[0]);
	p->ready_fd = fds[1];
	setsid();
	log = wf_xasprintf("%s/engine.log", p->state_dir);
	out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (out < 0)
		out = null; /* a full disk must not keep the engine from serving what it has */
	dup2(null, 0);
	dup2(out, 1);
	dup2(out, 2);
	free(log);
	return 0;
}

/* ---- starting -------------------------------------------------------------------------------------------------------- */

static const char *get_env(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

static int slurm_here(void)
{
	const char *conf = getenv("SLURM_CONF");

	return (conf && *conf && access(conf, R_OK) == 0) || access("/etc/slurm/slurm.conf", R_OK) == 0 ||
	       access("/etc/slurm-llnl/slurm.conf", R_OK) == 0;
}

static int load_config(struct program *p, struct wf_err *err)
{
	char *user = wf_config_user_file(get_env, NULL);
	struct wf_config_sources from = { .os = wf_os_posix(), .site_file = WF_CONFIG_SITE, .user_file = user, .getenv = get_env,
					  .slurm_here = slurm_here() };

	p->config = wf_config_load(&from, err);
	free(user);
	return p->config ? 0 : -1;
}

static int check_state_dir(struct program *p, struct wf_err *err)
{
	struct stat st;

	if (wf_dir_make(wf_os_posix(), p->state_dir, 0700, err) < 0)
		return -1;
	if (stat(p->state_dir, &st) < 0)
		return wf_err_sys(err, "cannot stat '%s'", p->state_dir);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid())
		return wf_errf(err, WF_DENIED, "state directory '%s' is not a directory of yours", p->state_dir);
	if (st.st_mode & 077)
		return wf_errf(err, WF_DENIED, "state directory '%s' is open to others (mode %03o); chmod 700 '%s'", p->state_dir,
			       st.st_mode & 0777, p->state_dir);
	return 0;
}

static int build(struct program *p, struct wf_err *err)
{
	struct wf_core_options o = {
		.os = wf_os_posix(),
		.loop = p->loop,
		.state_dir = p->state_dir,
		.run_root = p->config->run_root,
		.default_executor = p->config->executor,
		.local_cores = p->config->local_cores,
		.local_memory = p->config->local_memory,
		.nice = p->config->local_nice,
		.retention_ms = p->config->retention_ms,
		.idle_ms = p->config->idle_ms,
		.take_owner = 1,
		.takeover = p->takeover,
		.lease_ms = p->config->lease_ms,
		.say = say_note,
		.say_arg = p,
		.connect = connect_agent,
		.connect_arg = p,
	};

	o.types_dirs[0] = p->types_dir;
	if (access(p->site_types, R_OK) == 0)
		o.types_dirs[1] = p->site_types;
	p->engine = wf_core_create(&o, err);
	if (!p->engine)
		return -1;
	wf_core_on_leave(p->engine, on_leave, p);
	p->listen_fd = wf_unix_listen(p->socket_path, err);
	if (p->listen_fd < 0)
		return -1;
	p->api = wf_api_create(p->engine, p->loop, p->listen_fd, err);
	if (!p->api)
		return -1;
	wf_api_config(p->api, p->config);
	wf_api_on_stop(p->api, on_stop_asked, p);
	p->term = wf_signal_create(p->loop, SIGTERM, on_signal, p);
	p->intr = wf_signal_create(p->loop, SIGINT, on_signal, p);
	return 0;
}

static int serve(struct program *p)
{
	struct wf_err err;
	int rc;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	p->limit_count = wf_limits_own(p->limits);
	wf_limits_raise();
	p->loop = wf_loop_uv_create();
	if (build(p, &err) < 0) {
		say(p, &err);
		rc = wf_code_exit(err.code);
	} else {
		wf_core_start(p->engine);
		say(p, NULL);
		wf_log(WF_LOG_INFO, "serving '%s'", p->state_dir);
		wf_loop_run(p->loop);
		rc = p->failed ? wf_code_exit(p->why.code) : 0;
	}
	wf_signal_destroy(p->term);
	wf_signal_destroy(p->intr);
	wf_launch_release(&p->launch);
	wf_core_destroy(p->engine);
	wf_api_destroy(p->api);
	if (p->listen_fd >= 0)
		close(p->listen_fd);
	wf_loop_destroy(p->loop);
	return rc;
}

/* Nobody may serve this directory while its files are read or replaced. */
static int lock_offline(struct program *p, const char *dir, struct wf_err *err)
{
	char *path = wf_xasprintf("%s/lock", dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), rc = 0;

	if (fd < 0)
		rc = wf_err_sys(err, "cannot open '%s'", path);
	else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		rc = wf_errf(err, WF_CONFLICT, "an engine is running on '%s'; `wf engine stop` first", p->state_dir);
	free(path);
	return rc;
}

static int recover(struct program *p, int rebuild, int compare)
{
	struct wf_buf out = { 0 };
	struct wf_err err;
	char *dir = wf_core_data_dir(wf_os_posix(), p->state_dir, &err);
	int rc = dir ? lock_offline(p, dir, &err) : -1;

	if (rc == 0)
		rc = wf_store_recover(wf_os_posix(), dir, rebuild, compare, &out, &err);
	free(dir);
	fputs(wf_buf_cstr(&out), stdout);
	wf_buf_release(&out);
	if (rc < 0)
		fprintf(stderr, "wf-engine: %s\n", err.text);
	return rc < 0 ? wf_code_exit(err.code) : 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: wf-engine --state-dir DIR [--foreground] [--takeover] [--recover | --recover-rebuild [--check]]\n");
	return 2;
}

static void release(struct program *p)
{
	wf_config_free(p->config);
	free(p->state_dir);
	free(p->types_dir);
	free(p->site_types);
	free(p->socket_path);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "state-dir", required_argument, NULL, 's' }, { "foreground", no_argument, NULL, 'f' },
		{ "recover", no_argument, NULL, 'r' },         { "recover-rebuild", no_argument, NULL, 'b' },
		{ "check", no_argument, NULL, 'c' },           { "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },         { "takeover", no_argument, NULL, 't' },
		{ NULL, 0, NULL, 0 },
	};
	struct program p = { .ready_fd = -1, .listen_fd = -1 };
	enum wf_log_level level = WF_LOG_INFO;
	int c, foreground = 0, recovering = 0, rebuild = 0, check = 0, rc;
	char *cwd = getcwd(NULL, 0);
	struct wf_err err;

	umask(077);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 's':
			p.state_dir = wf_path_resolve(cwd ? cwd : "/", optarg);
			break;
		case 'f':
			foreground = 1;
			break;
		case 'r':
			recovering = 1;
			break;
		case 'b':
			recovering = rebuild = 1;
			break;
		case 'c':
			check = 1;
			break;
		case 't':
			p.takeover = 1;
			break;
		case 'v':
			level = WF_LOG_DEBUG;
			break;
		case 'V':
			printf("wf-engine %s\n", WF_VERSION);
			return 0;
		default:
			return usage();
		}
	}
	free(cwd);
	if (!p.state_dir || optind != argc)
		return usage();
	p.types_dir = wf_xasprintf("%s/types", wf_path_share());
	p.site_types = wf_xstrdup("/etc/wf/types");
	p.socket_path = wf_xasprintf("%s/socket", p.state_dir);
	if (load_config(&p, &err) < 0 || check_state_dir(&p, &err) < 0) {
		fprintf(stderr, "wf-engine: %s\n", err.text);
		rc = wf_code_exit(err.code);
	} else if (recovering) {
		rc = recover(&p, rebuild, check);
	} else if (foreground || (rc = become_daemon(&p)) == 0) {
		wf_log_to(2, level, "wf-engine");
		rc = serve(&p);
	}
	release(&p);
	return rc;
}

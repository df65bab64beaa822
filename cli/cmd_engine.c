/* cmd_engine.c - `wf engine start|stop|status|backup|recover`: the engine itself, not what it runs. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/client.h"
#include "cli/cmd.h"
#include "cli/field.h"
#include "cli/where.h"
#include "engine/base/os.h"

const struct opt cmd_engine_start_options[] = {
	{ .name = "takeover", .help = "also from an engine on another host, which is fenced; tasks that run there become unknown" },
	{ 0 },
};
const struct opt cmd_engine_stop_options[] = {
	{ 0 },
};
const struct opt cmd_engine_status_options[] = {
	{ 0 },
};
const struct opt cmd_engine_backup_options[] = {
	{ 0 },
};
const struct opt cmd_engine_recover_options[] = {
	{ .name = "rebuild", .help = "derive all state again from the events" },
	{ .name = "check", .help = "with --rebuild: only compare with what is stored, and change nothing" },
	{ 0 },
};

enum { STOP_MS = 30000, LOOK_MS = 20 };

static json_t *get_engine(struct client *c, struct wf_err *err)
{
	struct wf_buf url = { 0 };
	json_t *doc;

	url_path(&url, "engine", NULL);
	doc = client_get(c, &url, err);
	wf_buf_release(&url);
	return doc;
}

/* ---- status ---------------------------------------------------------------------------------------------- */

/* The contract's keys for an engine that cannot be asked; what the owner file knows is filled in. */
static json_t *not_running(const char *state_dir, const struct owner *o, enum owner_is is)
{
	char *socket_path = wf_xasprintf("%s/socket", state_dir);
	json_t *doc = json_object();
	int elsewhere = is == OWNER_ELSEWHERE;

	json_object_set_new(doc, "running", json_false());
	json_object_set_new(doc, "pid", elsewhere ? json_integer(o->pid) : json_null());
	json_object_set_new(doc, "host", json_string(elsewhere ? o->host : wf_host_name()));
	json_object_set_new(doc, "version", json_null());
	json_object_set_new(doc, "state_dir", json_string(state_dir));
	json_object_set_new(doc, "run_root", json_null());
	json_object_set_new(doc, "socket", json_string(socket_path));
	json_object_set_new(doc, "epoch", is == OWNER_NONE || is == OWNER_UNREADABLE ? json_null() : json_integer(o->epoch));
	free(socket_path);
	return doc;
}

int cmd_engine_status(const struct args *args, struct out *out)
{
	struct wf_err err;
	struct owner owner;
	struct client *c = client_open(0, &err);
	enum owner_is is;
	json_t *doc;
	int rc = 0;

	(void)args;
	if (!c)
		return out_fail(out, &err);
	doc = get_engine(c, &err);
	if (!doc && !client_lost(&err)) {
		rc = out_fail(out, &err);
		goto out;
	}
	if (!doc) {
		is = where_owner(client_state_dir(c), &owner);
		doc = not_running(client_state_dir(c), &owner, is);
		if (is == OWNER_ELSEWHERE) {
			wf_errf(&err, WF_UNREACHABLE, "the engine of '%s' runs on host '%s' (pid %d); use wf there",
				client_state_dir(c), owner.host, (int)owner.pid);
			rc = out_fail(out, &err);
		} else if (is == OWNER_HERE) {
			/* A process owns the directory and does not serve: starting, stopping, or stuck. */
			rc = out_fail(out, &err);
		}
	}
	if (rc == 0 || out->mode == OUT_JSON)
		out_show(out, OUT_ENGINE, doc);
out:
	json_decref(doc);
	client_close(c);
	return rc;
}

/* ---- start, stop ------------------------------------------------------------------------------------------- */

int cmd_engine_start(const struct args *args, struct out *out)
{
	struct wf_err err;
	struct client *c = client_open(0, &err);
	struct owner owner;
	json_t *doc = NULL;
	int rc = 0, ran, takes;

	if (!c)
		return out_fail(out, &err);
	takes = args_has(args, "takeover") && where_owner(client_state_dir(c), &owner) != OWNER_NONE;
	ran = !takes && client_reaches(c);
	if ((takes && engine_takeover(client_state_dir(c), &err) < 0) ||
	    (!takes && !ran && engine_start(client_state_dir(c), &err) < 0) || !(doc = get_engine(c, &err))) {
		rc = out_fail(out, &err);
	} else {
		if (ran)
			out_say(out, "the engine runs already");
		out_show(out, OUT_ENGINE, doc);
	}
	json_decref(doc);
	client_close(c);
	return rc;
}

int cmd_engine_stop(const struct args *args, struct out *out)
{
	struct wf_os *os = wf_os_posix();
	int64_t deadline = wf_os_mono_ms(os) + STOP_MS;
	struct wf_err err;
	struct owner owner;
	struct wf_buf url = { 0 };
	struct client *c = client_open(0, &err);
	json_t *doc = NULL;
	int rc = 0;

	(void)args;
	if (!c)
		return out_fail(out, &err);
	if (!client_reaches(c) && where_owner(client_state_dir(c), &owner) != OWNER_ELSEWHERE) {
		out_text(out, "no engine runs in %s\n", client_state_dir(c));
		goto out;
	}
	where_owner(client_state_dir(c), &owner);
	url_path(&url, "engine", NULL);
	url_verb(&url, "stop");
	doc = client_post(c, &url, NULL, 0, &err);
	if (!doc) {
		if (where_owner(client_state_dir(c), &owner) == OWNER_ELSEWHERE)
			wf_errf(&err, WF_UNREACHABLE, "the engine runs on host '%s' (pid %d); stop it there", owner.host,
				(int)owner.pid);
		rc = out_fail(out, &err);
		goto out;
	}
	/* Stopped means that the process is gone: whoever starts the next one need not wait. */
	while (client_reaches(c) || (owner.pid > 0 && owner.start_time && wf_pid_lives(owner.pid, owner.start_time))) {
		if (wf_os_mono_ms(os) > deadline) {
			wf_errf(&err, WF_STILL, "the engine was told to stop and has not yet; see `wf engine status`");
			rc = out_fail(out, &err);
			goto out;
		}
		poll(NULL, 0, LOOK_MS);
	}
	out_text(out, "the engine has stopped; tasks that run go on, and the next engine finds them\n");
out:
	json_decref(doc);
	wf_buf_release(&url);
	client_close(c);
	return rc;
}

/* ---- backup, recover ----------------------------------------------------------------------------------------- */

int cmd_engine_backup(const struct args *args, struct out *out)
{
	struct wf_err err;
	struct wf_buf url = { 0 };
	struct client *c = client_open(CLIENT_START, &err);
	char *cwd = getcwd(NULL, 0), *file = wf_path_resolve(cwd ? cwd : "/", args_operand(args, 0));
	json_t *body = json_pack("{s:s}", "file", file), *doc = NULL;
	int rc = 0;

	if (c && body) {
		url_path(&url, "engine", NULL);
		url_verb(&url, "backup");
		doc = client_post(c, &url, body, 0, &err);
	} else if (c) {
		wf_errf(&err, WF_INVALID, "the name of the file is not UTF-8");
	}
	if (!doc)
		rc = out_fail(out, &err);
	else
		out_show(out, OUT_BACKUP, doc);
	json_decref(doc);
	json_decref(body);
	free(file);
	free(cwd);
	wf_buf_release(&url);
	client_close(c);
	return rc;
}

extern char **environ;

/* Runs in our place, on our streams; its exit code is ours. */
static int recover(const char *state_dir, int check, struct wf_err *err)
{
	const char *argv[] = { "wf-engine", "--state-dir", state_dir, "--recover-rebuild", check ? "--check" : NULL, NULL };
	int fds[] = { 0, 1, 2 }, status;
	struct wf_spawn sp = { .path = beside_us("wf-engine"), .argv = (char *const *)argv, .env = environ,
			       .fds = fds, .fd_count = 3, .umask_set = (mode_t)-1 };
	pid_t pid = wf_os_spawn(wf_os_posix(), &sp, err);

	if (pid < 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int cmd_engine_recover(const struct args *args, struct out *out)
{
	struct wf_err err;
	struct owner owner;
	struct client *c = client_open(0, &err);
	int rc = -1;

	if (!c)
		return out_fail(out, &err);
	if (!args_has(args, "rebuild")) {
		wf_errf(&err, WF_USAGE, "'wf engine recover' needs --rebuild: that is all it does");
	} else if (client_reaches(c)) {
		wf_errf(&err, WF_CONFLICT, "the engine runs; stop it first with `wf engine stop`");
	} else if (where_owner(client_state_dir(c), &owner) == OWNER_ELSEWHERE) {
		wf_errf(&err, WF_UNREACHABLE, "the engine runs on host '%s' (pid %d); stop it there first", owner.host,
			(int)owner.pid);
	} else if (where_check(client_state_dir(c), &err) == 0) {
		rc = recover(client_state_dir(c), args_has(args, "check"), &err);
	}
	if (rc < 0)
		rc = out_fail(out, &err);
	client_close(c);
	return rc;
}

/* owner.c - who owns the state directory (design.md 4b), for owners on one host: proof by process, takeover across hosts comes later.
 *
 * On one host a flock on `lock` serialises starters; the kernel lets it go with its holder. It is not the fence. The fence is
 * the file `owner`: an owner first wins mkdir epochs/N, then publishes `owner` by rename, and reads it again, freshly opened, after each commit and
 * before any reply or effect. When it is not ours any more the process ends without another word.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/fault.h"
#include "engine/base/json.h"
#include "engine/core/engine.h"

enum { OWNER_MAX = 4096, LOCK_WAIT_MS = 500 };

struct owner {
	char host[256], boot_id[64];
	uint64_t pid_ns, start_time, epoch;
	int64_t pid;
};

static char *owner_path(const struct engine *e)
{
	return wf_xasprintf("%s/owner", e->state_dir);
}

/* 1: read; 0: there is none; -1: err. */
static int read_owner(struct engine *e, struct owner *o, struct wf_err *err)
{
	char *path = owner_path(e);
	struct wf_buf b = { 0 };
	json_error_t je;
	json_t *v = NULL;
	int rc = 0;

	memset(o, 0, sizeof(*o));
	if (!wf_file_exists(e->os, path))
		goto out;
	rc = -1;
	if (wf_file_read(e->os, path, OWNER_MAX, &b, err) < 0)
		goto out;
	v = json_loadb(b.data, b.len, 0, &je);
	if (!v) {
		wf_errf(err, WF_CORRUPT, "'%s' is damaged; if no engine runs on any host, remove it", path);
		goto out;
	}
	snprintf(o->host, sizeof(o->host), "%s", json_string_value(json_object_get(v, "host")) ?: "");
	snprintf(o->boot_id, sizeof(o->boot_id), "%s", json_string_value(json_object_get(v, "boot_id")) ?: "");
	o->pid_ns = (uint64_t)json_integer_value(json_object_get(v, "pid_ns"));
	o->pid = json_integer_value(json_object_get(v, "pid"));
	o->start_time = (uint64_t)json_integer_value(json_object_get(v, "start_time"));
	o->epoch = (uint64_t)json_integer_value(json_object_get(v, "epoch"));
	rc = 1;
out:
	json_decref(v);
	wf_buf_release(&b);
	free(path);
	return rc;
}

/* May we take over from this owner? */
static int is_dead(const struct owner *o, int have_lock, struct wf_err *err)
{
	if (strcmp(o->host, wf_host_name()) != 0)
		return wf_errf(err, WF_UNREACHABLE, "the engine of this state directory is on host '%s' (pid %lld); use wf there",
			       o->host, (long long)o->pid);
	if (strcmp(o->boot_id, wf_host_boot_id()) != 0)
		return 0;
	if (o->pid_ns != wf_host_pid_namespace())
		return wf_errf(err, WF_UNREACHABLE,
			       "the engine of this state directory runs in another container of this host (pid %lld there); use wf there",
			       (long long)o->pid);
	/* Whoever asks holds the lock: a process of this host that had it has lost it only by ending, reaped or not. */
	if (!have_lock && o->pid > 0 && wf_pid_start_time((pid_t)o->pid) == o->start_time)
		return wf_errf(err, WF_CONFLICT, "an engine is running already (pid %lld)", (long long)o->pid);
	return 0;
}

static int highest(const char *name, void *arg)
{
	uint64_t *top = arg, n = strtoull(name, NULL, 10);

	if (n > *top)
		*top = n;
	return 0;
}

/* The next epoch is whose mkdir of its number succeeds: rename is no compare-and-swap, mkdir is. */
static int win_epoch(struct engine *e, uint64_t after, struct wf_err *err)
{
	char *dir = wf_xasprintf("%s/epochs", e->state_dir);
	uint64_t top = after;
	int rc = wf_dir_make(e->os, dir, 0700, err);

	if (rc == 0 && e->os->ops->list(e->os->self, dir, highest, &top) < 0)
		rc = wf_err_sys(err, "cannot list '%s'", dir);
	while (rc == 0) {
		char *path = wf_xasprintf("%s/%llu", dir, (unsigned long long)++top);
		int made = WF_FAULT("owner.epoch.before") ? -1 : e->os->ops->mkdir(e->os->self, path, 0700);

		if (made < 0 && errno != EEXIST)
			rc = wf_err_sys(err, "cannot make '%s'", path);
		free(path);
		if (made == 0)
			break;
	}
	if (rc == 0)
		rc = wf_dir_sync(e->os, dir, err);
	(void)WF_FAULT("owner.epoch.after");
	e->epoch = top;
	free(dir);
	return rc;
}

static int publish(struct engine *e, struct wf_err *err)
{
	json_t *o = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I}", "host", wf_host_name(), "boot_id", wf_host_boot_id(), "pid_ns",
			      (json_int_t)wf_host_pid_namespace(), "pid", (json_int_t)getpid(), "start_time",
			      (json_int_t)wf_pid_start_time(getpid()), "epoch", (json_int_t)e->epoch);
	char *path = owner_path(e);
	struct wf_buf b = { 0 };
	int rc;

	wf_json_dump(o, &b);
	wf_buf_char(&b, '\n');
	json_decref(o);
	rc = wf_file_publish(e->os, path, b.data, b.len, 0600, err);
	free(path);
	e->owner_text = wf_buf_take(&b);
	return rc;
}

/* A killed process holds its locks until the kernel has torn it down: give it a moment before believing that it lives. */
static int lock_soon(struct engine *e)
{
	uint64_t deadline = wf_os_mono_ns(e->os) + (uint64_t)LOCK_WAIT_MS * 1000000u;
	struct timespec pause = { .tv_nsec = 5 * 1000000 };
	int rc;

	while ((rc = flock(e->lock_fd, LOCK_EX | LOCK_NB)) < 0 && errno == EWOULDBLOCK && wf_os_mono_ns(e->os) < deadline)
		nanosleep(&pause, NULL);
	return rc;
}

int owner_take(struct engine *e, struct wf_err *err)
{
	char *path = wf_xasprintf("%s/lock", e->state_dir);
	struct owner o;
	int rc;

	e->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (e->lock_fd < 0) {
		wf_err_sys(err, "cannot open '%s'", path);
		free(path);
		return -1;
	}
	rc = lock_soon(e);
	if (rc < 0 && errno != EWOULDBLOCK) {
		wf_errf(err, WF_RESOURCE, "'%s' cannot be locked (%s); choose a state directory on a file system with locks: WF_STATE_DIR",
			path, strerror(errno));
		free(path);
		return -1;
	}
	free(path);
	if (rc < 0) {
		if (read_owner(e, &o, NULL) == 1 && strcmp(o.host, wf_host_name()) != 0)
			return is_dead(&o, 0, err);
		return wf_errf(err, WF_CONFLICT, "an engine is running already (pid %lld)", (long long)o.pid);
	}
	rc = read_owner(e, &o, err);
	if (rc < 0 || (rc == 1 && is_dead(&o, 1, err) < 0))
		return -1;
	if (win_epoch(e, o.epoch, err) < 0 || publish(e, err) < 0)
		return -1;
	return owner_check(e, err);
}

int owner_check(void *arg, struct wf_err *err)
{
	struct engine *e = arg;
	char path[4096], text[OWNER_MAX];
	ssize_t n;
	int fd;

	if (!e->owner_text)
		return 0;
	snprintf(path, sizeof(path), "%s/owner", e->state_dir);
	fd = e->os->ops->open(e->os->self, path, O_RDONLY, 0);
	n = fd < 0 ? -1 : e->os->ops->pread(e->os->self, fd, text, sizeof(text), 0);
	if (fd >= 0)
		e->os->ops->close(e->os->self, fd);
	if (n < 0 || (size_t)n != strlen(e->owner_text) || memcmp(text, e->owner_text, (size_t)n) != 0)
		return wf_errf(err, WF_CONFLICT, "another engine owns '%s' now; leaving without another word", e->state_dir);
	return 0;
}

void owner_release(struct engine *e)
{
	/* The file stays: its process is proven dead by its start time, and the next epoch follows from it. */
	if (e->lock_fd >= 0)
		close(e->lock_fd);
	e->lock_fd = -1;
	free(e->owner_text);
	e->owner_text = NULL;
}

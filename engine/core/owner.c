/* owner.c - who owns the state directory (design.md 4b, docs/design/007).
 *
 *   look: who won the newest epoch? --- alive here -------------------------------------------> refused
 *     | proven dead                 --- away, or its takeover not finished ---(--takeover)---+
 *     | lock its data directory                                                              |
 *     v                                                                                      v
 *   win exactly the next epoch (somebody else has it: look again)                       the same
 *     v                                                                                      v
 *   publish the file `owner`: whoever was owner ends at its next look                   the same
 *     v                                                                                      v
 *   is there a newer epoch? then it was us who slept: leave                             the same
 *     v                                                                                      v
 *   open the database where it is                                             wait, copy, verify, open the copy
 *
 * The fence is the file `owner`, read again, freshly opened, after each commit and before any reply or effect: when it is not ours any
 * more the process ends without another word. What makes it safe to open files is the row of epochs: rename overwrites what another
 * published meanwhile, but only one can follow epoch N, and what it is to follow is read from there. On one host a lock serialises starters; the
 * kernel lets it go with its holder. It is not the fence, and across hosts it is nothing: a takeover does not ask for it.
 */
#include "engine/core/owner.h"

#include <ctype.h>
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

enum { OWNER_MAX = 4096, LOCK_WAIT_MS = 500, LOOKS = 100 };

/* ---- reading ------------------------------------------------------------------------------------------- */

static int decode(const struct wf_buf *b, struct owner *o)
{
	json_error_t je;
	json_t *v = json_loadb(b->data ? b->data : "", b->len, 0, &je);

	if (!v)
		return -1;
	snprintf(o->host, sizeof(o->host), "%s", json_string_value(json_object_get(v, "host")) ?: "");
	snprintf(o->boot_id, sizeof(o->boot_id), "%s", json_string_value(json_object_get(v, "boot_id")) ?: "");
	snprintf(o->data, sizeof(o->data), "%s", json_string_value(json_object_get(v, "data")) ?: "");
	o->pid_ns = (uint64_t)json_integer_value(json_object_get(v, "pid_ns"));
	o->pid = json_integer_value(json_object_get(v, "pid"));
	o->start_time = (uint64_t)json_integer_value(json_object_get(v, "start_time"));
	o->epoch = (uint64_t)json_integer_value(json_object_get(v, "epoch"));
	o->from = (uint64_t)json_integer_value(json_object_get(v, "from"));
	o->copy_after_ms = json_integer_value(json_object_get(v, "copy_after_ms"));
	json_decref(v);
	return 0;
}

/* 1: read; 0: there is none; -1: err. */
static int read_owner(struct wf_os *os, const char *path, struct owner *o, struct wf_err *err)
{
	struct wf_buf b = { 0 };
	int rc = 0;

	memset(o, 0, sizeof(*o));
	if (wf_file_exists(os, path)) {
		rc = wf_file_read(os, path, OWNER_MAX, &b, err) < 0 ? -1 : 1;
		if (rc > 0 && decode(&b, o) < 0)
			rc = wf_errf(err, WF_CORRUPT, "'%s' is damaged; if no engine runs on any host, remove it", path);
	}
	wf_buf_release(&b);
	return rc;
}

int owner_of_epoch(struct wf_os *os, const char *state_dir, uint64_t epoch, struct owner *o, struct wf_err *err)
{
	char *path = wf_xasprintf("%s/epochs/%llu/owner", state_dir, (unsigned long long)epoch);
	int rc = read_owner(os, path, o, err);

	free(path);
	return rc;
}

static int highest(const char *name, void *arg)
{
	uint64_t *top = arg, n = isdigit((unsigned char)*name) ? strtoull(name, NULL, 10) : 0;

	if (n > *top)
		*top = n;
	return 0;
}

static int newest_epoch(struct wf_os *os, const char *state_dir, uint64_t *top, struct wf_err *err)
{
	char *dir = wf_xasprintf("%s/epochs", state_dir);
	int rc = 0;

	*top = 0;
	if (os->ops->list(os->self, dir, highest, top) < 0 && errno != ENOENT)
		rc = wf_err_sys(err, "cannot list '%s'", dir);
	free(dir);
	return rc;
}

/* Who won the newest epoch, and who the file `owner` names: mostly the same. Somebody who was put there by hand, or came too late, has to be
 * proven dead as well. */
static int look(struct wf_os *os, const char *state_dir, struct owner *newest, struct owner *named, struct wf_err *err)
{
	char *path = wf_xasprintf("%s/owner", state_dir);
	int rc = read_owner(os, path, named, err);
	uint64_t top = 0;

	free(path);
	if (rc < 0 || newest_epoch(os, state_dir, &top, err) < 0)
		return -1;
	rc = top ? owner_of_epoch(os, state_dir, top, newest, err) : 0;
	if (rc < 0)
		return -1;
	if (rc == 0) {
		*newest = *named;
		newest->data[0] = '\0';
		newest->from = 0;
	}
	if (newest->epoch < top)
		newest->epoch = top;
	return 0;
}

void owner_data(struct wf_os *os, const char *state_dir, const struct owner *o, char *data, size_t size)
{
	struct owner p = *o;

	/* Back through takeovers that did not come to their end. */
	while (owner_unfinished(os, state_dir, &p)) {
		uint64_t from = p.from;

		if (owner_of_epoch(os, state_dir, from, &p, NULL) != 1 || p.from >= from)
			p = (struct owner){ .epoch = from };
	}
	snprintf(data, size, "%s", p.data);
}

int owner_unfinished(struct wf_os *os, const char *state_dir, const struct owner *o)
{
	char *path = wf_xasprintf("%s/%s/wf.db", state_dir, o->data);
	int rc = o->from && !wf_file_exists(os, path);

	free(path);
	return rc;
}

/* ---- judging ------------------------------------------------------------------------------------------- */

enum owner_seen owner_see(const struct owner *o, int have_lock, struct wf_err *err)
{
	if (!o->epoch && !o->pid)
		return OWNER_GONE;
	if (strcmp(o->host, wf_host_name()) != 0) {
		wf_errf(err, WF_UNREACHABLE, "the engine of this state directory is on host '%s' (pid %lld); use wf there", o->host,
			(long long)o->pid);
		return OWNER_AWAY;
	}
	if (strcmp(o->boot_id, wf_host_boot_id()) != 0)
		return OWNER_GONE;
	if (o->pid_ns != wf_host_pid_namespace()) {
		wf_errf(err, WF_UNREACHABLE,
			"the engine of this state directory runs in another container of this host (pid %lld there); use wf there",
			(long long)o->pid);
		return OWNER_AWAY;
	}
	/* Whoever asks holds the lock: a process of this host that had it has lost it only by ending, reaped or not. */
	if (!have_lock && o->pid > 0 && wf_pid_lives((pid_t)o->pid, o->start_time)) {
		wf_errf(err, WF_CONFLICT, "an engine is running already (pid %lld)", (long long)o->pid);
		return OWNER_LIVES;
	}
	return OWNER_GONE;
}

/* ---- the lock ------------------------------------------------------------------------------------------ */

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

static void unlock(struct engine *e)
{
	if (e->lock_fd >= 0)
		close(e->lock_fd);
	e->lock_fd = -1;
}

int owner_lock(struct engine *e, const char *dir, struct wf_err *err)
{
	char *path = wf_xasprintf("%s/lock", dir);
	int rc = -1;

	unlock(e);
	e->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (e->lock_fd < 0)
		wf_err_sys(err, "cannot open '%s'", path);
	else if (lock_soon(e) == 0)
		rc = 0;
	else if (errno == EWOULDBLOCK)
		wf_errf(err, WF_CONFLICT, "an engine is running already");
	else
		wf_errf(err, WF_RESOURCE, "'%s' cannot be locked (%s); choose a state directory on a file system with locks: WF_STATE_DIR",
			path, strerror(errno));
	free(path);
	return rc;
}

/* ---- winning an epoch ---------------------------------------------------------------------------------- */

static void write_owner(struct engine *e, const struct owner *o)
{
	json_t *v = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:s}", "host", wf_host_name(), "boot_id", wf_host_boot_id(), "pid_ns",
			      (json_int_t)wf_host_pid_namespace(), "pid", (json_int_t)getpid(), "start_time",
			      (json_int_t)wf_pid_start_time(getpid()), "epoch", (json_int_t)o->epoch, "data", o->data);
	struct wf_buf b = { 0 };

	if (o->from) {
		json_object_set_new(v, "from", json_integer((json_int_t)o->from));
		json_object_set_new(v, "copy_after_ms", json_integer(o->copy_after_ms));
	}
	wf_json_dump(v, &b);
	wf_buf_char(&b, '\n');
	json_decref(v);
	free(e->owner_text);
	e->owner_text = wf_buf_take(&b);
}

/* Directory and content appear in one rename, which fails where a directory that holds something is: only one can win it, and whoever looks
 * knows who did. 1: somebody else has it. */
static int win_epoch(struct engine *e, const struct owner *mine, struct wf_err *err)
{
	char *name = wf_xasprintf("%s/epochs/%llu", e->state_dir, (unsigned long long)mine->epoch), *tmp, *file;
	struct owner won;
	uint64_t salt;
	int rc;

	wf_os_random(e->os, &salt, sizeof(salt));
	tmp = wf_xasprintf("%s/epochs/.%016llx", e->state_dir, (unsigned long long)salt);
	file = wf_xasprintf("%s/owner", tmp);
	write_owner(e, mine);
	rc = wf_dir_make(e->os, tmp, 0700, err) < 0 || wf_file_publish(e->os, file, e->owner_text, strlen(e->owner_text), 0600, err) < 0;
	if (rc == 0) {
		int f = WF_FAULT("owner.epoch.before"), made;

		if (f > 0)
			errno = f;
		made = f > 0 ? -1 : e->os->ops->rename(e->os->self, tmp, name);
		/* A network file system may lose the answer and repeat the question: what lies there tells. */
		if (made < 0 && errno != EEXIST && errno != ENOTEMPTY)
			wf_err_sys(err, "cannot make '%s'", name);
		else
			rc = 1;
		if (owner_of_epoch(e->os, e->state_dir, mine->epoch, &won, NULL) == 1)
			rc = strcmp(won.boot_id, wf_host_boot_id()) == 0 && won.pid_ns == wf_host_pid_namespace() && won.pid == getpid() ? 0 : 1;
		else if (rc == 0)
			rc = -1;
	} else {
		rc = -1;
	}
	if (rc) {
		(void)wf_dir_remove(e->os, tmp, NULL);
	} else {
		char *dir = wf_xasprintf("%s/epochs", e->state_dir);

		rc = wf_dir_sync(e->os, dir, err);
		(void)WF_FAULT("owner.epoch.after");
		e->epoch = mine->epoch;
		free(dir);
	}
	free(name);
	free(tmp);
	free(file);
	return rc;
}

/* Who slept between winning its epoch and this must not go on: others may have followed, and served, and this has hidden them. */
static int publish(struct engine *e, struct wf_err *err)
{
	char *path = wf_xasprintf("%s/owner", e->state_dir);
	int rc = wf_file_publish(e->os, path, e->owner_text, strlen(e->owner_text), 0600, err);
	uint64_t top = 0;

	free(path);
	if (rc < 0 || newest_epoch(e->os, e->state_dir, &top, err) < 0)
		return -1;
	if (top > e->epoch)
		return wf_errf(err, WF_CONFLICT, "another engine took '%s' meanwhile", e->state_dir);
	return owner_check(e, err);
}

/* ---- taking -------------------------------------------------------------------------------------------- */

static char *data_dir(const char *state_dir, const char *data)
{
	return *data ? wf_xasprintf("%s/%s", state_dir, data) : wf_xstrdup(state_dir);
}

/* Proven dead, or to be taken over (`over`)? Holds the lock of its data directory in the first case. 1: look again. */
static int judge(struct engine *e, const struct owner *newest, const struct owner *named, int *over, struct wf_err *err)
{
	char *dir = data_dir(e->state_dir, newest->data);
	struct owner again, same;
	enum owner_seen seen;
	int rc = 0;

	*over = owner_see(newest, 1, err) == OWNER_AWAY;
	if (!*over && owner_lock(e, dir, err) < 0) {
		if (err && err->code == WF_CONFLICT)
			wf_errf(err, WF_CONFLICT, "an engine is running already (pid %lld)", (long long)newest->pid);
		rc = -1;
	} else if (!*over) {
		/* Somebody may have come and gone while we waited for the lock. */
		rc = look(e->os, e->state_dir, &again, &same, err);
		if (rc == 0 && again.epoch != newest->epoch)
			rc = 1;
	}
	free(dir);
	if (rc)
		return rc;
	seen = owner_see(named, !*over, err);
	if (seen == OWNER_LIVES)
		return -1;
	*over |= seen == OWNER_AWAY;
	if (!*over && owner_unfinished(e->os, e->state_dir, newest)) {
		wf_errf(err, WF_UNREACHABLE, "a takeover from another host did not come to its end; repeat `wf engine start --takeover`");
		*over = 1;
	}
	if (*over && !e->opt.takeover)
		return -1;
	return 0;
}

static int take(struct engine *e, struct wf_err *err)
{
	struct owner newest, named, mine = { 0 };
	int over, rc = look(e->os, e->state_dir, &newest, &named, err);

	if (rc == 0)
		rc = judge(e, &newest, &named, &over, err);
	if (rc)
		return rc;
	mine.epoch = (newest.epoch > named.epoch ? newest.epoch : named.epoch) + 1;
	if (over) {
		mine.from = newest.epoch ? newest.epoch : 1;
		mine.copy_after_ms = takeover_after(e, newest.epoch ? &newest : &named);
		snprintf(mine.data, sizeof(mine.data), "epochs/%llu", (unsigned long long)mine.epoch);
	} else {
		snprintf(mine.data, sizeof(mine.data), "%s", newest.data);
	}
	free(e->data_dir);
	e->data_dir = data_dir(e->state_dir, newest.data);
	/* Two small files are needed also where there is no room. */
	while ((rc = win_epoch(e, &mine, err)) < 0 && err && err->code == WF_FULL && wf_store_free_ballast(e->os, e->data_dir))
		;
	while (rc == 0 && publish(e, err) < 0)
		if (!err || err->code != WF_FULL || !wf_store_free_ballast(e->os, e->data_dir))
			return -1;
	if (rc)
		return rc;
	free(e->data_dir);
	e->data_dir = data_dir(e->state_dir, mine.data);
	return over ? takeover_run(e, &newest, mine.copy_after_ms, err) : 0;
}

int owner_take(struct engine *e, struct wf_err *err)
{
	struct wf_buf mounts = { 0 };
	int rc = wf_file_read(e->os, "/proc/self/mountinfo", 16 << 20, &mounts, NULL) < 0 ?
			 0 : mounts_check(wf_buf_cstr(&mounts), e->state_dir, err);

	wf_buf_release(&mounts);
	for (int i = 0; rc == 0 && i < LOOKS; i++) {
		rc = take(e, err);
		if (rc <= 0)
			return rc;
		unlock(e);
		rc = 0;
	}
	return rc < 0 ? -1 : wf_errf(err, WF_CONFLICT, "others keep taking '%s'", e->state_dir);
}

/* ---- afterwards ---------------------------------------------------------------------------------------- */

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
	/* The files stay: its process is proven dead by its start time, and the next epoch follows from it. */
	unlock(e);
	free(e->owner_text);
	e->owner_text = NULL;
	free(e->data_dir);
	e->data_dir = NULL;
}

int wf_core_owns(struct engine *e)
{
	struct wf_err err;

	return owner_check(e, &err) == 0;
}

char *wf_core_data_dir(struct wf_os *os, const char *state_dir, struct wf_err *err)
{
	struct owner newest, named;

	if (look(os, state_dir, &newest, &named, err) < 0)
		return NULL;
	if (owner_unfinished(os, state_dir, &newest)) {
		wf_errf(err, WF_CONFLICT, "a takeover from another host did not come to its end; repeat `wf engine start --takeover`");
		return NULL;
	}
	return data_dir(state_dir, newest.data);
}

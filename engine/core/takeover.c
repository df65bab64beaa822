/* takeover.c - owns what follows on a host that took a state directory over from another: wait until that one acts no more, copy, verify.
 *
 * The old owner is fenced already: it notices at its next look at the file `owner`, and answers nothing any more. The wait is for what a
 * look cannot stop: a host that is cut off ends its work by itself within the lease (design.md 5.7). Nothing was served from here before
 * the copy was whole, so whoever is killed on the way leaves the old database the newest, and a takeover can be repeated.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/fault.h"
#include "engine/base/log.h"
#include "engine/core/owner.h"

enum { LOOK_NS = 100 * 1000000 };

/* Its process is of this kernel and gone, though it called this host by another name; or its host has booted since. */
static int is_down(const struct owner *o)
{
	if (strcmp(o->boot_id, wf_host_boot_id()) == 0)
		return o->pid_ns == wf_host_pid_namespace() && !wf_pid_lives((pid_t)o->pid, o->start_time);
	return strcmp(o->host, wf_host_name()) == 0;
}

int64_t takeover_after(struct engine *e, const struct owner *from)
{
	int64_t now = wf_os_mono_ms(e->os);
	struct owner before;

	if (owner_unfinished(e->os, e->state_dir, from)) {
		/* What was waited for already, by the clock we share with who waited, was waited for. */
		if (strcmp(from->boot_id, wf_host_boot_id()) == 0 && from->copy_after_ms <= now + e->opt.lease_ms)
			return from->copy_after_ms;
		if (owner_of_epoch(e->os, e->state_dir, from->from, &before, NULL) == 1 && before.epoch < from->epoch)
			return takeover_after(e, &before);
	}
	return is_down(from) ? now : now + e->opt.lease_ms;
}

static void say(struct engine *e, const char *text)
{
	wf_log(WF_LOG_WARN, "%s", text);
	if (e->opt.say)
		e->opt.say(e->opt.say_arg, text);
}

static int wait_until(struct engine *e, const struct owner *from, int64_t after_ms, struct wf_err *err)
{
	struct timespec pause = { .tv_nsec = LOOK_NS };
	int64_t left = after_ms - wf_os_mono_ms(e->os);
	char text[512];

	snprintf(text, sizeof(text), "taking over from host '%s' (pid %lld)", from->host, (long long)from->pid);
	if (left > 0)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 ": it is fenced from now on; waiting %lld s until it acts no more (setting 'lease')", (long long)(left + 999) / 1000);
	say(e, text);
	while (wf_os_mono_ms(e->os) < after_ms) {
		if (owner_check(e, err) < 0)
			return -1;
		nanosleep(&pause, NULL);
	}
	return 0;
}

static void drop_ballast(struct engine *e, const char *dir)
{
	char *path = wf_xasprintf("%s/ballast", dir);

	(void)e->os->ops->unlink(e->os->self, path);
	free(path);
}

int takeover_run(struct engine *e, const struct owner *from, int64_t after_ms, struct wf_err *err)
{
	char data[sizeof(from->data)], *dir;
	int rc = owner_lock(e, e->data_dir, err);

	(void)WF_FAULT("takeover.fenced");
	if (rc < 0 || wait_until(e, from, after_ms, err) < 0)
		return -1;
	/* Only now: who is followed may have come to the end of its own takeover, and have served, before it was fenced. */
	owner_data(e->os, e->state_dir, from, data, sizeof(data));
	dir = *data ? wf_xasprintf("%s/%s", e->state_dir, data) : wf_xstrdup(e->state_dir);
	rc = wf_store_take(e->os, dir, e->data_dir, err);
	if (rc == 0)
		rc = owner_check(e, err);
	if (rc == 0) {
		(void)WF_FAULT("takeover.taken");
		drop_ballast(e, dir);
		wf_log(WF_LOG_WARN, "took over: the database is '%s/wf.db' from now on; what lies in '%s' is not opened any more", e->data_dir, dir);
	}
	free(dir);
	return rc;
}

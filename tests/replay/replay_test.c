/* Event logs and the state they lead to, as text files beside this program: each line an event fed to wf_*_update, or a comparison.
 *
 *     # words for a reader
 *     SEQ KIND SUBJECT [FIELD=VALUE...]                the machine takes it
 *     SEQ KIND SUBJECT [FIELD=VALUE...] -> STATE       and is in STATE then; of a task TASK/ATTEMPT
 *     ! SEQ KIND SUBJECT [FIELD=VALUE...] : TEXT       the machine refuses it, TEXT is in its sentence, and nothing was changed
 *     = SUBJECT [FIELD=VALUE...]                       so it is now
 *
 * SUBJECT: `run`, a task `2.0`, a service `s1`, a member `m1.0`, a lease `l2.1` (instance, service). Fields and texts have the names of the
 * table in event.h; a class, a skip, a resolution or a mode is written as its word; `at` is the clock. A thing begins as all zeros when it
 * is first named; `is STATE` puts a task, run, service, member or lease where the table is to be tried: `is SUBJECT STATE [FIELD=VALUE...]`.
 *
 * At the end: every entry of every table was used by some file, and a table with that entry changed, or without it, makes one fail.
 */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/base/os.h"
#include "engine/state/things.h"
#include "tests/tap/tap.h"

#define DIR_NAME "tests/replay"

enum { THINGS = 64 };

struct thing {
	char name[24];
	const struct wf_machine *machine;
	union {
		struct wf_run run;
		struct wf_task task;
		struct wf_service service;
		struct wf_member member;
		struct wf_lease lease;
	};
};

struct replay {
	const char *file;
	int line, quiet, failed;
	struct thing things[THINGS];
	size_t count;
};

static unsigned char used[7][128];     /* by machine, entry of its table */

static const struct wf_machine *const machines[] = {
	&wf_run_machine, &wf_task_machine, &wf_attempt_machine, &wf_service_machine, &wf_member_machine, &wf_lease_machine,
};

static void wrong(struct replay *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void wrong(struct replay *r, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	r->failed = 1;
	if (r->quiet)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag("%s:%d: %s", r->file, r->line, text);
}

/* ---- fields of things ----------------------------------------------------------------------------------- */

enum type { U8, U16, U32, I32, U64, I64, TEXT, CLASS };

static const struct field {
	enum wf_subject of;
	const char *name;
	size_t offset;
	enum type type;
} fields[] = {
#define F(of, what, name, type) { of, #name, offsetof(struct thing, what.name), type }
	F(WF_S_RUN, run, cancel, U8),
	F(WF_S_RUN, run, list_failed, U8),
	F(WF_S_RUN, run, retries, U32),
	F(WF_S_RUN, run, name, TEXT),
	F(WF_S_RUN, run, workflow, TEXT),
	F(WF_S_RUN, run, key, TEXT),
	F(WF_S_RUN, run, workdir, TEXT),
	F(WF_S_RUN, run, umask_bits, U32),
	F(WF_S_RUN, run, limits, TEXT),
	F(WF_S_RUN, run, created_ms, I64),
	F(WF_S_RUN, run, started_ms, I64),
	F(WF_S_RUN, run, ended_ms, I64),
	F(WF_S_RUN, run, seq, U64),
	F(WF_S_TASK, task, class, CLASS),
	F(WF_S_TASK, task, flags, U8),
	F(WF_S_TASK, task, attempt, U16),
	F(WF_S_TASK, task, retries, U8),
	F(WF_S_TASK, task, losses, U8),
	F(WF_S_TASK, task, exit, I32),
	F(WF_S_TASK, task, pid, U32),
	F(WF_S_TASK, task, number, U64),
	F(WF_S_TASK, task, started_ms, I64),
	F(WF_S_TASK, task, ended_ms, I64),
	F(WF_S_TASK, task, first_ms, I64),
	F(WF_S_TASK, task, cpu_ms, U32),
	F(WF_S_TASK, task, max_rss_kib, U32),
	F(WF_S_TASK, task, log, U64),
	F(WF_S_TASK, task, log_length, U32),
	F(WF_S_TASK, task, delay_ms, U32),
	F(WF_S_SERVICE, service, failing, U8),
	F(WF_S_SERVICE, service, held, U8),
	F(WF_S_SERVICE, service, generation, U32),
	F(WF_S_SERVICE, service, view, U32),
	F(WF_S_SERVICE, service, restarts, U32),
	F(WF_S_SERVICE, service, target, U32),
	F(WF_S_SERVICE, service, min, U32),
	F(WF_S_SERVICE, service, delay_ms, U32),
	F(WF_S_SERVICE, service, name, TEXT),
	F(WF_S_SERVICE, service, reason, TEXT),
	F(WF_S_SERVICE, service, seq, U64),
	F(WF_S_MEMBER, member, class, CLASS),
	F(WF_S_MEMBER, member, exit, I32),
	F(WF_S_MEMBER, member, generation, U32),
	F(WF_S_MEMBER, member, pid, U32),
	F(WF_S_MEMBER, member, number, U64),
	F(WF_S_MEMBER, member, endpoint, TEXT),
	F(WF_S_MEMBER, member, provides, TEXT),
	F(WF_S_MEMBER, member, reason, TEXT),
	F(WF_S_MEMBER, member, seq, U64),
	F(WF_S_LEASE, lease, mode, U8),
	F(WF_S_LEASE, lease, view, U32),
	F(WF_S_LEASE, lease, seq, U64),
#undef F
};

static enum wf_subject subject_of(const struct thing *t)
{
	return t->machine == &wf_run_machine     ? WF_S_RUN
	       : t->machine == &wf_task_machine  ? WF_S_TASK
	       : t->machine == &wf_service_machine ? WF_S_SERVICE
	       : t->machine == &wf_member_machine ? WF_S_MEMBER
						   : WF_S_LEASE;
}

static uint8_t *state_of(struct thing *t)
{
	switch (subject_of(t)) {
	case WF_S_RUN:
		return &t->run.state;
	case WF_S_TASK:
		return &t->task.state;
	case WF_S_SERVICE:
		return &t->service.state;
	case WF_S_MEMBER:
		return &t->member.state;
	default:
		return &t->lease.state;
	}
}

static void state_text(struct thing *t, char *out, size_t size)
{
	if (t->machine == &wf_task_machine)
		snprintf(out, size, "%s/%s", wf_sm_name(t->machine, t->task.state), wf_sm_name(&wf_attempt_machine, t->task.astate));
	else
		snprintf(out, size, "%s", wf_sm_name(t->machine, *state_of(t)));
}

static void read_field(const struct thing *t, const struct field *f, char *out, size_t size)
{
	const char *p = (const char *)t + f->offset;

	switch (f->type) {
	case CLASS:
		if (t->machine == &wf_task_machine && t->task.state == WF_TASK_SKIPPED)
			snprintf(out, size, "%s", wf_skip_name((enum wf_skip_why) * (const uint8_t *)p));
		else
			snprintf(out, size, "%s", wf_class_name((enum wf_class) * (const uint8_t *)p));
		break;
	case U8:
		snprintf(out, size, "%u", *(const uint8_t *)p);
		break;
	case U16:
		snprintf(out, size, "%u", *(const uint16_t *)p);
		break;
	case U32:
		snprintf(out, size, "%u", *(const uint32_t *)p);
		break;
	case I32:
		snprintf(out, size, "%d", *(const int32_t *)p);
		break;
	case U64:
		snprintf(out, size, "%llu", *(const unsigned long long *)p);
		break;
	case I64:
		snprintf(out, size, "%lld", *(const long long *)p);
		break;
	case TEXT:
		snprintf(out, size, "%s", *(char *const *)p ? *(char *const *)p : "-");
		break;
	}
}

static void write_field(struct thing *t, const struct field *f, const char *value)
{
	char *p = (char *)t + f->offset;

	switch (f->type) {
	case U8:
	case CLASS:
		*(uint8_t *)p = (uint8_t)(f->type == CLASS ? wf_class_of(value) : atoi(value));
		break;
	case U16:
		*(uint16_t *)p = (uint16_t)atoi(value);
		break;
	case U32:
	case I32:
		*(uint32_t *)p = (uint32_t)atoll(value);
		break;
	case U64:
	case I64:
		*(int64_t *)p = atoll(value);
		break;
	case TEXT:
		free(*(char **)p);
		*(char **)p = wf_xstrdup(value);
		break;
	}
}

static const struct field *field_named(struct replay *r, const struct thing *t, const char *name)
{
	for (size_t i = 0; i < WF_COUNT(fields); i++)
		if (fields[i].of == subject_of(t) && strcmp(fields[i].name, name) == 0)
			return &fields[i];
	wrong(r, "a %s has no field '%s'", t->machine->name, name);
	return NULL;
}

/* ---- things -------------------------------------------------------------------------------------------------- */

static struct thing *thing_named(struct replay *r, const char *name)
{
	struct thing *t = r->things;

	while (t < r->things + r->count && strcmp(t->name, name) != 0)
		t++;
	if (t < r->things + r->count)
		return t;
	WF_ASSERT(r->count++ < THINGS);
	memset(t, 0, sizeof(*t));
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->machine = strcmp(name, "run") == 0 ? &wf_run_machine
		     : name[0] == 's'         ? &wf_service_machine
		     : name[0] == 'm'         ? &wf_member_machine
		     : name[0] == 'l'         ? &wf_lease_machine
					      : &wf_task_machine;
	return t;
}

static void release(struct replay *r)
{
	for (size_t i = 0; i < r->count; i++) {
		struct thing *t = &r->things[i];

		if (t->machine == &wf_run_machine)
			wf_run_release(&t->run);
		else if (t->machine == &wf_service_machine)
			wf_service_release(&t->service);
		else if (t->machine == &wf_member_machine)
			wf_member_release(&t->member);
	}
	r->count = 0;
}

static int update(struct thing *t, const struct wf_event *e, struct wf_err *err)
{
	switch (subject_of(t)) {
	case WF_S_RUN:
		return wf_run_update(&t->run, e, err);
	case WF_S_TASK:
		return wf_task_update(&t->task, e, err);
	case WF_S_SERVICE:
		return wf_service_update(&t->service, e, err);
	case WF_S_MEMBER:
		return wf_member_update(&t->member, e, err);
	default:
		return wf_lease_update(&t->lease, e, err);
	}
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static int kind_of(const char *name)
{
	for (int k = 1; k < 256; k++)
		if (wf_event_info((uint8_t)k) && strcmp(wf_event_info((uint8_t)k)->name, name) == 0)
			return k;
	return -1;
}

/* Position of a name in a comma-separated list, or -1. */
static int place_in(const char *list, const char *name)
{
	size_t n = strlen(name);

	for (int i = 0; *list; i++) {
		size_t k = strcspn(list, ",");

		if (k == n && memcmp(list, name, n) == 0)
			return i;
		list += k + (list[k] == ',');
	}
	return -1;
}

static int64_t word_value(const char *field, const char *value)
{
	static const char *const as[] = { "succeeded", "failed", "rerun" }, *const modes[] = { "RW", "RO", "WO" };

	if (strcmp(field, "class") == 0)
		return wf_class_of(value);
	for (int i = 0; i < 3; i++)
		if (strcmp(value, as[i]) == 0 || strcmp(value, modes[i]) == 0)
			return i;
	for (int i = 0; strcmp(field, "why") == 0 && i < 8; i++)
		if (strcmp(wf_skip_name((enum wf_skip_why)i), value) == 0)
			return i;
	return atoll(value);
}

static void set_field(struct replay *r, struct wf_event *e, const char *name, char *value)
{
	const struct wf_event_info *info = wf_event_info(e->kind);
	int at = place_in(info->fields, name), text = place_in(info->texts, name);

	if (strcmp(name, "at") == 0) {
		e->at = atoll(value);
	} else if (at >= 0) {
		e->v[at] = word_value(name, value);
	} else if (text >= 0) {
		e->text[text].p = value;
		e->text[text].n = (uint32_t)strlen(value);
	} else {
		wrong(r, "'%s' has no field '%s'", info->name, name);
	}
}

/* The next word; quotes keep blanks together. NULL at the end. */
static char *word(char **at)
{
	char *p = *at + strspn(*at, " \t"), *out = p;
	int quoted = 0;

	if (!*p)
		return NULL;
	for (char *to = p;; p++) {
		if (*p == '\'') {
			quoted = !quoted;
		} else if (!*p || (!quoted && (*p == ' ' || *p == '\t'))) {
			*at = *p ? p + 1 : p;
			*to = '\0';
			return out;
		} else {
			*to++ = *p;
		}
	}
}

static void mark_entry(size_t m, uint8_t from, uint8_t event)
{
	for (size_t i = 0; i < machines[m]->move_count; i++)
		if (machines[m]->moves[i].from == from && machines[m]->moves[i].event == event)
			used[m][i] = 1;
}

static void mark_used(struct thing *t, const struct wf_event *e)
{
	for (size_t m = 0; m < WF_COUNT(machines); m++) {
		if (machines[m] == t->machine)
			mark_entry(m, *state_of(t), e->kind);
		if (machines[m] == &wf_attempt_machine && t->machine == &wf_task_machine)
			mark_entry(m, t->task.astate, e->kind);
	}
}

/* Fields up to "->" or ":"; what follows the mark is returned. */
static char *parse_fields(struct replay *r, struct wf_event *e, char *rest, char mark)
{
	char *w;

	while ((w = word(&rest))) {
		char *eq = strchr(w, '=');

		if (strcmp(w, mark == ':' ? ":" : "->") == 0)
			return rest + strspn(rest, " ");
		if (!eq) {
			wrong(r, "'%s' is no field", w);
			return NULL;
		}
		*eq = '\0';
		set_field(r, e, w, eq + 1);
	}
	return NULL;
}

static void on_event(struct replay *r, char *rest, int refused)
{
	char *seq = word(&rest), *name = word(&rest), *subject = word(&rest), *more, is[96];
	struct wf_event e = { 0 };
	struct wf_err err = { 0 };
	struct thing *t, before;
	int rc;

	if (!subject || kind_of(name) < 0) {
		wrong(r, "no event '%s'", name ? name : "");
		return;
	}
	e.seq = strtoull(seq, NULL, 10);
	e.kind = (uint8_t)kind_of(name);
	e.at = (int64_t)e.seq * 1000;
	more = parse_fields(r, &e, rest, refused ? ':' : '>');
	t = thing_named(r, subject);
	before = *t;
	if (!refused)
		mark_used(t, &e);
	rc = update(t, &e, &err);
	if (refused) {
		if (rc == 0)
			wrong(r, "'%s' was taken", name);
		else if (!more || !strstr(err.text, more))
			wrong(r, "refused with '%s'", err.text);
		if (memcmp(&before, t, sizeof(before)) != 0)
			wrong(r, "'%s' was refused and changed something", name);
		return;
	}
	if (rc < 0) {
		wrong(r, "%s", err.text);
		return;
	}
	state_text(t, is, sizeof(is));
	if (more && strcmp(is, more) != 0)
		wrong(r, "after '%s' it is %s, not %s", name, is, more);
}

static void compare(struct replay *r, char *rest)
{
	char *subject = word(&rest), *w, is[600];
	struct thing *t = thing_named(r, subject);

	while ((w = word(&rest))) {
		char *eq = strchr(w, '=');
		const struct field *f;

		if (!eq) {
			wrong(r, "'%s' is no field", w);
			return;
		}
		*eq = '\0';
		if (strcmp(w, "state") == 0) {
			state_text(t, is, sizeof(is));
		} else {
			f = field_named(r, t, w);
			if (!f)
				return;
			read_field(t, f, is, sizeof(is));
		}
		if (strcmp(is, eq + 1) != 0)
			wrong(r, "%s of %s is %s, not %s", w, subject, is, eq + 1);
	}
}

static void place(struct replay *r, char *rest)
{
	char *subject = word(&rest), *state = word(&rest), *w, *slash;
	struct thing *t = thing_named(r, subject);

	slash = state ? strchr(state, '/') : NULL;
	if (slash) {
		*slash = '\0';
		t->task.astate = (uint8_t)wf_sm_state(&wf_attempt_machine, slash + 1);
	}
	if (!state || wf_sm_state(t->machine, state) < 0) {
		wrong(r, "no state '%s'", state ? state : "");
		return;
	}
	*state_of(t) = (uint8_t)wf_sm_state(t->machine, state);
	while ((w = word(&rest))) {
		char *eq = strchr(w, '=');
		const struct field *f;

		if (!eq)
			return;
		*eq = '\0';
		f = field_named(r, t, w);
		if (f)
			write_field(t, f, eq + 1);
	}
}

static void on_line(struct replay *r, char *line)
{
	line += strspn(line, " \t");
	if (!*line || *line == '#')
		return;
	if (*line == '!')
		on_event(r, line + 1, 1);
	else if (*line == '=')
		compare(r, line + 1);
	else if (strncmp(line, "is ", 3) == 0)
		place(r, line + 3);
	else
		on_event(r, line, 0);
}

/* ---- files ---------------------------------------------------------------------------------------------------------- */

static int play_file(const char *name, const char *text, int quiet)
{
	static struct replay r;
	char *copy = wf_xstrdup(text), *save = copy, *line;

	r = (struct replay){ .file = name, .quiet = quiet };
	while ((line = strsep(&save, "\n"))) {
		r.line++;
		on_line(&r, line);
		if (r.failed && quiet)
			break;
	}
	release(&r);
	free(copy);
	return r.failed ? -1 : 0;
}

struct file {
	char *name, *text;
};

static struct file files[64];
static size_t file_count;

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct file *)a)->name, ((const struct file *)b)->name);
}

static void read_files(void)
{
	DIR *d = opendir(DIR_NAME);
	struct dirent *e;
	struct wf_err err;

	if (!d)
		bail("no directory '%s' here: run it from the root of the repository", DIR_NAME);
	while ((e = readdir(d))) {
		size_t n = strlen(e->d_name);
		struct wf_buf b = { 0 };
		char *path;

		if (n < 5 || strcmp(e->d_name + n - 4, ".txt") != 0)
			continue;
		path = wf_xasprintf("%s/%s", DIR_NAME, e->d_name);
		if (file_count == WF_COUNT(files) || wf_file_read(wf_os_posix(), path, 1 << 20, &b, &err) < 0)
			bail("cannot read '%s'", path);
		free(path);
		files[file_count++] = (struct file){ wf_xstrdup(e->d_name), wf_buf_take(&b) };
	}
	closedir(d);
	qsort(files, file_count, sizeof(*files), by_name);
}

/* ---- do they notice? --------------------------------------------------------------------------------------------------- */

static int all_still_pass(void)
{
	for (size_t i = 0; i < file_count; i++)
		if (play_file(files[i].name, files[i].text, 1) < 0)
			return 0;
	return 1;
}

/* The tables are constant: their page is opened for the time of the change. */
static void unlock(const struct wf_move *moves, size_t n, int prot)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = (uintptr_t)moves / page * page, to = (uintptr_t)(moves + n);

	if (mprotect((void *)from, to - from, prot) < 0)
		bail("cannot change the protection of a table");
}

static void test_every_entry(const struct wf_machine *m, const unsigned char *was_used)
{
	struct wf_move *moves = (struct wf_move *)(uintptr_t)m->moves;
	size_t unused = 0, other = 0, without = 0;

	unlock(moves, m->move_count, PROT_READ | PROT_WRITE);
	for (size_t i = 0; i < m->move_count; i++) {
		struct wf_move kept = moves[i];
		uint8_t same = kept.to == WF_SM_SAME ? kept.from : kept.to;
		char what[128];

		snprintf(what, sizeof(what), "%s: %s, %s", m->name, wf_sm_name(m, kept.from), wf_event_name(kept.event));
		if (!was_used[i]) {
			diag("no file uses %s", what);
			unused++;
			continue;
		}
		moves[i].to = (uint8_t)((same + 1) % m->state_count);
		if (all_still_pass()) {
			diag("no file notices another state after %s", what);
			other++;
		}
		moves[i].to = kept.to;
		moves[i].from = 0xfe;
		if (all_still_pass()) {
			diag("no file notices the lack of %s", what);
			without++;
		}
		moves[i] = kept;
	}
	unlock(moves, m->move_count, PROT_READ);
	ok(!unused, "%s: each of %zu entries is used", m->name, m->move_count);
	ok(!other, "%s: a wrong state is noticed", m->name);
	ok(!without, "%s: a missing entry is noticed", m->name);
}

int main(void)
{
	static unsigned char now[7][128];

	read_files();
	for (size_t i = 0; i < file_count; i++)
		ok(play_file(files[i].name, files[i].text, 0) == 0, "%s", files[i].name);
	memcpy(now, used, sizeof(now));
	/* Files that fail anyway notice nothing. */
	for (size_t m = 0; m < WF_COUNT(machines) && all_still_pass(); m++)
		test_every_entry(machines[m], now[m]);
	for (size_t i = 0; i < file_count; i++) {
		free(files[i].name);
		free(files[i].text);
	}
	return done_testing();
}

/* check.c - the independent checker of the kill sweep: reads what a trial left and says what is lost, was started twice, or leaked
 *
 *     check [--calm] DIR        prints a line per violation; exits 1 when there is one, 2 when it cannot look
 *
 * DIR holds: s/ the state directory, t/ TMPDIR, w/ledger what the tasks wrote, `acks` what the client was told, `edges` the graph (CHILD PARENT each|all).
 * With --calm no attempt may have been disturbed: nothing but the engine was hit.
 *
 *     lost      an answer that the events do not know; a success that never ran to its end; numbers with a gap; rows that differ from the events
 *     twice     two starts of one attempt; two processes of one task at one time; a start that no event precedes; a child before its parents
 *     leaked    a process, socket, directory or temporary file that is left; a lease, service, member or attempt that never ended
 */
#include <ctype.h>
#include <dirent.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fault/check.h"

enum { SHOWN = 40 };

static int violations, calm;
static const char *dir;

void violation(const char *fmt, ...)
{
	va_list ap;

	if (++violations > SHOWN)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static FILE *open_in(const char *name)
{
	char path[700];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (!f)
		violation("'%s' is missing", path);
	return f;
}

/* ---- the ledger: what really ran ---------------------------------------------------------------------------------------- */

static void on_start(struct attempt *a, const char *name, int attempt, long line)
{
	struct task *t;

	if (++a->starts > 1)
		violation("twice: attempt %llu of %s was started %d times", (unsigned long long)a->number, name, a->starts);
	a->start_line = line;
	if (a->is_member)
		return;
	t = model_task(a->run, a->a, a->b);
	if (*t->name && strcmp(t->name, name) != 0)
		violation("attempts of one task call themselves %s and %s", t->name, name);
	snprintf(t->name, sizeof(t->name), "%s", name);
	if (attempt != a->attempt)
		violation("twice: attempt %llu of %s ran as number %d of its task, the events say %d", (unsigned long long)a->number, name, attempt,
			  a->attempt);
}

/* WF_TOKEN is TAG/KIND/RUN/NUMBER. */
static uint64_t number_of(const char *token)
{
	const char *slash = strrchr(token, '/');

	return slash ? strtoull(slash + 1, NULL, 10) : 0;
}

static void read_ledger(void)
{
	char what[24], token[200], name[64], attempt[24];
	FILE *f = open_in("w/ledger");
	long line = 0;
	int pid;

	while (f && fscanf(f, "%23s %199s %63s %23s %d\n", what, token, name, attempt, &pid) == 5) {
		struct attempt *a = model_attempt(number_of(token));

		line++;
		if (strcmp(what, "twice") == 0)
			violation("twice: two processes of %s at one time, one of them of attempt %s", name, token);
		if (strcmp(what, "unreachable") == 0 && calm)
			violation("lost: %s did not find its service", name);
		/* A service's command has no token of its own; its member is in the events. */
		if (strncmp(what, "serve", 5) == 0)
			continue;
		if (!a)
			violation("twice: %s ran as %s, which no event started", name, token);
		else if (strcmp(what, "start") == 0)
			on_start(a, name, atoi(attempt), line);
		else if (strcmp(what, "end") == 0) {
			a->ends++;
			a->end_line = line;
		}
	}
	if (f && !feof(f))
		violation("the ledger cannot be read behind line %ld", line);
	if (f)
		fclose(f);
}

static void check_attempts(void)
{
	for (size_t i = 0; i < model.attempt_count; i++) {
		const struct attempt *a = &model.attempts[i];
		unsigned long long n = a->number;

		if (!a->ended && !a->revoked)
			violation("leaked: attempt %llu never ended", n);
		if (a->is_member)
			continue;
		if (a->revoked && a->starts)
			violation("twice: attempt %llu was taken back, and ran", n);
		if (a->ended && a->class == 0 && (a->starts != 1 || a->ends != 1))
			violation("lost: attempt %llu succeeded, with %d starts and %d ends", n, a->starts, a->ends);
		if (a->ended && a->class == 0 && a->exit != 0)
			violation("lost: attempt %llu succeeded with exit %d", n, a->exit);
		if (calm && a->starts && !a->ends && a->class != 13)
			violation("lost: attempt %llu was disturbed, though only the engine was", n);
	}
}

/* ---- tasks: an end each, parents first -------------------------------------------------------------------------------------- */

static int is_step(const char *name, const char *step)
{
	size_t n = strlen(step);

	return strncmp(name, step, n) == 0 && (name[n] == '\0' || name[n] == '[');
}

static void check_parent(const struct task *child, const struct task *parent)
{
	const struct attempt *c = NULL, *p = model_attempt(parent->now.number);

	for (size_t i = 0; i < model.attempt_count; i++)
		if (!c && model.attempts[i].started == child->first_start)
			c = &model.attempts[i];
	if (!parent->over || parent->over > child->first_start)
		violation("twice: %s was started by event %llu, before its parent %s was over (event %llu)", child->name,
			  (unsigned long long)child->first_start, parent->name, (unsigned long long)parent->over);
	if (c && p && c->start_line && p->end_line && c->start_line < p->end_line)
		violation("twice: %s ran before the end of its parent %s", child->name, parent->name);
}

static void check_edge(const char *child, const char *parent, int each)
{
	const struct task *of = NULL;

	for (size_t k = 0; k < model.task_count; k++)
		if (is_step(model.tasks[k].name, parent))
			of = &model.tasks[k];
	for (size_t i = 0; of && i < model.task_count; i++) {
		const struct task *c = &model.tasks[i];

		if (!is_step(c->name, child) || !c->first_start)
			continue;
		for (size_t k = 0; k < model.task_count; k++) {
			const struct task *p = &model.tasks[k];

			if (p->run == of->run && p->a == of->a && (!each || p->b == c->b))
				check_parent(c, p);
		}
	}
}

static void check_tasks(void)
{
	char child[64], parent[64], how[16];
	FILE *f = open_in("edges");

	for (size_t i = 0; i < model.task_count; i++) {
		const struct task *t = &model.tasks[i];

		if (t->now.state < 5)
			violation("lost: task %u[%u] of run %llu is in state %d for ever", t->a, t->b, (unsigned long long)t->run, t->now.state);
		if (t->applied == UINT64_MAX)
			violation("lost: task %u[%u] of run %llu has no row", t->a, t->b, (unsigned long long)t->run);
		if (calm && t->losses)
			violation("lost: task %s was lost %d times, though only the engine died", t->name, t->losses);
	}
	while (f && fscanf(f, "%63s %63s %15s\n", child, parent, how) == 3)
		check_edge(child, parent, strcmp(how, "each") == 0);
	if (f)
		fclose(f);
}

/* ---- the client: what it was told --------------------------------------------------------------------------------------------- */

static void check_state(const struct run *r, const char *said)
{
	static const char *const names[] = { "pending", "running", "paused", "canceling", "closing", "succeeded", "failed", "canceled" };

	if (strcmp(names[r->state & 7], said) != 0)
		violation("lost: run %s was said to be %s and is %s", r->id, said, names[r->state & 7]);
}

static void check_ack(const char *what, const char *line)
{
	char id[64], word[64] = "";
	unsigned long long rev = 0;
	const struct run *r;

	if (strcmp(what, "submit") == 0)
		sscanf(line, "%63s %63s %llu", word, id, &rev);
	else if (strcmp(what, "ended") == 0)
		sscanf(line, "%63s %63s", id, word);
	else
		sscanf(line, "%63s %llu", id, &rev);
	r = model_run(id);
	if (!r) {
		violation("lost: %s of run %s was acknowledged, no event knows that run", what, id);
		return;
	}
	if (rev > r->last)
		violation("lost: %s of run %s was acknowledged as of event %llu, its last is %llu", what, id, rev, (unsigned long long)r->last);
	if (strcmp(what, "submit") == 0 && strcmp(r->key, word) != 0)
		violation("lost: run %s was submitted as '%s', the events say '%s'", id, word, r->key);
	if ((strcmp(what, "pause") == 0 && !r->paused) || (strcmp(what, "resume") == 0 && !r->resumed) ||
	    (strcmp(what, "cancel") == 0 && !r->canceled))
		violation("lost: %s of run %s was acknowledged, no event says so", what, id);
	if (strcmp(what, "ended") == 0)
		check_state(r, word);
}

static void check_acks(void)
{
	FILE *f = open_in("acks");
	char what[24], line[300];

	while (f && fscanf(f, "%23s", what) == 1 && fgets(line, sizeof(line), f))
		check_ack(what, line);
	if (f)
		fclose(f);
	for (size_t i = 0; i < model.run_count; i++) {
		const struct run *r = &model.runs[i];

		if (r->state < 5)
			violation("lost: run %s is in state %d for ever", r->id, r->state);
		for (size_t k = 0; k < i; k++)
			if (strcmp(r->key, model.runs[k].key) == 0)
				violation("twice: runs %s and %s have the key '%s'", model.runs[k].id, r->id, r->key);
	}
}

/* ---- services ------------------------------------------------------------------------------------------------------------------- */

static void check_things(const struct things *s, const char *what, unsigned over)
{
	for (size_t i = 0; i < s->count; i++)
		if (!(over >> s->all[i].state & 1))
			violation("leaked: %s %u,%u of run %llu is in state %d for ever", what, s->all[i].x, s->all[i].y,
				  (unsigned long long)s->all[i].run, s->all[i].state);
}

/* ---- the agent's journal ---------------------------------------------------------------------------------------------------------- */

static struct {
	uint64_t last_start, last_cursor;
	struct { uint64_t number; int open; } taken[4096];
	size_t count;
} journal;

static void on_entry(const struct entry *e)
{
	struct attempt *a = model_attempt(e->number);
	size_t i;

	if (e->type < START || e->type > SIGNAL)
		return;
	/* It forgets what was acknowledged, and refuses what it was never told to start; neither comes before a start that it took. */
	for (i = 0; i < journal.count && journal.taken[i].number != e->number; i++)
		;
	if (e->type == START) {
		if (i < journal.count || e->number <= journal.last_start)
			violation("twice: the agent took attempt %llu after attempt %llu", (unsigned long long)e->number,
				  (unsigned long long)journal.last_start);
		journal.last_start = e->number;
		if (!a)
			violation("twice: the agent took attempt %llu, which no event started", (unsigned long long)e->number);
		if (journal.count < sizeof(journal.taken) / sizeof(journal.taken[0])) {
			journal.taken[journal.count].number = e->number;
			journal.taken[journal.count++].open = 1;
		}
		return;
	}
	if (e->cursor <= journal.last_cursor)
		violation("the journal's cursor %llu comes after %llu", (unsigned long long)e->cursor, (unsigned long long)journal.last_cursor);
	journal.last_cursor = e->cursor;
	if (e->type != ENDED && e->type != LOST)
		return;
	if (i < journal.count && !journal.taken[i].open)
		violation("twice: the agent saw attempt %llu end twice", (unsigned long long)e->number);
	if (i < journal.count)
		journal.taken[i].open = 0;
	if (e->type == ENDED && a && a->ended && (a->class != e->class || a->exit != e->exit))
		violation("lost: attempt %llu ended as %d %d, the events say %d %d", (unsigned long long)e->number, e->class, e->exit, a->class,
			  a->exit);
}

static void check_journal(const char *path)
{
	memset(&journal, 0, sizeof(journal));
	if (decode_journal(path, on_entry) < 0)
		violation("'%s' is no journal", path);
	for (size_t i = 0; i < journal.count; i++)
		if (journal.taken[i].open)
			violation("leaked: the agent never saw attempt %llu end", (unsigned long long)journal.taken[i].number);
}

/* ---- what is left ------------------------------------------------------------------------------------------------------------------ */

static char database[700];

static int ends_in(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && strcmp(s + n - k, end) == 0;
}

static int find_database(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	if (type == FTW_F && strcmp(path + at->base, "wf.db") == 0)
		snprintf(database, sizeof(database), "%s", path);
	return 0;
}

/* s/runs/ID of a run that no event knows. */
static int is_unborn(const char *path, const char *name, int level)
{
	char parent[700];

	snprintf(parent, sizeof(parent), "%s/s/runs/%s", dir, name);
	return level == 2 && strcmp(parent, path) == 0 && !model_run(name);
}

static int on_file(const char *path, const struct stat *st, int type, struct FTW *at)
{
	const char *name = path + at->base;

	if (type == FTW_F && strcmp(name, "journal") == 0)
		check_journal(path);
	if (type == FTW_D && is_unborn(path, name, at->level))
		violation("leaked: '%s', of a run that never was", path);
	/* A name without a listener is what an agent leaves that dies while it leaves; the next one takes it away. An orderly end leaves none. */
	if (S_ISSOCK(st->st_mode) && (calm || !ends_in(path, "/local/s")))
		violation("leaked: the socket '%s'", path);
	if (type == FTW_F && (ends_in(name, ".tmp") || ends_in(name, ".new") || ends_in(name, ".part")))
		violation("leaked: the temporary file '%s'", path);
	return 0;
}

static int on_temporary(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	if (at->level)
		violation("leaked: '%s'", path);
	return 0;
}

static int speaks_of(const char *pid, const char *file)
{
	static char text[1 << 18];
	char path[300];
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, file);
	f = fopen(path, "r");
	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	for (size_t i = 0; i < n; i++)
		text[i] = text[i] ? text[i] : ' ';
	text[n] = '\0';
	for (const char *s = text; (s = strstr(s, dir)); s++)
		if (!isalnum((unsigned char)s[strlen(dir)]))
			return 1;
	return 0;
}

/* A process that was started for this directory has it in its command or its environment. */
static void check_processes(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;

	while (d && (e = readdir(d))) {
		int pid = atoi(e->d_name);

		if (pid > 0 && pid != getpid() && pid != getppid() && (speaks_of(e->d_name, "cmdline") || speaks_of(e->d_name, "environ")))
			violation("leaked: process %d", pid);
	}
	if (d)
		closedir(d);
}

int main(int argc, char **argv)
{
	char path[700];

	calm = argc == 3 && strcmp(argv[1], "--calm") == 0;
	if (argc != 2 + calm) {
		fprintf(stderr, "usage: check [--calm] DIR\n");
		return 2;
	}
	dir = argv[1 + calm];
	snprintf(path, sizeof(path), "%s/s", dir);
	nftw(path, find_database, 16, FTW_PHYS);
	if (!*database) {
		printf("no database below '%s'\n", path);
		return 2;
	}
	check_processes();
	if (model_read(database) == 0) {
		read_ledger();
		check_attempts();
		check_tasks();
		check_acks();
		check_things(&model.services, "service", 1u << 0 | 1u << 11 | 1u << 12);
		check_things(&model.members, "member", 1u << 7);
		check_things(&model.leases, "lease", 1u << 4);
	}
	nftw(path, on_file, 16, FTW_PHYS);
	snprintf(path, sizeof(path), "%s/t", dir);
	nftw(path, on_temporary, 16, FTW_PHYS);
	if (violations)
		printf("%d violations\n", violations);
	return violations > 0;
}

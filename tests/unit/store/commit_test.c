/* Committing through the loop: one callback each, in order; reads between commits; closing with
 * work still queued; the fence. */
#include "engine/store/store_internal.h"
#include "tests/unit/store/world.h"

struct flow {
	struct world w;
	struct wf_loop *loop;
	struct wf_store *s;
	int left, done, reads, out_of_order;
	uint64_t last_seq;
	struct wf_err err;
};

static void go_on(struct flow *f);

static void on_done(void *arg, const struct wf_err *err, const struct wf_store_state *st)
{
	struct flow *f = arg;

	if (err)
		bail("commit: %s", err->text);
	f->done++;
	f->out_of_order += st->commits != (uint64_t)f->done;
	f->out_of_order += wf_store_last_seq(f->s) != f->last_seq;
	go_on(f);
}

static void on_read(struct wf_store *s, void *arg)
{
	struct flow *f = arg;

	(void)s;
	f->reads++;
}

static void on_rows(void *arg)
{
	struct flow *f = arg;

	if (f->reads == 3 && f->left == 0)
		wf_loop_stop(f->loop);
}

static void go_on(struct flow *f)
{
	if (f->left-- == 0) {
		f->left = 0;
		wf_store_read(f->s, f->loop, on_read, on_rows, f);
		wf_store_read(f->s, f->loop, on_read, on_rows, f);
		wf_store_read(f->s, f->loop, on_read, on_rows, f);
		return;
	}
	for (int n = 0; n < 40; n++)
		world_step(&f->w, 1);
	f->last_seq = f->w.seq;
	wf_store_commit(f->s, f->loop, world_seal(&f->w, 4), on_done, f);
}

static void test_flow(void)
{
	char *dir = world_dir();
	struct flow f = { .left = 200 };

	world_init(&f.w, 4);
	world_submit(&f.w, 1, 2, 12000, 1);
	f.loop = wf_loop_uv_create();
	f.s = world_open(wf_os_posix(), dir);
	go_on(&f);
	is_int(f.done, 0, "nothing is called back before the start returned");
	wf_loop_run(f.loop);
	is_int(f.done, 200, "every commit calls back once");
	is_int(f.out_of_order, 0, "in order, with the state as it was then");
	is_int(f.reads, 3, "reads come between commits");
	ok(f.s->wal_pages < 8192, "the log is moved into the file on the way (%d pages)",
	   f.s->wal_pages);
	wf_store_close(f.s);
	wf_loop_destroy(f.loop);
	f.s = world_open(wf_os_posix(), dir);
	ok(world_check(&f.w, f.s) >= 0, "and it is all there");
	wf_store_close(f.s);
	world_release(&f.w);
	world_rmdir(dir);
}

static void on_big_done(void *arg, const struct wf_err *err, const struct wf_store_state *st)
{
	struct flow *f = arg;

	(void)st;
	if (err)
		bail("commit: %s", err->text);
	ok(f->s->tidy != NULL, "a long log is moved at once");
	wf_loop_stop(f->loop);
}

/* 20 MB in one batch: the log is long enough to be moved, which may not yet have run when the
 * store is closed. */
static void test_close_early(void)
{
	char *dir = world_dir();
	struct flow f = { 0 };

	world_init(&f.w, 4);
	world_submit(&f.w, 1, 1, 250000, 0);
	f.loop = wf_loop_uv_create();
	f.s = world_open(wf_os_posix(), dir);
	wf_store_commit(f.s, f.loop, world_seal(&f.w, UINT32_MAX), on_big_done, &f);
	wf_loop_run(f.loop);
	wf_store_close(f.s);
	wf_loop_destroy(f.loop);
	f.s = world_open(wf_os_posix(), dir);
	ok(world_check(&f.w, f.s) >= 0, "closing with the move queued or running loses nothing");
	wf_store_close(f.s);
	world_release(&f.w);
	world_rmdir(dir);
}

static int owner(void *arg, struct wf_err *err)
{
	int *asked = arg;

	return ++*asked == 2 ? wf_errf(err, WF_INTERNAL, "the directory belongs to 'other'") : 0;
}

static void on_fenced(void *arg, const struct wf_err *err, const struct wf_store_state *st)
{
	struct flow *f = arg;

	(void)st;
	f->done++;
	if (err) {
		f->err = *err;
		wf_loop_stop(f->loop);
		return;
	}
	world_step(&f->w, 0);
	wf_store_commit(f->s, f->loop, world_seal(&f->w, 1), on_fenced, f);
}

static void test_fence(void)
{
	char *dir = world_dir();
	struct flow f = { 0 };
	int asked = 0;

	world_init(&f.w, 4);
	world_submit(&f.w, 1, 1, 100, 0);
	f.loop = wf_loop_uv_create();
	f.s = world_open(wf_os_posix(), dir);
	wf_store_set_fence(f.s, owner, &asked);
	wf_store_commit(f.s, f.loop, world_seal(&f.w, 1), on_fenced, &f);
	wf_loop_run(f.loop);
	is_int(f.done, 2, "the fence is asked after each commit");
	is_int(f.err.code, WF_CONFLICT,
	       "an engine that is not the owner any more learns it before it can answer");
	has_str(f.err.text, "belongs to 'other'", "in the fence's words");
	wf_store_close(f.s);
	wf_loop_destroy(f.loop);
	world_release(&f.w);
	world_rmdir(dir);
}

int main(void)
{
	test_flow();
	test_close_early();
	test_fence();
	return done_testing();
}

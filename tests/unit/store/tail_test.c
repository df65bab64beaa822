/* A load gives back what was, wherever the process ended and whichever blobs were stale, and
 * replays little. */
#include "tests/unit/store/world.h"

/* Random events, random snapshots, a reopening now and then: what is loaded must always be what
 * was. */
static void test_random(uint64_t seed)
{
	char *dir = world_dir();
	struct world w;
	struct wf_store *s = world_open(wf_os_posix(), dir);
	int wrong = 0, loads = 0;

	world_init(&w, seed);
	world_submit(&w, 1, 3, 9000, 2);
	world_submit(&w, 2, 1, 10, 1);
	world_commit(s, world_seal(&w, seed % 2 ? UINT32_MAX : 0));
	for (int batch = 0; batch < 120; batch++) {
		uint32_t blobs = world_rnd(&w, 3) ? 0 : world_rnd(&w, 6);

		if (batch == 60)
			world_submit(&w, 3, 2, 4097, 0);
		for (uint32_t n = world_rnd(&w, 60); n > 0; n--)
			world_step(&w, world_rnd(&w, 4) != 0);
		world_commit(s, world_seal(&w, blobs));
		if (world_rnd(&w, 10) == 0) {
			wf_store_close(s);
			s = world_open(wf_os_posix(), dir);
			loads++;
			wrong += world_check(&w, s) < 0;
			is_int(wf_store_last_seq(s), w.seq, "the last number is known");
			is_int(wf_store_last_attempt(s), w.number, "and the last attempt's");
		}
	}
	ok(loads > 3 && wrong == 0, "seed %d: %d loads, each as it was", (int)seed, loads);
	wf_store_close(s);
	world_release(&w);
	world_rmdir(dir);
}

/* The mark follows the oldest stale blob, so the tail is short although some blobs were never
 * written again. */
static void test_short(void)
{
	char *dir = world_dir();
	struct world w;
	struct wf_store *s = world_open(wf_os_posix(), dir);
	int64_t tail;

	world_init(&w, 7);
	world_submit(&w, 1, 2, 20000, 0);
	world_commit(s, world_seal(&w, UINT32_MAX));
	for (int batch = 0; batch < 200; batch++) {
		for (int n = 0; n < 50; n++)
			world_step(&w, 1);
		world_commit(s, world_seal(&w, batch % 10 == 9 ? UINT32_MAX : 0));
	}
	for (int n = 0; n < 70; n++)
		world_step(&w, 1);
	world_commit(s, world_seal(&w, 0));
	wf_store_close(s);
	s = world_open(wf_os_posix(), dir);
	tail = world_check(&w, s);
	is_int(tail, 70, "of 10,000 events the tail has those since the last snapshot");

	/* Without another snapshot the next load needs the same ones, and the new. */
	for (int n = 0; n < 5; n++)
		world_step(&w, 1);
	world_commit(s, world_seal(&w, 0));
	wf_store_close(s);
	s = world_open(wf_os_posix(), dir);
	is_int(world_check(&w, s), 75, "a mark learned by a load is as good");
	world_commit(s, world_seal(&w, UINT32_MAX));
	wf_store_close(s);
	s = world_open(wf_os_posix(), dir);
	is_int(world_check(&w, s), 1,
	       "when nothing is stale only the last event is handed over, for the revision");
	wf_store_close(s);

	/* A store that was not loaded knows nothing of what is stale: it must not raise the
	 * mark. */
	s = world_open(wf_os_posix(), dir);
	world_check(&w, s);
	for (int n = 0; n < 30; n++)
		world_step(&w, 1);
	world_commit(s, world_seal(&w, 0));
	wf_store_close(s);
	s = world_open(wf_os_posix(), dir);
	for (int n = 0; n < 30; n++)
		world_step(&w, 1);
	w.runs[1].dirty[0] = 0;
	world_commit(s, world_seal(&w, 1));
	wf_store_close(s);
	w.runs[1].dirty[0] = 1;
	s = world_open(wf_os_posix(), dir);
	ok(world_check(&w, s) >= 30, "an unloaded store leaves the mark where it was");
	wf_store_close(s);
	world_release(&w);
	world_rmdir(dir);
}

int main(void)
{
	for (uint64_t seed = 1; seed <= 6; seed++)
		test_random(seed);
	test_short();
	return done_testing();
}

/* The production loop: timers in order, stopped ones silent, work in order on one thread, posts from other threads. */
#include "engine/loop/loop.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/buf.h"
#include "tests/tap/tap.h"

static struct wf_loop *loop;
static char trace[256];

static void mark(const char *s)
{
	strncat(trace, s, sizeof(trace) - strlen(trace) - 1);
}

static struct wf_timer first, second, third, dead, again;
static int rounds;

static void on_first(struct wf_timer *t)
{
	(void)t;
	mark("1");
	wf_timer_stop(loop, &dead);
}

static void on_second(struct wf_timer *t)
{
	(void)t;
	mark("2");
}

static void on_third(struct wf_timer *t)
{
	(void)t;
	mark("3");
	wf_loop_stop(loop);
}

static void on_dead(struct wf_timer *t)
{
	(void)t;
	mark("dead");
}

static void test_timers(void)
{
	trace[0] = '\0';
	first.fn = on_first;
	second.fn = on_second;
	third.fn = on_third;
	dead.fn = on_dead;
	wf_timer_start(loop, &third, 30);
	wf_timer_start(loop, &dead, 10);
	wf_timer_start(loop, &second, 10);
	wf_timer_start_ns(loop, &first, 200000);
	ok(first.armed && dead.armed, "armed timers say so");
	is_str(trace, "", "nothing fires before the loop runs");
	wf_loop_run(loop);
	is_str(trace, "123", "timers fire in order of their time, a stopped one never");
	ok(!first.armed && !dead.armed && !third.armed, "fired and stopped timers are not armed");

	trace[0] = '\0';
	wf_timer_start(loop, &third, 60000);
	wf_timer_start(loop, &second, 60000);
	wf_timer_start(loop, &second, 0);
	wf_timer_start(loop, &third, 0);
	wf_loop_run(loop);
	is_str(trace, "23", "arming again replaces the time; equal times keep the order of arming");
}

static void on_again(struct wf_timer *t)
{
	if (++rounds < 1000)
		wf_timer_start_ns(loop, t, 0);
	else
		wf_loop_stop(loop);
}

static struct wf_timer many[500];
static unsigned fired;
static uint64_t last_due;
static int in_order = 1;

static void on_many(struct wf_timer *t)
{
	in_order = in_order && t->due_ns >= last_due;
	last_due = t->due_ns;
	if (++fired == 250)
		wf_loop_stop(loop);
}

static void test_many_timers(void)
{
	unsigned seed = 7;

	again.fn = on_again;
	wf_timer_start_ns(loop, &again, 0);
	wf_loop_run(loop);
	is_int(rounds, 1000, "a timer may arm itself again, also with no delay");

	for (size_t i = 0; i < WF_COUNT(many); i++) {
		many[i].fn = on_many;
		seed = seed * 1103515245u + 12345u;
		wf_timer_start_ns(loop, &many[i], (seed >> 8) % 5000000);
	}
	for (size_t i = 0; i < WF_COUNT(many); i += 2)
		wf_timer_stop(loop, &many[i]);
	wf_loop_run(loop);
	is_int(fired, 250, "half of 500 timers fire");
	ok(in_order, "in the order of their times");
}

struct job {
	struct wf_work work;
	int n;
	pthread_t ran_on;
};
static struct job jobs[100];
static int runs, dones, ran_wrong, done_wrong, wrong_thread;
static pthread_t main_thread;

static void job_run(struct wf_work *w)
{
	struct job *j = wf_container_of(w, struct job, work);

	ran_wrong |= j->n != runs++;
	j->ran_on = pthread_self();
}

static void job_done(struct wf_work *w)
{
	struct job *j = wf_container_of(w, struct job, work);

	done_wrong |= j->n != dones++;
	wrong_thread |= !pthread_equal(j->ran_on, jobs[0].ran_on) || pthread_equal(j->ran_on, main_thread) ||
			!pthread_equal(pthread_self(), main_thread);
	if (dones == (int)WF_COUNT(jobs))
		wf_loop_stop(loop);
}

static void test_work(void)
{
	main_thread = pthread_self();
	for (size_t i = 0; i < WF_COUNT(jobs); i++) {
		jobs[i].n = (int)i;
		jobs[i].work.run = job_run;
		jobs[i].work.done = job_done;
		wf_loop_work(loop, &jobs[i].work);
	}
	wf_loop_run(loop);
	is_int(dones, WF_COUNT(jobs), "all work was done");
	ok(!ran_wrong && !done_wrong, "first in, first out");
	ok(!wrong_thread, "on one other thread, and done on the loop's");
}

enum { POSTERS = 4, POSTS = 250 };
static struct wf_post posts[POSTERS][POSTS];
static int posted;

static void on_post(struct wf_post *p)
{
	(void)p;
	if (++posted == POSTERS * POSTS)
		wf_loop_stop(loop);
}

static void *poster(void *arg)
{
	struct wf_post *p = arg;

	for (int i = 0; i < POSTS; i++) {
		p[i].fn = on_post;
		wf_loop_post(loop, &p[i]);
	}
	return NULL;
}

static struct wf_post again_post;
static int reposted;

static void on_repost(struct wf_post *p)
{
	if (++reposted < 3)
		wf_loop_post(loop, p);
	else
		wf_loop_stop(loop);
}

static void test_post(void)
{
	pthread_t threads[POSTERS];

	for (int i = 0; i < POSTERS; i++)
		pthread_create(&threads[i], NULL, poster, posts[i]);
	wf_loop_run(loop);
	for (int i = 0; i < POSTERS; i++)
		pthread_join(threads[i], NULL);
	is_int(posted, POSTERS * POSTS, "posts from four threads all arrive");

	again_post.fn = on_repost;
	wf_loop_post(loop, &again_post);
	is_int(reposted, 0, "a post never runs before wf_loop_post returned");
	wf_loop_run(loop);
	is_int(reposted, 3, "a post may be posted again from its own callback");
}

static int pipe_fds[2];

static void on_pipe(void *arg, int readable, int writable)
{
	char c;

	(void)writable;
	if (readable && read(pipe_fds[0], &c, 1) == 1)
		*(char *)arg = c;
	wf_loop_stop(loop);
}

static void on_usr1(void *arg, int signum)
{
	*(int *)arg = signum;
	wf_loop_stop(loop);
}

static void test_owners(void)
{
	struct wf_poll *p;
	struct wf_signal_watch *s;
	int got_signal = 0;
	char got = 0;

	if (pipe(pipe_fds) < 0)
		bail("pipe");
	p = wf_poll_create(loop, pipe_fds[0], on_pipe, &got);
	wf_poll_set(p, 1, 0);
	ok(write(pipe_fds[1], "x", 1) == 1, "a byte goes in");
	wf_loop_run(loop);
	is_int(got, 'x', "and its reader is called");
	wf_poll_destroy(p);

	s = wf_signal_create(loop, SIGUSR1, on_usr1, &got_signal);
	kill(getpid(), SIGUSR1);
	wf_loop_run(loop);
	is_int(got_signal, SIGUSR1, "a watched signal arrives on the loop");
	wf_signal_destroy(s);
}

int main(void)
{
	loop = wf_loop_uv_create();
	test_timers();
	test_many_timers();
	test_work();
	test_post();
	test_owners();
	wf_loop_destroy(loop);
	ok(1, "the loop closes with nothing left in it");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return done_testing();
}

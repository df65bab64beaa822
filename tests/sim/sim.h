/* sim.h - a small world for the production engine: virtual time, one random source, files in memory, processes that can be killed
 *
 * A `sim` has a clock that only moves when something happens, and a list of what happens next. A process of it owns a struct wf_loop and a
 * struct wf_os over that clock; database files go through a SQLite VFS of its own to the same files. Killing a process
 * is kill -9: what it had queued never happens, what it wrote stays, its channels break, every later call of its table fails.
 * Everything is decided by the seed: the same seed gives the same steps, and sim_hash tells.
 *
 * Calling sequence:
 *     struct sim *s = sim_create(seed);
 *     struct sim_process *p = sim_process_start(s, "engine");     p->loop, p->os: give them to the code under test
 *     while (sim_step(s)) ...
 *     sim_process_kill(p); release what the process had in memory; sim_process_free(p);
 *     sim_destroy(s);
 *
 * What a killed process wrote is what the next one reads; after sim_disk_power only what was synced is sure to be there (files.h).
 * No process can be started through the table.
 */
#ifndef WF_TESTS_SIM_SIM_H
#define WF_TESTS_SIM_SIM_H

#include <stdint.h>

#include "engine/base/os.h"
#include "engine/link/channel.h"
#include "engine/loop/loop.h"

struct sim;
struct sim_files;

struct sim_process {
	struct wf_loop loop;           /* its own; wf_loop_run and _stop are not for it */
	struct wf_os os;
	struct sim *sim;
	const char *name;
	const char *host;              /* "alpha" unless it is said otherwise */
	unsigned boot;                 /* of it */
	int pid;
	int dead;                      /* set by sim_process_kill, or by a death inside a call of its table */
	uint64_t thread_free_ns;       /* its work thread is busy until then */
	uint64_t writes;               /* calls that changed a file */
	uint64_t die_at_write;         /* dies in place of this one; 0: not so */
	uint64_t fail_at_write;        /* this one fails with EIO, once; 0: not so */
	uint64_t syncs;                /* and fsyncs */
	uint64_t die_at_sync, fail_at_sync;
	uint64_t fail_more;            /* and so many after the first one that fails */
	int failing;                   /* all of them fail */
	int loses_power;               /* when it dies, its host does */
	int refused;                   /* asked to start or signal a process: there are none here */
	uint64_t slow_until_ns;        /* its disk takes its time until then */
	uint64_t frozen_until_ns;      /* nothing happens to it until then */
	void *vfs;
	struct sim_process *next;
};

struct sim *sim_create(uint64_t seed);
void sim_destroy(struct sim *s);

/* A source of its own, so that one use of chance does not move another. */
struct sim_stream {
	uint64_t state[2];
};
void sim_stream_init(struct sim_stream *s, uint64_t seed, uint64_t which);
uint64_t sim_stream_rnd(struct sim_stream *s, uint64_t n);

/* 0 .. n-1 */
uint64_t sim_rnd(struct sim *s, uint64_t n);
/* true so many times in a thousand */
int sim_chance(struct sim *s, unsigned per_mille);
uint64_t sim_now_ns(const struct sim *s);
uint64_t sim_steps(const struct sim *s);
/* The wall clock shows something else from now on; nothing else notices. */
void sim_wall_jump(struct sim *s, int64_t ms);
int64_t sim_wall_ms(const struct sim *s);

/* Something happened: goes into the hash, and to stderr when tracing. */
void sim_mark(struct sim *s, const char *what, uint64_t a, uint64_t b);
void sim_mark_bytes(struct sim *s, const char *what, const void *p, size_t n);
void sim_trace(struct sim *s, int on);
uint64_t sim_hash(const struct sim *s);

/* The next thing happens. 0: nothing is left to happen. */
int sim_step(struct sim *s);
/* Things that will still happen to this process: timers, posts, work, frames. */
size_t sim_pending(const struct sim *s, const struct sim_process *p);

/* Whose code runs now: what it asks of its host is answered for it (host.c). NULL: nobody's. */
extern struct sim_process *sim_current;
struct sim_process *sim_first(struct sim *s);
/* It sleeps in a call: the clock goes on. */
void sim_pass(struct sim *s, uint64_t ns);

struct sim_process *sim_process_start(struct sim *s, const char *name);
void sim_process_kill(struct sim_process *p);
void sim_process_free(struct sim_process *p);

/* Two ends of a connection between two processes: takes time, keeps order. */
void sim_channel_pair(struct sim *s, struct sim_process *a, struct sim_process *b, struct wf_channel *ends[2]);
/* Every open connection breaks; the last of what is under way is lost. */
void sim_channels_break(struct sim *s);
/* Nothing arrives before that time, neither frames nor the end of a connection. */
void sim_channels_hold(struct sim *s, uint64_t until_ns);
/* So many frames in a thousand that the second of a pair sends arrive twice, but for the first of each connection. */
void sim_channels_double(struct sim *s, unsigned per_mille);

/* The disk has room for so many bytes more than there are now; UINT64_MAX: room enough. */
void sim_disk_room(struct sim *s, uint64_t bytes);
/* The power goes, when every process that has files open is dead: what was not synced is lost, or half of it. */
void sim_disk_power(struct sim *s);
/* What is there now is on the disk. */
void sim_disk_settle(struct sim *s);

/* ---- between the files of this folder ------------------------------------------------------------------ */

enum sim_kind { SIM_TIMER, SIM_POST, SIM_WORK, SIM_DONE, SIM_CALL };

/* fn(arg) at `due` unless the process is dead by then (then drop(arg)); returns a handle for sim_cancel. */
struct sim_item;
struct sim_item *sim_at(struct sim *s, struct sim_process *p, uint64_t due_ns, void (*fn)(void *arg), void (*drop)(void *arg), void *arg);
void sim_cancel(struct sim_item *i);

struct sim_files *sim_files_create(void);
void sim_files_free(struct sim_files *f);
struct sim_files *sim_files_of(struct sim *s);
void sim_files_serve(struct sim_process *p);   /* fills p->os but for clock and random, registers its VFS */
void sim_files_leave(struct sim_process *p);
uint64_t sim_files_hash(const struct sim_files *f);

void sim_links_release(struct sim *s);
void sim_links_kill(struct sim *s, struct sim_process *p);

struct link;
struct sim_links {
	struct link *first;
	uint64_t held_until_ns;
	unsigned doubled_per_mille;
	unsigned long doubled;         /* so far */
};
struct sim_links *sim_links_of(struct sim *s);

#endif

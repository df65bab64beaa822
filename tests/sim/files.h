/* files.h - the files of a simulated world, for files*.c alone: what processes see, and beside it what a loss of power leaves
 *
 * Two images of each file: `now` is what reads give (the page cache), `disk` what was synced. A sync that succeeds copies the sectors that
 * were written since; one that fails makes them clean without copying, as Linux does. Names (create, rename, remove) become durable in
 * order, all of them when any directory is synced: a file system with a journal. A loss of power keeps some of the unsynced sectors
 * of each file and the first so many of the unsynced names.
 */
#ifndef WF_TESTS_SIM_FILES_H
#define WF_TESTS_SIM_FILES_H

#include "tests/sim/sim.h"

enum { SIM_FIRST_FD = 1000, SIM_FDS = 4096, SECTOR = 512 };

struct image {
	char *data;                    /* up to cap; zeros from there to size */
	size_t size, cap;
};

struct node {
	char *path;                    /* NULL once it was removed; the memory goes with the last handle */
	uint32_t hash;                 /* of path */
	int dir;
	mode_t mode;
	struct image now, disk;
	uint64_t *dirty;               /* bit set: the sector was written since the last sync */
	size_t dirty_words;
	int is_dirty;                  /* some bit is set, or the size changed */
	unsigned handles;              /* descriptors, SQLite's files, unsynced names */
	struct sim_process *locked_by;
	uint64_t ino;
	int64_t changed_ms;
};

/* A name that was made or unmade, and not synced yet. */
struct naming {
	struct node *node;
	char *from, *to;               /* made: from NULL; removed: to NULL */
	struct node *replaced;         /* by a rename; or NULL */
};

struct sim_files {
	struct node **nodes;
	size_t count, cap;
	struct naming *namings;
	size_t naming_count, naming_cap;
	uint64_t next_ino;
	uint64_t used, limit;          /* bytes of all files; what fits */
	unsigned boots;                /* of each host: one more by each loss of power */
	unsigned long sectors_lost, names_lost; /* by losses of power */
	unsigned long checkpoints;     /* syncs of a database file that had changed */
	struct {
		struct node *node;
		struct sim_process *p;
	} fds[SIM_FDS];
};

struct node *node_find(struct sim_files *f, const char *path);
struct node *node_make(struct sim_files *f, const char *path, int dir, mode_t mode);
int node_has_parent(struct sim_files *f, const char *path);
void node_rename(struct sim_files *f, struct node *n, const char *to);
int node_is_empty(const struct sim_files *f, const struct node *n);
void node_remove(struct sim_files *f, struct node *n);
void node_hold(struct node *n);
void node_let_go(struct sim_files *f, struct node *n);

size_t node_read(const struct node *n, void *p, size_t k, size_t at);
/* 0 and errno when there is no room. */
int node_write(struct sim_files *f, struct node *n, const void *p, size_t k, size_t at);
int node_resize(struct sim_files *f, struct node *n, size_t size);
void node_sync(struct sim_files *f, struct node *n);  /* of a directory: all names */
void node_sync_names(struct sim_files *f);
void node_sync_fails(struct node *n);

/* Is the process dead? Sets errno. */
int file_dead(struct sim_process *p);
/* Before each change of a file: may it happen? 0 and errno if not. */
int file_may_write(struct sim_process *p);
/* Syncs, or dies or fails in doing so. */
int file_sync(struct sim_process *p, struct node *n);

extern const struct wf_os_ops sim_os_ops;        /* files_os.c; self is a struct sim_process */
void sim_vfs_register(struct sim_process *p);    /* files_db.c */
void sim_vfs_unregister(struct sim_process *p);

#endif

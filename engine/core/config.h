/* config.h - what a site and a user configured: one struct, each value with where it came from
 *
 *     struct wf_config *c = wf_config_load(&sources, &err);        NULL: "file:line:column: text; hint", in words for the person
 *     options.default_executor = c->executor; ...
 *     wf_config_free(c);
 *
 * Order, the later winning: built-in defaults, the site's file, the user's file, the environment. The site's file may also hold `limits`
 * with the same keys but executor and run_root: a value beyond one is brought back to it, whoever asked for more (for `nice` and
 * `lease` it is the least). Nothing is
 * written; files that do not exist are empty. Any thread, no globals.
 *
 *     # /etc/wf/site.yaml, owned by root
 *     executor: local
 *     local: {cores: 2, memory: 4GiB, nice: 10}
 *     limits: {local: {cores: 4, memory: 8GiB, nice: 5}, idle: 1h}
 */
#ifndef WF_CORE_CONFIG_H
#define WF_CORE_CONFIG_H

#include <stdint.h>

#include "engine/base/buf.h"
#include "engine/base/err.h"
#include "engine/base/os.h"

/*   symbol             key             environment        */
#define WF_CONFIG_KEYS(X)                                     \
	X(WF_CONFIG_EXECUTOR,  "executor",     "WF_EXECUTOR")     \
	X(WF_CONFIG_RUN_ROOT,  "run_root",     "WF_RUN_ROOT")     \
	X(WF_CONFIG_CORES,     "local.cores",  "WF_LOCAL_CORES")  \
	X(WF_CONFIG_MEMORY,    "local.memory", "WF_LOCAL_MEMORY") \
	X(WF_CONFIG_NICE,      "local.nice",   "WF_LOCAL_NICE")   \
	X(WF_CONFIG_IDLE,      "idle",         "WF_IDLE")         \
	X(WF_CONFIG_RETENTION, "retention",    "WF_RETENTION")    \
	X(WF_CONFIG_LEASE,     "lease",        "WF_LEASE")

enum wf_config_key {
#define X(sym, key, env) sym,
	WF_CONFIG_KEYS(X)
#undef X
	WF_CONFIG_COUNT
};

struct wf_config {
	const char *executor;          /* NULL: by the rule (`slurm` where this host has Slurm, else `local`) */
	const char *run_root;          /* absolute; NULL: `runs` in the state directory */
	uint32_t local_cores;          /* thousandths of a core; 0: what the agent offers */
	uint64_t local_memory;         /* bytes; 0: what the agent offers */
	int local_nice;                /* 0 to 19 */
	int64_t idle_ms;               /* leave after so long without live run or client; 0: never */
	int64_t retention_ms;          /* finished runs are kept so long; 0: for ever */
	int64_t lease_ms;              /* a host that was not heard of for so long acts no more: what a takeover waits */
	struct wf_config_item {
		const char *key;       /* "local.cores" */
		const char *value;     /* in words: "2", "4GiB", "15m"; NULL: not set, a rule decides */
		const char *origin;    /* "default", "site FILE", "site limit", "user FILE", "environment WF_IDLE" */
	} items[WF_CONFIG_COUNT];
	struct wf_arena arena;         /* everything above */
};

struct wf_config_sources {
	struct wf_os *os;
	const char *site_file;         /* NULL: none; must be root's alone to write, else WF_DENIED */
	const char *user_file;         /* NULL: none */
	const char *(*getenv)(void *arg, const char *name); /* NULL: no environment */
	void *arg;
	int slurm_here;                /* this host has Slurm: local work defaults to manners (2 cores, 4 GiB, nice 10) */
};

struct wf_config *wf_config_load(const struct wf_config_sources *from, struct wf_err *err);
void wf_config_free(struct wf_config *c);

/* "/etc/wf/site.yaml" and $XDG_CONFIG_HOME/wf/config.yaml (else ~/.config); heap, NULL when there is no home. */
#define WF_CONFIG_SITE "/etc/wf/site.yaml"
char *wf_config_user_file(const char *(*env)(void *arg, const char *name), void *arg);

#endif

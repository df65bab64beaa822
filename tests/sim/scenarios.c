/* scenarios.c - owns the workflows that were thought of: what each is to end as, whatever happens to the engine on the way. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/play.h"
#include "tests/sim/random.h"

/* 21 tasks: fan-out, each, all, a pool, a limit, a `when`, a service, a task that fails twice. */
#define DAG(on_failure, more)                                                                                     \
	"workflow: {name: dag}\n" more                                                                                 \
	"pools: {tokens: 2}\n"                                                                                         \
	"services:\n"                                                                                                  \
	"  - name: db\n"                                                                                               \
	"    type: COMMAND\n"                                                                                          \
	"    command: serve --port {{ service.port }}\n"                                                               \
	"    ready: {tcp: \"{{ service.host }}:{{ service.port }}\"}\n"                                                \
	"    provides: {DB: \"{{ service.host }}:{{ service.port }}\"}\n"                                              \
	"    on_failure: " on_failure "\n"                                                                             \
	"steps:\n"                                                                                                     \
	"  - {name: prepare, command: 'prepare'}\n"                                                                    \
	"  - {name: sim, after: [prepare], foreach: {i: {range: 6}}, parallel: 3, command: 'run {{ i }}',\n"           \
	"     retry: {limit: 2, backoff: 2s}}\n"                                                                       \
	"  - {name: left, after: [{step: sim, each: true}], command: 'left {{ i }}', services: [db]}\n"                \
	"  - {name: right, after: [{step: sim, each: true}], when: 'i == 3', pool: tokens, command: 'right {{ i }}'}\n" \
	"  - {name: gather, after: [left, {step: right, result: any}], command: 'gather', services: [db]}\n"   \
	"  - {name: report, after: [gather], command: 'report'}\n"

static void rule(struct sim *s, struct wf_buf *b, const char *name, const char *action, unsigned longest_ms)
{
	wf_buf_printf(b, "%s %s after=%u", name, action, (unsigned)sim_rnd(s, longest_ms + 1));
	if (sim_chance(s, 300))
		wf_buf_printf(b, " queue=%u", (unsigned)sim_rnd(s, 3000));
	if (sim_chance(s, 200))
		wf_buf_printf(b, " late=%u", (unsigned)sim_rnd(s, 5000));
	if (sim_chance(s, 200))
		wf_buf_printf(b, " twice");
	wf_buf_char(b, '\n');
}

static void step_rules(struct sim *s, struct wf_buf *b)
{
	char name[32];

	rule(s, b, "prepare", "finish", 3000);
	for (int i = 0; i < 6; i++) {
		snprintf(name, sizeof(name), "sim[%d]", i);
		rule(s, b, name, "finish", 20000);
		snprintf(name, sizeof(name), "left[%d]", i);
		rule(s, b, name, "finish", 10000);
	}
	rule(s, b, "right*", "finish", 8000);
	rule(s, b, "gather", "finish", 4000);
	rule(s, b, "report", "finish", 500);
}

static void smooth(struct play *p, struct wf_buf *b)
{
	struct sim *s = p->sim;

	wf_buf_printf(b, "db.0 hang ready=%u\n", (unsigned)sim_rnd(s, 4000));
	rule(s, b, "sim[2]/1", "fail exit", 8000);
	rule(s, b, "sim[2]/2", "fail signal", 8000);
	step_rules(s, b);
}

static void failing(struct play *p, struct wf_buf *b)
{
	struct sim *s = p->sim;

	wf_buf_printf(b, "db.0 hang ready=%u\n", (unsigned)sim_rnd(s, 4000));
	for (int i = 1; i < 4; i++) {
		char name[32];

		snprintf(name, sizeof(name), "sim[4]/%d", i);
		rule(s, b, name, "fail exit", 5000);
	}
	step_rules(s, b);
}

static void stuck(struct play *p, struct wf_buf *b)
{
	wf_buf_printf(b, "db.0 hang stuck ready=100\n");
	smooth(p, b);
}

/* Something always runs until it is canceled. */
static void endless(struct play *p, struct wf_buf *b)
{
	wf_buf_printf(b, "sim[5] hang\n");
	smooth(p, b);
}

static void endless_once(struct play *p, struct wf_buf *b)
{
	wf_buf_printf(b, "sim[5]/1 hang\n");
	smooth(p, b);
}

static void member_dies(struct play *p, struct wf_buf *b)
{
	struct sim *s = p->sim;

	wf_buf_printf(b, "db.0/1 fail exit ready=%u after=%u\n", (unsigned)sim_rnd(s, 2000), (unsigned)(2001 + sim_rnd(s, 6000)));
	for (int i = 0; i < 6; i++)
		wf_buf_printf(b, "left[%d] finish after=%u\n", i, (unsigned)(9000 + sim_rnd(s, 3000)));
	step_rules(s, b);
}

/* So late that the engine has seen it ready, however often it died. */
static void member_dies_late(struct play *p, struct wf_buf *b)
{
	struct sim *s = p->sim;

	wf_buf_printf(b, "db.0/1 fail exit ready=%u after=%u\n", (unsigned)sim_rnd(s, 2000), (unsigned)(400000 + sim_rnd(s, 6000)));
	for (int i = 0; i < 6; i++)
		wf_buf_printf(b, "left[%d] finish after=%u\n", i, (unsigned)(410000 + sim_rnd(s, 3000)));
	step_rules(s, b);
}

static void member_never_ready(struct play *p, struct wf_buf *b)
{
	struct sim *s = p->sim;

	wf_buf_printf(b, "db.0 fail exit ready=never after=%u\n", (unsigned)sim_rnd(s, 6000));
	step_rules(s, b);
}

static void forgotten(struct play *p, struct wf_buf *b)
{
	wf_buf_printf(b, "sim[1]/1 forget after=20000\nleft[2]/1 forget after=100\n");
	smooth(p, b);
}

static void vanished(struct play *p, struct wf_buf *b)
{
	wf_buf_printf(b, "prepare/1 vanish\n");
	smooth(p, b);
}

static void refused(struct play *p, struct wf_buf *b)
{
	wf_buf_printf(b, "sim[1]/1 refuse\ndb.0/1 refuse\n");
	smooth(p, b);
}

static void refused_always(struct play *p, struct wf_buf *b)
{
	wf_buf_printf(b, "sim[1] refuse\n");
	smooth(p, b);
}

static void listing(struct play *p, struct wf_buf *b)
{
	struct sim *s = p->sim;

	wf_buf_printf(b, "list finish after=%u result={\"files\":[\"a\",\"b\",\"c\",\"d\"]}\n", (unsigned)sim_rnd(s, 2000));
	rule(s, b, "work*", "finish", 5000);
	rule(s, b, "check[1]/1", "fail exit", 3000);
	rule(s, b, "check*", "finish", 3000);
	rule(s, b, "sum", "finish", 100);
	rule(s, b, "none*", "finish", 100);
}

static void listing_badly(struct play *p, struct wf_buf *b)
{
	wf_buf_printf(b, "list finish result={\"other\":1}\n");
	listing(p, b);
}

static void two_services(struct play *p, struct wf_buf *b)
{
	struct sim *s = p->sim;

	wf_buf_printf(b, "eager.0 hang\none.0 hang ready=%u\ntwo.0 hang ready=%u\n", (unsigned)sim_rnd(s, 3000), (unsigned)sim_rnd(s, 3000));
	rule(s, b, "*", "finish", 6000);
}

static void second_fails(struct play *p, struct wf_buf *b)
{
	wf_buf_printf(b, "two.0 fail exit ready=never after=100\n");
	two_services(p, b);
}

/* A wait that was canceled comes due while its task waits for cores anew. */
static void waiting(struct play *p, struct wf_buf *b)
{
	wf_buf_printf(b, "first finish after=50\nagain/1 fail exit\nagain finish after=100\nhog/1 hang\nhog finish after=%u\n", 40000 + (unsigned)sim_rnd(p->sim, 9000));
}

/* One service fails for good while another is founded for the same user. */
static void not_wanted(struct play *p, struct wf_buf *b)
{
	wf_buf_printf(b, "bad.0 fail exit ready=never after=100\nlate finish after=%u\n", (unsigned)sim_rnd(p->sim, 3000));
}

static const char waiting_text[] =
	"workflow: {name: waiting}\n"
	"steps:\n"
	"  - {name: again, command: 'again', retry: {limit: 3, backoff: 30s}}\n"
	"  - {name: first, command: 'first'}\n"
	"  - {name: hog, after: [first], command: 'hog', priority: 1, resources: {cpus: 4}}\n"
	"  - {name: last, after: [again, hog], command: 'last'}\n";

static const char not_wanted_text[] =
	"workflow: {name: not-wanted}\n"
	"services:\n"
	"  - {name: bad, type: COMMAND, command: 'serve', ready: {file: bad.up}, provides: {BAD: here}}\n"
	"  - {name: good, type: COMMAND, command: 'serve', ready: {file: good.up}, provides: {GOOD: here}}\n"
	"steps:\n"
	"  - {name: first, command: 'first', services: [bad]}\n"
	"  - {name: late, command: 'late'}\n"
	"  - {name: both, after: [late], command: 'both', services: [good, bad]}\n";

static const char list_text[] =
	"workflow: {name: list}\n"
	"steps:\n"
	"  - {name: list, command: 'list', results: [files]}\n"
	"  - {name: work, foreach: {f: {from: list, list: files}}, command: 'work {{ f }}', parallel: 2}\n"
	"  - {name: check, after: [{step: work, each: true}], command: 'check {{ f }}', retry: {limit: 1}}\n"
	"  - {name: sum, after: [check], command: 'sum'}\n";

static const char services_text[] =
	"workflow: {name: services}\n"
	"services:\n"
	"  - {name: one, type: COMMAND, command: 'serve', ready: {file: one.up}, provides: {ONE: here}, resources: {cpus: 1}}\n"
	"  - {name: two, type: COMMAND, command: 'serve', ready: {file: two.up}, provides: {TWO: here}, resources: {cpus: 1},\n"
	"     after: [one, first], on_failure: restart}\n"
	"  - {name: eager, type: COMMAND, command: 'serve', ready: {file: e.up}, provides: {E: here}, start: eager}\n"
	"steps:\n"
	"  - {name: first, command: 'first'}\n"
	"  - {name: use, foreach: {i: {range: 4}}, command: 'use', services: [one, two], resources: {cpus: 2}}\n"
	"  - {name: last, after: [use], command: 'last', services: [eager, {name: one, access: RO}]}\n";

/* ---- the table ---------------------------------------------------------------------------------------------- */

const struct scenario scenarios[] = {
	{
		.name = "dag",
		.weight = 1,
		.text = DAG("restart", ""),
		.write = smooth,
		.ends = WF_RUN_SUCCEEDED,
	},
	{
		.name = "failing",
		.weight = 1,
		.text = DAG("restart", ""),
		.write = failing,
		.ends = WF_RUN_FAILED_,
	},
	{
		.name = "cancel",
		.weight = 1,
		.text = DAG("restart", ""),
		.write = endless,
		.ends = WF_RUN_CANCELED_,
		.acts = { { ACT_CANCEL, 25000 } },
	},
	{
		.name = "pause",
		.weight = 1,
		.text = DAG("restart", ""),
		.write = endless,
		.ends = WF_RUN_CANCELED_,
		.acts = { { ACT_PAUSE, 6000 }, { ACT_RESUME, 20000 }, { ACT_PAUSE, 9000 }, { ACT_CANCEL, 9000 } },
	},
	{
		.name = "pause and resume",
		.weight = 1,
		.text = DAG("restart", ""),
		.write = smooth,
		.ends = WF_RUN_SUCCEEDED,
		.acts = { { ACT_PAUSE, 500 }, { ACT_RESUME, 20000 } },
	},
	{
		.name = "retry",
		.weight = 1,
		.text = DAG("restart", ""),
		.write = failing,
		.ends = WF_RUN_SUCCEEDED,
		.acts = { { ACT_RETRY, 100 } },
	},
	{
		.name = "cancel and retry",
		.sound_disk = 1,
		.weight = 1,
		.text = DAG("restart", ""),
		.write = endless_once,
		.ends = WF_RUN_SUCCEEDED,
		.acts = { { ACT_CANCEL, 25000, "sim[5]" }, { ACT_RETRY, 100 } },
	},
	{
		.name = "restart",
		.sound_disk = 1,
		.weight = 1,
		.text = DAG("restart", ""),
		.write = member_dies,
		.ends = WF_RUN_SUCCEEDED,
	},
	{
		.name = "hold, found again",
		.sound_disk = 1,
		.weight = 1,
		.text = DAG("hold", ""),
		.write = member_dies_late,
		.ends = WF_RUN_SUCCEEDED,
		.acts = { { ACT_RESOLVE, 0, "db", WF_RESOLVE_RERUN } },
	},
	{
		.name = "hold, given up",
		.sound_disk = 1,
		.weight = 1,
		.text = DAG("hold", ""),
		.write = member_dies_late,
		.ends = WF_RUN_FAILED_,
		.acts = { { ACT_RESOLVE, 0, "db", WF_RESOLVE_FAILED } },
	},
	{
		.name = "fail",
		.sound_disk = 1,
		.weight = 1,
		.text = DAG("fail", ""),
		.write = member_dies_late,
		.ends = WF_RUN_FAILED_,
	},
	{
		.name = "never ready",
		.weight = 1,
		.text = DAG("restart", ""),
		.write = member_never_ready,
		.ends = WF_RUN_FAILED_,
	},
	{
		.name = "fail, retry",
		.sound_disk = 1,
		.weight = 1,
		.text = DAG("fail", ""),
		.write = member_dies_late,
		.ends = WF_RUN_SUCCEEDED,
		.acts = { { ACT_RETRY, 100 } },
	},
	{
		.name = "agent dies",
		.sound_disk = 1,
		.weight = 1,
		.text = DAG("restart", ""),
		.write = smooth,
		.ends = WF_RUN_SUCCEEDED,
		.agent_may_die = 1,
	},
	{
		.name = "forgotten",
		.sound_disk = 1,
		.asks = 1,
		.weight = 1,
		.text = DAG("restart", "defaults: {on_unknown: rerun}\n"),
		.write = forgotten,
		.ends = WF_RUN_SUCCEEDED,
		.lies = 1,
		.acts = { { ACT_BREAK, 100, "sim[1]" }, { ACT_BREAK, 100, "left[2]" } },
	},
	{
		.name = "held, rerun",
		.sound_disk = 1,
		.asks = 1,
		.weight = 1,
		.text = DAG("restart", ""),
		.write = vanished,
		.ends = WF_RUN_SUCCEEDED,
		.lies = 1,
		.acts = { { ACT_BREAK, 9000, "prepare" }, { ACT_RESOLVE, 0, "prepare", WF_RESOLVE_RERUN } },
	},
	{
		.name = "held, succeeded",
		.sound_disk = 1,
		.asks = 1,
		.weight = 1,
		.text = DAG("restart", ""),
		.write = vanished,
		.ends = WF_RUN_SUCCEEDED,
		.lies = 1,
		.acts = { { ACT_BREAK, 9000, "prepare" }, { ACT_RESOLVE, 0, "prepare", WF_RESOLVE_SUCCEEDED } },
	},
	{
		.name = "held, failed",
		.sound_disk = 1,
		.asks = 1,
		.weight = 1,
		.text = DAG("restart", ""),
		.write = vanished,
		.ends = WF_RUN_FAILED_,
		.lies = 1,
		.acts = { { ACT_BREAK, 9000, "prepare" }, { ACT_RESOLVE, 0, "prepare", WF_RESOLVE_FAILED } },
	},
	{
		.name = "refused",
		.sound_disk = 1,
		.weight = 1,
		.text = DAG("restart", ""),
		.write = refused,
		.ends = WF_RUN_SUCCEEDED,
	},
	{
		.name = "refused always",
		.weight = 1,
		.text = DAG("restart", ""),
		.write = refused_always,
		.ends = WF_RUN_FAILED_,
	},
	{
		.name = "list",
		.weight = 1,
		.text = list_text,
		.write = listing,
		.ends = WF_RUN_SUCCEEDED,
	},
	{
		.name = "bad list",
		.weight = 1,
		.text = list_text,
		.write = listing_badly,
		.ends = WF_RUN_FAILED_,
	},
	{
		.name = "services",
		.weight = 1,
		.text = services_text,
		.write = two_services,
		.ends = WF_RUN_SUCCEEDED,
	},
	{
		.name = "service fails",
		.weight = 1,
		.text = services_text,
		.write = second_fails,
		.ends = WF_RUN_FAILED_,
	},
	{
		.name = "random",
		.weight = 30,
		.write = random_write,
		.ends = WF_RUN_STATES,
		.helps = 1,
		.agent_may_die = 1,
	},
	{
		.name = "canceled while it waits",
		.weight = 1,
		.text = waiting_text,
		.write = waiting,
		.ends = WF_RUN_SUCCEEDED,
		.acts = { { ACT_CANCEL, 2000, "hog" }, { ACT_RETRY, 100 } },
	},
	{
		.name = "not wanted any more",
		.weight = 1,
		.text = not_wanted_text,
		.write = not_wanted,
		.ends = WF_RUN_FAILED_,
	},
	{
		.name = "stuck member",
		.weight = 1,
		.text = DAG("restart", ""),
		.write = stuck,
		.ends = WF_RUN_SUCCEEDED,
		.lies = 1,
		.leaks = 1,
	},
	{
		.name = "random, liar",
		.weight = 10,
		.write = random_write,
		.ends = WF_RUN_STATES,
		.lies = 1,
		.asks = 1,
		.helps = 1,
	},
};

const size_t scenario_count = WF_COUNT(scenarios);

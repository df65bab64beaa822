/* fake_agent.h - an agent that does what a script says: no process, no clock but the loop's, the same every time
 *
 * It speaks the agent link as a real one does (serve.h), remembers across connections like one (mark, facts until acknowledged), and can do on
 * command what a real one does once a year. In memory: give it one end of wf_channel_pair per connection. As a program: wf-fake-agent.
 *
 * Script: one rule per line, the first that matches an attempt is taken; '#' begins a comment.
 *
 *     NAME[/ATTEMPT] ACTION [WORD...]
 *
 * NAME is the attempt's name ("sim[3]"), or a beginning of it and '*'. ACTION:
 *     finish            ends well
 *     fail CLASS        ends with that class ("exit", "signal", "launch_failed", ...)
 *     hang              runs until it is canceled
 *     vanish            runs, then is never heard of again: asked for it, the agent cannot tell
 *     forget            runs; asked for it, the agent says that it never heard of it
 *     refuse            rejected
 * and WORDs:
 *     after=MS          how long it runs (0)
 *     queue=MS          how long it is accepted and not yet running (0); then CALL "revoke" is answered ok, afterwards rejected
 *     late=MS           the ending is reported that much after it happened
 *     exit=N            exit code (0; 1 with fail exit)
 *     result=JSON       without blanks
 *     accept=MS         that it was accepted is said that much later (0), whatever it has done since
 *     stale             asked for, the agent tells how things stood one step before
 *     twice             the ending is reported twice
 *     pid=N             this process number, whoever else had it
 *     ready=MS          member: until it is ready (0); "ready=never"
 *     stuck             cancel and stop are not obeyed
 * What matches no rule finishes at once; a member becomes ready at once and runs until stopped.
 */
#ifndef WF_TESTS_FAKE_AGENT_H
#define WF_TESTS_FAKE_AGENT_H

#include "engine/base/err.h"
#include "engine/base/os.h"
#include "engine/link/channel.h"
#include "engine/link/wire.h"
#include "engine/loop/loop.h"

struct fake_agent;

struct fake_agent *fake_agent_create(struct wf_loop *l, struct wf_os *os, const char *script, struct wf_err *err);
void fake_agent_attach(struct fake_agent *f, struct wf_channel *c);
int fake_agent_listen(struct fake_agent *f, const char *path, struct wf_err *err);
/* It dies and another takes its place with the same memory: connections close, what ran is lost, proven dead. */
void fake_agent_die(struct fake_agent *f);
/* It dies and its memory with it: another instance, mark 0. */
void fake_agent_forget_all(struct fake_agent *f);
/* It has served before: numbers up to this one are refused. */
void fake_agent_mark(struct fake_agent *f, uint64_t mark);
/* Attempts that are accepted and have not ended. */
size_t fake_agent_live(const struct fake_agent *f);
/* Every attempt it was ever given, newest first. */
struct fake_seen {
	const char *name;
	struct wf_attempt_ref ref;
	int member, ready;             /* ready: its host said so, at some time */
	int began, over;               /* it runs from the one to the other; lost ones are over */
	int lost, class, exit;
};
void fake_agent_each(const struct fake_agent *f, void (*fn)(const struct fake_seen *a, void *arg), void *arg);
/* Told of each attempt that begins to run, and of each that ends, whatever way; a NULL fn: of none. */
void fake_agent_watch(struct fake_agent *f, void (*fn)(const struct fake_seen *a, void *arg), void *arg);
/* How often it did what the script asked for. */
struct fake_counts {
	unsigned late, stale, reused, denied, vanished;
	unsigned early;                /* starts that came before every reattach of their connection was answered */
};
const struct fake_counts *fake_agent_counts(const struct fake_agent *f);
/* How often anything of this name ever began to run. */
unsigned fake_agent_ran(const struct fake_agent *f, const char *name);
/* Facts the engine has not acknowledged. */
size_t fake_agent_unacknowledged(const struct fake_agent *f);
void fake_agent_destroy(struct fake_agent *f);

#endif

/* follow.c - owns staying with a run until it ended, through the death of its engine; shows nothing itself. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/field.h"
#include "cli/runs.h"
#include "cli/show.h"
#include "cli/where.h"
#include "engine/base/os.h"
#include "wdf-schema/wdf.h"

enum {
	POLL_S = 50,                    /* the longest wait that the interface grants */
	BACK_MS = 100,                  /* between two looks for a lost engine */
	DEAD_MS = 1000,                 /* a dead engine may be started again by somebody: so long we wait before we do */
	STOPPED_MS = 60000,
};

/* ---- Ctrl-C ------------------------------------------------------------------------------------------------ */

static char farewell[512];
static const char *volatile restore;

static void say(const char *s)
{
	size_t n = strlen(s);

	while (n) {
		ssize_t k = write(STDERR_FILENO, s, n);

		if (k <= 0)
			return;
		s += k;
		n -= (size_t)k;
	}
}

/* Only write and _exit: the program may stand anywhere, inside curl or stdio. */
static void on_signal(int sig)
{
	if (restore)
		say(restore);
	if (sig == SIGINT)
		say(farewell);
	_exit(128 + sig);
}

void detach_restores(const char *escapes)
{
	restore = escapes;
}

/* From now on Ctrl-C says that the run goes on and ends this program with 130; the run is not touched. */
static void detach_on_interrupt(json_t *run)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal }, old;

	snprintf(farewell, sizeof(farewell), "\nwf: detached; run %s goes on: `wf watch %s` shows it again, `wf cancel %s` ends it\n",
		 run_short(run), run_short(run), run_short(run));
	for (size_t i = 0; i < WF_COUNT(signals); i++) {
		/* What nohup or a script told us to ignore stays ignored. */
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_IGN)
			continue;
		sigaction(signals[i], &sa, NULL);
	}
}

/* ---- following --------------------------------------------------------------------------------------------- */

int follow_deadline(const char *text, int64_t *deadline_ms, struct wf_err *err)
{
	int64_t ms;

	*deadline_ms = 0;
	if (!text)
		return 0;
	/* A plain number is seconds, as in timeout(1). */
	if (*text && text[strspn(text, "0123456789")] == '\0' && strlen(text) < 10) {
		ms = strtoll(text, NULL, 10) * 1000;
	} else if (wdf_time_parse(text, &ms, err) < 0) {
		err->code = WF_USAGE;
		return wf_err_wrap(err, "'--timeout'");
	}
	*deadline_ms = wf_os_mono_ms(wf_os_posix()) + ms;
	if (!*deadline_ms)
		*deadline_ms = 1;
	return 0;
}

static int passed(const struct follow *f)
{
	return f->deadline_ms && wf_os_mono_ms(wf_os_posix()) >= f->deadline_ms;
}

/* Until somebody serves again. */
static int wait_for_engine(const struct follow *f, struct wf_err *err)
{
	struct wf_os *os = wf_os_posix();
	const char *dir = client_state_dir(f->client);
	int64_t since = wf_os_mono_ms(os);

	while (!client_reaches(f->client)) {
		struct owner owner;
		enum owner_is is = where_owner(dir, &owner);
		int64_t gone = wf_os_mono_ms(os) - since;

		if (passed(f))
			return wf_errf(err, WF_STILL, "the engine has not come back yet");
		if (is == OWNER_ELSEWHERE)
			return wf_errf(err, WF_UNREACHABLE, "the engine of '%s' now runs on host '%s'; watch the run there", dir,
				       owner.host);
		if (is == OWNER_DEAD && gone >= DEAD_MS)
			return engine_start(dir, err);
		if (is == OWNER_NONE && gone >= STOPPED_MS)
			return wf_errf(err, WF_UNREACHABLE, "the engine was stopped; `wf engine start` lets the run go on");
		poll(NULL, 0, BACK_MS);
	}
	return 0;
}

json_t *follow_run(struct follow *f, struct wf_err *err)
{
	struct wf_buf url = { 0 };
	json_t *run = NULL, *now;
	char *id = NULL;
	int64_t rev = -1;
	int lost = 0;

	for (;;) {
		int64_t wait = f->poll_s ? f->poll_s : POLL_S;

		if (f->deadline_ms) {
			int64_t left = (f->deadline_ms - wf_os_mono_ms(wf_os_posix()) + 999) / 1000;

			wait = left < 0 ? 0 : left < wait ? left : wait;
		}
		/* The name may come to mean another run while we wait: after the first answer its id is asked for. */
		url_path(&url, "runs", id ? id : f->run, NULL);
		if (rev >= 0) {
			/* Who only wants the end need not hear of each step towards it. */
			if (f->on_change)
				url_number(&url, "rev", rev);
			else
				url_query(&url, "until", "end");
			url_number(&url, "wait", wait);
		}
		now = client_get(f->client, &url, err);
		if (!now) {
			if (!client_lost(err) || !id)
				break;
			if (!lost++ && f->on_lost)
				f->on_lost(err, f->arg);
			if (wait_for_engine(f, err) < 0)
				break;
			continue;
		}
		if (lost && f->on_back)
			f->on_back(f->arg);
		lost = 0;
		json_decref(run);
		run = now;
		if (!id) {
			id = wf_xstrdup(field_str(run, "id"));
			detach_on_interrupt(run);
			client_only_connect(f->client);
		}
		rev = field_int(run, "rev");
		if ((f->on_change && f->on_change(run, f->arg)) || run_is_ended(run))
			goto out;
		if (passed(f)) {
			struct wf_buf b = { 0 };

			run_sentence(run, &b);
			wf_errf(err, WF_STILL, "%s", wf_buf_cstr(&b));
			wf_buf_release(&b);
			break;
		}
	}
	json_decref(run);
	run = NULL;
out:
	wf_buf_release(&url);
	free(id);
	return run;
}

void follow_hint(struct out *out, json_t *run)
{
	if (out->mode == OUT_HUMAN && strcmp(field_str(run, "state"), "failed") == 0)
		out_say(out, "`wf logs %s --failed` shows what failed tasks printed, `wf retry %s` runs them again", run_short(run),
			run_short(run));
}

/* commands.c - the table of commands, in the order in which `wf help` lists them; and looking up a row. */
#include <stdlib.h>
#include <string.h>

#include "cli/cmd.h"
#include "engine/base/hash.h"

const struct opt common_options[] = {
	{ .name = "json", .help = "print the result as one JSON document" },
	{ .letter = 'q', .name = "quiet", .help = "print ids and names alone" },
	{ .name = "color", .value = "auto|always|never", .help = "colour, over what NO_COLOR and TERM say" },
	{ .letter = 'h', .name = "help", .help = "this text" },
	{ 0 },
};

static const char running[] = "Run and follow";
static const char looking[] = "Look";
static const char steering[] = "Steer";
static const char files[] = "Workflow files";
static const char site[] = "The engine and this host";

const struct cmd commands[] = {
	{ .name = "submit", .operands = "FILE", .group = running, .modes = CMD_JSON | CMD_QUIET,
	  .summary = "run a workflow file", .run = cmd_submit, .options = cmd_submit_options,
	  .about = "Checks the file, hands it to the engine (which is started if none runs) and prints the id of the run. The run goes on "
		   "without this command, this terminal and this login." },
	{ .name = "watch", .operands = "[RUN]", .group = running, .summary = "a live view of a run, until it ends",
	  .run = cmd_watch, .options = cmd_watch_options,
	  .about = "Shows a run (the last one when none is named) as it goes: one line per step, what failed first. Returns 0 if it succeeded, 1 if "
		   "it failed, 9 if it was canceled. Ctrl-C leaves the view; the run goes on. Without a terminal, prints a line when something "
		   "changed, at most every 10 seconds." },
	{ .name = "wait", .operands = "RUN...", .group = running, .modes = CMD_JSON | CMD_QUIET,
	  .summary = "wait until runs have ended", .run = cmd_wait, .options = cmd_wait_options,
	  .about = "Returns 0 if all of them succeeded, 1 if one failed, 9 if one was canceled, 8 if the time is over and one still runs. With --task, "
		   "waits for that task of each and returns 1 if it failed." },

	{ .name = "ls", .operands = "", .group = looking, .modes = CMD_JSON | CMD_QUIET, .summary = "runs, newest first",
	  .run = cmd_ls, .options = cmd_ls_options, .about = "Lists runs, newest first." },
	{ .name = "status", .operands = "[RUN]", .group = looking, .modes = CMD_JSON | CMD_QUIET,
	  .summary = "how a run stands: tasks, steps, services", .run = cmd_status, .options = cmd_status_options,
	  .about = "Shows the state of a run, how many of its tasks are in which state, what needs a person, its steps and its services. Without RUN: "
		   "the runs that have not ended and the last ones that have." },
	{ .name = "tasks", .operands = "RUN", .group = looking, .modes = CMD_JSON | CMD_QUIET,
	  .summary = "the tasks of a run", .run = cmd_tasks, .options = cmd_tasks_options, .about = "Lists the tasks of a run." },
	{ .name = "show", .operands = "RUN TASK", .group = looking, .modes = CMD_JSON,
	  .summary = "one task: command, directory, attempts", .run = cmd_show, .options = cmd_show_options,
	  .about = "Shows what one task executes, where, with which values, and each of its attempts." },
	{ .name = "explain", .operands = "RUN TASK", .group = looking, .modes = CMD_JSON,
	  .summary = "why a task waits, failed or was skipped", .run = cmd_explain, .options = cmd_explain_options,
	  .about = "Says in one sentence why a task is in its state, then what that follows from." },
	{ .name = "logs", .operands = "RUN [TASK]", .group = looking, .summary = "what tasks printed", .run = cmd_logs,
	  .options = cmd_logs_options,
	  .about = "Prints the output of one task, of all tasks of a step, or of the whole run; with more than one task, each after a line that "
		   "names it." },
	{ .name = "events", .operands = "RUN", .group = looking, .modes = CMD_JSON, .summary = "what happened in a run, in order",
	  .run = cmd_events, .options = cmd_events_options,
	  .about = "Lists the committed events of a run. With -f and --json: one JSON document a line." },
	{ .name = "export", .operands = "RUN", .group = looking, .summary = "a run as a trace for other programs",
	  .run = cmd_export, .options = cmd_export_options,
	  .about = "Prints what a run did. As wfformat (WfCommons, 1.6): tasks, edges, files, runtimes and machines. As chrome-trace: a timeline that "
		   "Perfetto (ui.perfetto.dev) and chrome://tracing show." },
	{ .name = "services", .operands = "[RUN]", .group = looking, .modes = CMD_JSON | CMD_QUIET,
	  .summary = "services, their states and endpoints", .run = cmd_services, .options = cmd_services_options,
	  .about = "Lists the services of a run, or those of all runs." },

	{ .name = "cancel", .operands = "RUN...", .group = steering, .modes = CMD_JSON | CMD_QUIET,
	  .summary = "end runs: their tasks and services", .run = cmd_cancel, .options = cmd_cancel_options,
	  .about = "Asks the engine to end every task and service of the runs. Tasks that have ended keep their results." },
	{ .name = "retry", .operands = "RUN", .group = steering, .modes = CMD_JSON | CMD_QUIET,
	  .summary = "run again what failed or did not run", .run = cmd_retry, .options = cmd_retry_options,
	  .about = "Takes a failed or canceled run back to running: tasks that failed, were canceled or were skipped because of that run "
		   "again, tasks that succeeded do not." },
	{ .name = "pause", .operands = "RUN...", .group = steering, .modes = CMD_JSON | CMD_QUIET,
	  .summary = "start no more tasks of runs", .run = cmd_pause, .options = cmd_pause_options,
	  .about = "Tasks that run go on; no other starts until `wf resume`." },
	{ .name = "resume", .operands = "RUN...", .group = steering, .modes = CMD_JSON | CMD_QUIET,
	  .summary = "let paused runs go on", .run = cmd_resume, .options = cmd_resume_options,
	  .about = "Lets paused runs start tasks again." },
	{ .name = "resolve", .operands = "RUN TASK", .group = steering, .modes = CMD_JSON | CMD_QUIET,
	  .summary = "decide about a held task", .run = cmd_resolve, .options = cmd_resolve_options,
	  .about = "A task is held when it is not known how its last attempt ended: it may have run or not. Look at what it left behind, then say what "
		   "is to be taken for true." },
	{ .name = "rm", .operands = "RUN...", .group = steering, .modes = CMD_QUIET, .summary = "forget runs that have ended",
	  .run = cmd_rm, .options = cmd_rm_options,
	  .about = "Removes ended runs: their events, logs and records. Files that tasks wrote in their own directories stay." },

	{ .name = "validate", .operands = "FILE...", .group = files, .modes = CMD_JSON | CMD_QUIET,
	  .summary = "check workflow files", .run = cmd_validate, .options = cmd_validate_options,
	  .about = "Says everything that is wrong in the files: place, line, caret and the nearest valid name. Needs no engine." },
	{ .name = "plan", .operands = "FILE", .group = files, .modes = CMD_JSON, .summary = "what would run, and how long",
	  .run = cmd_plan, .options = cmd_plan_options,
	  .about = "Shows what a file would run: tasks per step and level, the critical path, core-hours, the time on this host, when services "
		   "live, and what this version cannot run yet. Needs no engine." },
	{ .name = "graph", .operands = "FILE|RUN", .group = files, .summary = "the graph of a file or run as a picture's source",
	  .run = cmd_graph, .options = cmd_graph_options,
	  .about = "Prints the graph of steps and services, of a file or of a run (then with states). `wf graph FILE | dot -Tsvg > graph.svg` draws it." },

	{ .name = "import", .operands = "FORMAT FILE", .group = files, .summary = "a trace of another system as a workflow file",
	  .run = cmd_import, .options = cmd_import_options,
	  .about = "FORMAT is wfformat: a trace of WfCommons (WfFormat 1.0 to 1.6). Prints a workflow file with a step for each of its tasks, which "
		   "sleeps as long as the task ran, after the same others, and writes files of the same sizes. Needs no engine." },

	{ .name = "engine status", .operands = "", .group = site, .modes = CMD_JSON, .summary = "whether it runs, where, and its agents",
	  .run = cmd_engine_status, .options = cmd_engine_status_options,
	  .about = "Says whether an engine serves the state directory; starts none. Returns 0 whether it runs or not, 7 if it runs on another "
		   "host or does not answer." },
	{ .name = "engine start", .operands = "", .group = site, .modes = CMD_JSON, .summary = "start it, as other commands do by themselves",
	  .run = cmd_engine_start, .options = cmd_engine_start_options,
	  .about = "Starts the engine of the state directory unless it runs. Commands that need it do so by themselves." },
	{ .name = "engine stop", .operands = "", .group = site, .summary = "stop it; running tasks go on", .run = cmd_engine_stop,
	  .options = cmd_engine_stop_options,
	  .about = "Stops the engine. Tasks that run go on, and the next engine finds them again." },
	{ .name = "engine backup", .operands = "FILE", .group = site, .modes = CMD_JSON, .summary = "a copy of its database",
	  .run = cmd_engine_backup, .options = cmd_engine_backup_options,
	  .about = "Writes a consistent copy of the engine's database to FILE while it works on." },
	{ .name = "engine recover", .operands = "", .group = site, .summary = "rebuild its state from its events",
	  .run = cmd_engine_recover, .options = cmd_engine_recover_options,
	  .about = "With --rebuild: derives all state again from the committed events. The engine must be stopped." },
	{ .name = "config", .operands = "", .group = site, .modes = CMD_JSON, .summary = "each setting and where it comes from",
	  .run = cmd_config, .options = cmd_config_options, .about = "Shows each setting, its value and where it comes from." },
	{ .name = "doctor", .operands = "", .group = site, .modes = CMD_JSON, .summary = "look for what is wrong here",
	  .run = cmd_doctor, .options = cmd_doctor_options,
	  .about = "Looks at the state directory, the engine, its agents, programs that services need and the limits of this host, and says how to mend "
		   "what is wrong. Returns 10 if something fails." },
	{ .name = "help", .operands = "[TOPIC...]", .group = site, .summary = "this, a command, exit-codes, or errors", .run = cmd_help,
	  .options = cmd_help_options,
	  .about = "`wf help COMMAND`, `wf help exit-codes`, `wf help errors`, `wf help errors E0201`." },
	{ .name = "version", .operands = "", .group = site, .modes = CMD_JSON | CMD_QUIET, .summary = "the version of this program",
	  .run = cmd_version, .options = cmd_version_options, .about = "Prints the version of this program." },
	{ .name = "completion", .operands = "SHELL", .group = site, .modes = CMD_HIDDEN, .summary = "the completion script of a shell",
	  .run = cmd_completion, .options = cmd_completion_options,
	  .about = "Prints a completion script; SHELL is bash. `source <(wf completion bash)` uses it in this shell." },
	{ 0 },
};

int cmd_has_common(const struct cmd *cmd, const struct opt *o)
{
	if (strcmp(o->name, "json") == 0)
		return cmd->modes & CMD_JSON;
	if (strcmp(o->name, "quiet") == 0)
		return cmd->modes & CMD_QUIET;
	return 1;
}

/* Rows whose name begins with `word` and a blank: "engine start" has the word "engine". */
static int is_family(const struct cmd *c, const char *word)
{
	size_t n = strlen(word);

	return strncmp(c->name, word, n) == 0 && c->name[n] == ' ';
}

const struct cmd *cmd_find(int argc, char **argv, int *taken, struct wf_err *err)
{
	const char *names[WF_COUNT(commands)], *near;
	size_t n = 0, members = 0;

	for (const struct cmd *c = commands; c->name; c++) {
		*taken = 1;
		if (strcmp(c->name, argv[0]) == 0)
			return c;
		if (!is_family(c, argv[0]))
			continue;
		*taken = 2;
		names[members++] = c->name + strlen(argv[0]) + 1;
		if (argc > 1 && strcmp(names[members - 1], argv[1]) == 0)
			return c;
	}
	if (members) {
		struct wf_buf list = { 0 };

		for (size_t i = 0; i < members; i++)
			wf_buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
		near = argc > 1 ? wf_nearest(argv[1], names, members) : NULL;
		if (near)
			wf_errf(err, WF_USAGE, "unknown command '%s %s'; did you mean '%s %s'?", argv[0], argv[1], argv[0], near);
		else
			wf_errf(err, WF_USAGE, "'wf %s' needs one of %s", argv[0], wf_buf_cstr(&list));
		wf_buf_release(&list);
		return NULL;
	}
	for (const struct cmd *c = commands; c->name; c++)
		if (!(c->modes & CMD_HIDDEN))
			names[n++] = c->name;
	near = wf_nearest(argv[0], names, n);
	if (near)
		wf_errf(err, WF_USAGE, "unknown command '%s'; did you mean '%s'?", argv[0], near);
	else
		wf_errf(err, WF_USAGE, "unknown command '%s'; see `wf help`", argv[0]);
	return NULL;
}

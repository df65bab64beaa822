/* states.c - prints docs/design/001-states-and-events.md from the tables of engine/state, so that the page is never behind them */
#include <stdio.h>
#include <string.h>

#include "engine/state/event.h"
#include "engine/state/sm.h"

static void machine(const struct wf_machine *m)
{
	printf("\n## %s\n\nStates: ", m->name);
	for (int i = 0; i < m->state_count; i++)
		printf("%s`%s`", i ? ", " : "", m->states[i]);
	printf(".\n");
	if (!m->move_count) {
		printf("\nDeclared: nothing moves it yet.\n");
		return;
	}
	printf("\n| from | event | to |\n| --- | --- | --- |\n");
	for (size_t i = 0; i < m->move_count; i++)
		printf("| %s | %s | %s |\n", m->states[m->moves[i].from], wf_event_name(m->moves[i].event),
		       m->moves[i].to == WF_SM_SAME ? "(stays)" : m->states[m->moves[i].to]);
}

static void events(void)
{
	static const char *const subjects[] = { "engine", "run", "instance", "task", "service", "member", "lease" };

	printf("\n## Events\n\nNumbers are stored and never used again. Fields are integers, texts are strings.\n\n"
	       "| number | event | subject | fields | texts |\n| --- | --- | --- | --- | --- |\n");
	for (int i = 0; i < 256; i++) {
		const struct wf_event_info *e = wf_event_info((uint8_t)i);

		if (e)
			printf("| %d | %s | %s | %s | %s |\n", i, e->name, subjects[e->subject], e->fields, e->texts);
	}
}

int main(void)
{
	static const struct wf_machine *const machines[] = { &wf_run_machine,    &wf_task_machine,  &wf_attempt_machine,
							     &wf_service_machine, &wf_member_machine, &wf_lease_machine,
							     &wf_transfer_machine };

	printf("# 001 States and events\n\n"
	       "Printed by `make gen` from the tables in `engine/state`; what each state waits for, and why, stands at the head of its file\n"
	       "there. An event that a table does not allow is a bug if our own code posted it, a recorded stray if an agent answered late or\n"
	       "twice, and damage if it was read from the store.\n");
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++)
		machine(machines[i]);
	events();
	return 0;
}

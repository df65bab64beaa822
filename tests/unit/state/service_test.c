/* Services, members and leases through random events: generations and views never fall, texts are owned, refusals change nothing. */
#include <stdlib.h>
#include <string.h>

#include "engine/state/things.h"
#include "tests/tap/tap.h"

static uint64_t seed = 1;

static uint32_t rnd(uint32_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

static struct wf_event event(uint8_t first, uint8_t last, uint64_t seq, const char *text)
{
	struct wf_event e = { .seq = seq, .at = (int64_t)seq, .kind = (uint8_t)(first + rnd((uint32_t)(last - first + 1))) };

	e.v[0] = rnd(3);
	e.v[1] = 1 + rnd(3);
	if (rnd(2)) {
		e.text[0].p = text;
		e.text[0].n = (uint32_t)strlen(text);
	}
	return e;
}

static void test_services(void)
{
	unsigned bad = 0, changed = 0, taken = 0;

	for (int walk = 0; walk < 200; walk++) {
		struct wf_service s = { 0 };

		for (uint64_t seq = 1; seq < 300; seq++) {
			struct wf_event e = event(WF_E_SERVICE_DECLARED, WF_E_SERVICE_CANCELED, seq, "some reason");
			struct wf_service before = s;

			if (wf_service_update(&s, &e, NULL) < 0) {
				changed += memcmp(&before, &s, sizeof(s)) != 0;
				continue;
			}
			taken++;
			bad += s.generation < before.generation || s.view < before.view || s.seq != seq;
			bad += (e.kind == WF_E_SERVICE_DEMANDED || e.kind == WF_E_SERVICE_RESTARTING) != (s.generation > before.generation);
			bad += s.state == WF_SERVICE_READY && (s.held || s.delay_ms);
			bad += s.state == WF_SERVICE_FAILED && !s.failing;
			bad += s.held && s.state != WF_SERVICE_DEGRADED;
		}
		wf_service_release(&s);
		bad += s.name || s.reason;
	}
	ok(taken > 5000, "%u events taken", taken);
	is_int(bad, 0, "generation and view never fall; ready is not held; what failed was failing");
	is_int(changed, 0, "a refused event changes nothing");
}

static void test_members(void)
{
	unsigned bad = 0, changed = 0, taken = 0;

	for (int walk = 0; walk < 200; walk++) {
		struct wf_member m = { 0 };
		uint64_t number = 0;

		for (uint64_t seq = 1; seq < 300; seq++) {
			struct wf_event e = event(WF_E_MEMBER_REQUESTED, WF_E_MEMBER_GONE, seq, "{\"a\":1}");
			struct wf_member before = m;

			if (e.kind == WF_E_MEMBER_REQUESTED)
				e.v[0] = (int64_t)++number;
			else
				e.v[0] = (int64_t)m.number - (rnd(6) == 0);
			if (wf_member_update(&m, &e, NULL) < 0) {
				changed += memcmp(&before, &m, sizeof(m)) != 0;
				continue;
			}
			taken++;
			bad += e.kind != WF_E_MEMBER_REQUESTED && (uint64_t)e.v[0] != before.number;
			bad += m.state == WF_MEMBER_GONE && m.pid;
			bad += m.state == WF_MEMBER_PENDING && (m.endpoint || m.provides || m.reason || m.pid);
		}
		wf_member_release(&m);
	}
	ok(taken > 5000, "%u events taken", taken);
	is_int(bad, 0, "only the last attempt is heard; a new one begins with nothing");
	is_int(changed, 0, "a refused event changes nothing");
}

static void test_leases(void)
{
	unsigned bad = 0, changed = 0;

	for (int walk = 0; walk < 50; walk++) {
		struct wf_lease l = { 0 };

		for (uint64_t seq = 1; seq < 100; seq++) {
			struct wf_event e = event(WF_E_LEASE_WANTED, WF_E_LEASE_ENDED, seq, "");
			struct wf_lease before = l;

			if (wf_lease_update(&l, &e, NULL) < 0) {
				changed += memcmp(&before, &l, sizeof(l)) != 0;
				continue;
			}
			bad += l.seq != seq || l.state == WF_LEASE_PAUSED || l.state == WF_LEASE_NONE;
		}
	}
	is_int(bad, 0, "leases are wanted, held or ended");
	is_int(changed, 0, "a refused event changes nothing");
}

static void test_tables(void)
{
	static const struct wf_machine *const machines[] = { &wf_run_machine,     &wf_task_machine,   &wf_attempt_machine,  &wf_service_machine,
							     &wf_member_machine, &wf_lease_machine, &wf_transfer_machine };

	for (size_t m = 0; m < WF_COUNT(machines); m++) {
		const struct wf_machine *k = machines[m];
		unsigned twice = 0, outside = 0, nameless = 0;

		for (size_t i = 0; i < k->move_count; i++) {
			outside += k->moves[i].from >= k->state_count || (k->moves[i].to >= k->state_count && k->moves[i].to != WF_SM_SAME);
			nameless += !wf_event_info(k->moves[i].event);
			for (size_t n = 0; n < i; n++)
				twice += k->moves[n].from == k->moves[i].from && k->moves[n].event == k->moves[i].event;
		}
		for (int i = 0; i < k->state_count; i++) {
			nameless += !k->states[i];
			nameless += k->states[i] && wf_sm_state(k, k->states[i]) != i;
		}
		ok(!twice && !outside && !nameless, "%s: %zu entries, each once, between states that have names", k->name, k->move_count);
		is_str(wf_sm_name(k, 200), "unknown", "a state of another build");
		is_int(wf_sm_state(k, "no such state"), -1, "and a name of one");
	}
}

int main(void)
{
	test_services();
	test_members();
	test_leases();
	test_tables();
	return done_testing();
}

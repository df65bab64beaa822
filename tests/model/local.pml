/* local.pml - the promise of the local agent (design.md 5b): one task, its attempts 1 .. A, an engine and an agent that die, a link that breaks
 *
 * The engine posts, commits, lets effects out; a death leaves what was committed. The agent's journal outlives the agent. Messages keep their
 * order while a connection lasts, and are lost with it. Everything that the agent did is a fact, sent until it is acknowledged.
 *
 * Holds: TWICE   at most one attempt of the task is executed at any time
 *        ONCE    an attempt is executed at most once
 *        NEVER   "never heard of" is said only of what never ran, or of what ended and is committed
 *        REVOKED what the engine committed as revoked never ran and never will
 * Reach (must be found): LATE a start comes at or below the mark; AWAY it ended while no engine was there; RESENT a fact is told twice;
 *        REDONE an attempt that never came to the agent is followed by another that runs; ORPHAN an agent dies and the task is run by the next
 * Without (must be seen): NO_MARK the agent ignores its mark; NO_REATTACH starts are sent before what was under way is resolved; EFFECT_FIRST
 *        a start is sent before it is committed; ACK_FIRST facts are acknowledged before they are committed; NO_JOURNAL a process is spawned
 *        before that is written down; NO_SWEEP the next agent leaves alone what the last one left; MARK_FORGOT the mark is not kept with the journal
 *
 * With TRACE it is not explored but followed: each observable step has to be the next one of a trace that the simulator left (trace.h has all
 * of them, one is chosen), and it is told which traces the model allows to their end.
 */
#ifndef A
#define A 2
#endif
#ifndef ENGINE_DEATHS
#define ENGINE_DEATHS 1
#endif
#ifndef AGENT_DEATHS
#define AGENT_DEATHS 1
#endif
#ifndef BREAKS
#define BREAKS 1
#endif
#define REACH(x) assert(REACHED != x)
#define LATE 1
#define AWAY 2
#define RESENT 3
#define REDONE 4
#define ORPHAN 5
#ifndef REACHED
#define REACHED 0
#endif

#if A == 2
#define EACH(X) X(1) X(2)
#elif A == 3
#define EACH(X) X(1) X(2) X(3)
#else
#define EACH(X) X(1) X(2) X(3) X(4) X(5) X(6)
#endif

/* states of an attempt, as the engine has them: engine/state/attempt.c */
#define NONE 0
#define SUBMITTING 1
#define QUEUED 2
#define RUNNING 3
#define UNKNOWN 4
#define ENDED 5
#define REVOKED 6
/* and as the agent has them */
#define NEW 0
#define TAKEN 1
#define RUNS 2
#define OVER 3                          /* ended, lost with an agent, or given back: a fact says which */
#define GONE 4                          /* acknowledged, forgotten */

/* Observable steps, as tests/sim/follow_test.c writes them. */
#define STARTS 1                        /* the engine posted attempt n */
#define BEGINS 2                        /* its process runs */
#define ENDS 3                          /* it has ended, or was given back */
#define LOSES 4                         /* it ended with its agent */
#define ENGINE_DIES 5
#define IS 7                            /* the engine has attempt n in this state: 7 + state */
#ifdef TRACE
#include "trace.h"
short which = 0, at = 0;
#define EV(kind, n) c_expr { steps[now.which][now.at][0] == kind && steps[now.which][now.at][1] == n }
#define NEXT at++; c_code { trace_went(now.which, now.at); };
#define NO_MORE_THAN(x, most) true
#define COUNT(x) skip
#else
#define EV(kind, n) true
#define NEXT
#define NO_MORE_THAN(x, most) (x < most)
#define COUNT(x) x++
#endif

mtype = { start, reattach, ack, accepted, running, ended, unheard, given_back, lost, rejected };
chan down = [4] of { mtype, byte };
chan up = [6] of { mtype, byte };

/* the engine: what it committed, what it has in memory */
byte d_number = 0, d_state = NONE;
byte number = 0, state = NONE;
bool there = true;
byte link = 0;                          /* 0 none, 1 reattaching, 2 ready */
byte to_start = 0, to_ack = 0;          /* effects: after the commit; a cursor is 2 n of running, 2 n + 1 of the end */
byte deaths = 0, breaks = 0;

/* the agent: journal */
byte mark = 0;
byte phase[A + 1];                      /* NEW .. GONE */
byte how[A + 1];                        /* of OVER: the message that tells it */
bool run_acked[A + 1];
/* ... and what it knows of the connection */
bool streaming = false;
bool run_sent[A + 1], end_sent[A + 1], told[A + 1];
byte agent_deaths = 0;
/* the world */
byte executed[A + 1];
byte live = 0;
bool sweeping = false;

/* ---- the connection ------------------------------------------------------------------------------------ */

/* What was under way is lost; but a start may lie in a buffer and be read late. */
byte late = 0, x = 0;
inline hang_up() {
	do
	:: down ? [start(x)] -> down ? start(x); if :: late = x :: skip fi; x = 0
	:: down ? reattach(_)
	:: down ? ack(_)
	:: empty(down) -> break
	od;
	do :: up ? _, _ :: empty(up) -> break od;
	link = 0;
	streaming = false
}

inline rewind() {
	run_sent[1] = false; end_sent[1] = false; run_sent[2] = false; end_sent[2] = false;
#if A > 2
	run_sent[3] = false; end_sent[3] = false;
#endif
#if A > 3
	run_sent[4] = false; end_sent[4] = false; run_sent[5] = false; end_sent[5] = false; run_sent[6] = false; end_sent[6] = false
#endif
}

/* ---- the engine ---------------------------------------------------------------------------------------- */

#define UNDER_WAY (state == SUBMITTING || state == QUEUED || state == RUNNING || state == UNKNOWN)
#ifdef TRACE
#define MAY_POST c_expr { steps[now.which][now.at][0] == STARTS && steps[now.which][now.at][1] == now.number + 1 }
#else
#define MAY_POST true
#endif
#define MAY_START (number < A && (state == NONE || state == ENDED || state == REVOKED))

inline answered() { if :: link == 1 && n == number -> link = 2 :: else fi }

inline saw(cursor) { if :: to_ack < cursor -> to_ack = cursor :: else fi }

inline commit() {
	d_number = number;
	d_state = state
}

active proctype engine() {
	byte n;
	do
	/* connect: what is believed under way is asked for, before anything is started */
	:: atomic { there && link == 0 && !sweeping ->
#ifdef NO_REATTACH
		link = 2; down ! reattach(0)
#else
		if
		:: UNDER_WAY -> link = 1; down ! reattach(number)
		:: else -> link = 2; down ! reattach(0)
		fi
#endif
		}
#ifdef NO_REATTACH
	/* whatever has no answer is started anew */
	:: atomic { there && link == 2 && number < A && UNDER_WAY && to_start == 0 && deaths > 0 -> number++; state = SUBMITTING; to_start = number }
#endif
	:: atomic { there && link == 2 && MAY_START && to_start == 0 && MAY_POST -> NEXT
		number++; state = SUBMITTING; to_start = number;
#ifdef EFFECT_FIRST
		if :: len(down) < 4 -> down ! start(number); to_start = 0 :: else fi
#endif
		}
	/* commit, then effects: a start goes out while its attempt is as it was, or not at all */
	:: atomic { there && (d_number != number || d_state != state || to_start || to_ack) && len(down) < 4 ->
		commit();
		if
		:: to_start != 0 && to_start == number && state == SUBMITTING && link == 2 -> down ! start(number)
		/* what cannot be put into words never reaches an agent */
		:: to_start != 0 && to_start == number && state == SUBMITTING && link == 2 -> state = ENDED
		:: else
		fi;
		to_start = 0;
		if
		:: to_ack && link != 0 && len(down) < 4 -> down ! ack(to_ack)
		:: else
		fi;
		to_ack = 0 }
	/* what the agent says */
	:: atomic { there && link != 0 && up ? [accepted(n)] ->
		up ? accepted(n);
		if :: n == number && (state == SUBMITTING || state == UNKNOWN) -> state = QUEUED :: else fi;
		answered(); n = 0 }
	:: atomic { there && link != 0 && up ? [running(n)] ->
		up ? running(n);
		if :: n == number && (state == SUBMITTING || state == QUEUED || state == UNKNOWN) -> state = RUNNING :: else fi;
		saw(2 * n);
#ifdef ACK_FIRST
		if :: len(down) < 4 -> down ! ack(2 * n); to_ack = 0 :: else fi;
#endif
		answered(); n = 0 }
	:: atomic { there && link != 0 && (up ? [ended(n)] || up ? [lost(n)]) ->
		if :: up ? ended(n) :: up ? lost(n) fi;
		if
		:: n == number && UNDER_WAY -> state = ENDED
		:: else -> REACH(RESENT)
		fi;
		saw(2 * n + 1);
#ifdef ACK_FIRST
		if :: len(down) < 4 -> down ! ack(2 * n + 1); to_ack = 0 :: else fi;
#endif
		answered(); n = 0 }
	:: atomic { there && link != 0 && up ? [unheard(n)] ->
		up ? unheard(n);
		if
		:: n == number && (state == SUBMITTING || state == QUEUED || state == UNKNOWN) -> state = REVOKED
		:: n == number && state == RUNNING -> state = UNKNOWN
		:: else
		fi;
		answered(); n = 0 }
	:: atomic { there && link != 0 && up ? [given_back(n)] ->
		up ? given_back(n);
		if
		:: n == number && (state == SUBMITTING || state == QUEUED || state == UNKNOWN) -> state = REVOKED
		:: else
		fi;
		saw(2 * n + 1);
		answered(); n = 0 }
	:: atomic { there && link != 0 && up ? [rejected(n)] ->
		up ? rejected(n);
		if :: n == number && state == SUBMITTING -> state = ENDED :: else fi;
		answered(); n = 0 }
	/* death, and what the next one reads */
	:: atomic { there && NO_MORE_THAN(deaths, ENGINE_DEATHS) && EV(ENGINE_DIES, 0) -> NEXT
		COUNT(deaths);
		there = false; hang_up(); rewind(); to_start = 0; to_ack = 0; number = d_number; state = d_state }
	:: atomic { !there -> there = true }
	:: atomic { link != 0 && NO_MORE_THAN(breaks, BREAKS) -> COUNT(breaks); hang_up(); rewind() }
#ifdef TRACE
	/* a person has it tried again */
	:: atomic { there && (state == ENDED || state == REVOKED) -> state = NONE }
	:: atomic { there && c_expr { steps[now.which][now.at][0] == IS + now.state && steps[now.which][now.at][1] == now.number } -> NEXT skip }
#endif
	od
}

/* ---- the agent ----------------------------------------------------------------------------------------- */

#define COMES(i) (down ? [start(i)] || late == i)
#define RECEIVE(i) if :: late == i -> late = 0 :: down ? start(i) fi;
#define ANSWER(m, i) if :: link != 0 && len(up) < 6 -> up ! m(i) :: else fi
#define TAKES_OR_NOT(i) \
	:: atomic { !sweeping && COMES(i) && len(up) < 6 && i <= mark && MARKS -> \
		RECEIVE(i) ANSWER(rejected, i); REACH(LATE) } \
	:: atomic { !sweeping && COMES(i) && len(up) < 6 && !(i <= mark && MARKS) -> \
		RECEIVE(i) if :: mark < i -> mark = i :: else fi; \
		phase[i] = TAKEN; ANSWER(accepted, i) } \
	:: atomic { !sweeping && COMES(i) && len(up) < 6 && !(i <= mark && MARKS) -> /* full, or about to end */ \
		RECEIVE(i) if :: mark = i :: skip fi; ANSWER(rejected, i) }
#ifdef NO_MARK
#define MARKS false
#else
#define MARKS true
#endif

#define LIVES(i) \
	:: atomic { !sweeping && phase[i] == TAKEN && EV(BEGINS, i) -> NEXT \
		phase[i] = RUNS; live++; executed[i]++; \
		assert(live <= 1);                      /* TWICE */ \
		assert(executed[i] <= 1);               /* ONCE */ \
		assert(!(d_number == i && d_state == REVOKED)); /* REVOKED */ \
		if :: i > 1 && executed[i - 1] == 0 -> REACH(REDONE) :: i > 1 && how[i - 1] == lost -> REACH(ORPHAN) :: else fi } \
	:: atomic { !sweeping && phase[i] == RUNS && EV(ENDS, i) -> NEXT phase[i] = OVER; how[i] = ended; live--; \
		if :: !there -> REACH(AWAY) :: else fi } \
	:: atomic { !sweeping && phase[i] == TAKEN && EV(ENDS, i) -> NEXT phase[i] = OVER; how[i] = ended } \
	:: atomic { !sweeping && phase[i] == TAKEN && EV(ENDS, i) -> NEXT phase[i] = OVER; how[i] = given_back }

/* Facts in the order of their cursors, until they are acknowledged; not before everything that was asked for is answered. */
#define FIRST(i) (i == 1 || phase[i - 1] == NEW || phase[i - 1] == GONE || end_sent[i - 1])
#define TELLS(i) \
	:: atomic { streaming && FIRST(i) && len(up) < 6 && executed[i] && !run_acked[i] && !run_sent[i] && (phase[i] == RUNS || phase[i] == OVER) -> \
		run_sent[i] = true; up ! running(i) } \
	:: atomic { streaming && FIRST(i) && len(up) < 6 && phase[i] == OVER && !end_sent[i] && (run_sent[i] || run_acked[i] || !executed[i]) -> \
		end_sent[i] = true; if :: how[i] == ended -> up ! ended(i) :: how[i] == lost -> up ! lost(i) :: else -> up ! given_back(i) fi }

#define IS_ASKED(i) \
	:: atomic { !sweeping && down ? [reattach(i)] && len(up) < 6 -> \
		down ? reattach(i); \
		KEEP_MARK(i) \
		if \
		:: phase[i] == NEW || phase[i] == GONE -> \
			assert(executed[i] == 0 || d_number > i || (d_number == i && (d_state == ENDED || d_state == REVOKED))); /* NEVER */ \
			up ! unheard(i) \
		:: phase[i] == TAKEN -> up ! accepted(i) \
		:: phase[i] == RUNS && run_acked[i] -> up ! running(i) \
		:: else \
		fi; \
		streaming = true }
#define KEEP_MARK(i) if :: mark < i -> mark = i :: else fi;

#define IS_ACKED(i) \
	if :: c >= 2 * i -> run_acked[i] = true :: else fi; \
	if :: c >= 2 * i + 1 && phase[i] == OVER && end_sent[i] -> phase[i] = GONE :: else fi;

/* Its processes die with it, or are found and killed by the next, before that one serves anybody. */
#ifdef NO_JOURNAL
#define KEEPS(i) phase[i] = NEW; if :: mark == i -> mark = i - 1 :: else fi
#else
#define KEEPS(i) phase[i] = OVER; how[i] = lost
#endif
#ifdef NO_SWEEP
#define KILLS(i) skip
#else
#define KILLS(i) live--
#endif
#define IS_NONE_OR_LOST(i) ((phase[i] != RUNS && phase[i] != TAKEN) || EV(LOSES, i)) &&
#define IS_LEFT(i) \
	if \
	:: phase[i] == RUNS -> NEXT KILLS(i); KEEPS(i) \
	:: phase[i] == TAKEN -> NEXT KEEPS(i) \
	:: else \
	fi;

active proctype agent() {
	byte c;
	do
	EACH(TAKES_OR_NOT)
	EACH(LIVES)
	EACH(TELLS)
	EACH(IS_ASKED)
	:: atomic { !sweeping && down ? [reattach(0)] -> down ? reattach(0); streaming = true }
	:: atomic { !sweeping && down ? [ack(c)] -> down ? ack(c); EACH(IS_ACKED) c = 0 }
	:: atomic { !sweeping && NO_MORE_THAN(agent_deaths, AGENT_DEATHS) -> COUNT(agent_deaths);
		sweeping = true; hang_up(); rewind() }
	:: atomic { sweeping && (EACH(IS_NONE_OR_LOST) true) ->
		EACH(IS_LEFT)
#ifdef MARK_FORGOT
		mark = 0;
#endif
		sweeping = false }
	od
}

#ifdef TRACE
init {
	do
	:: atomic { at == 0 && c_expr { now.which < traces - 1 } -> which++ }
	:: break
	od
}
#endif

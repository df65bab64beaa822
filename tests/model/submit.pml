/* submit.pml - submission with claims (design.md 5): one task, a controller that forgets, nodes that are cut off, an engine that dies
 *
 * Attempts 0 .. A-1, each a submission of its own. The controller accepts late, loses answers, forgets what it acknowledged, even while it
 * runs; a node may crash under a job, or be cut off from controller and file system and come back. That a cut off node's job has ended
 * when L has passed without a beat is heartbeat.pml's; here `lapse` cannot come before it.
 *
 * Holds: TWICE   at most one attempt of the task is executed at any time
 *        ONCE    the command of an attempt is started at most once
 *        GONE    an attempt that was revoked never runs
 * Reach (must be found): LATE a late job meets a claim that was revoked; SPOOL a late job wins a claim that was removed and finds no spool file;
 *        ADOPT an engine that died finds its submission by the token; FORGOT a job that was acknowledged and forgotten is started as another attempt;
 *        ENDED two attempts ran, one after the other; CUT the first was cut off and ended by itself; HEALED it came back in time and succeeded
 *        although the controller had given it up
 * Without (must be seen): NO_CLAIM jobs and engine do not claim; NO_INTENT it is submitted before that is committed; NO_LAPSE the controller's verdict is
 *        enough for a new attempt; NO_SPOOL a job does not look for its spool file; CLAIM_FIRST claims are removed before spool files;
 *        REVOKES the engine overwrites a claim instead of losing to it; REQUEUE the controller may start a job again
 * Holds even with DOUBT, a question that was not answered taken for "not there": the claim alone is enough
 */
#ifndef A
#define A 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef FORGETS
#define FORGETS 1
#endif
#ifndef FAILS
#define FAILS 1
#endif
#ifndef CUTS
#define CUTS 1
#endif
#define REACH(x) assert(REACHED != x)
#define LATE 1
#define SPOOL 2
#define ADOPT 3
#define FORGOT 4
#define ENDED 5
#define CUT 6
#define HEALED 7
#ifndef REACHED
#define REACHED 0
#endif

mtype = { none, job, revoked, ready, submitting, submitted, done, given_up };

/* what the engine committed */
mtype db = ready;
byte att = 0;
/* the file system */
mtype claim[A] = none;
bool spool[A], record[A];
/* the controller */
bool wire[A], queue[A], verdict[A];     /* under way to it, known to it, "its node failed" */
bool down = false;                      /* the controller does not answer */
bool replied[A];
/* the nodes */
bool runs[A], cut[A], lapse[A], crashed[A];
byte started[A];
bool claimed[A];                        /* a job is between its claim and its command */
byte live = 0, deaths = 0, forgets = 0, fails = 0, cuts = 0;
bool forgotten[A], ended_cut = false;
bool over[A];                           /* a job of it came too late, or ended with its node */

#if A == 2
#define EACH(X) X(0) X(1)
#else
#define EACH(X) X(0) X(1) X(2)
#endif

/* What a rule that is left out leaves behind. */
#ifdef NO_CLAIM
#define WINS(i) true
#define LOSES(i) false
#else
#ifdef REQUEUE
#define WINS(i) (claim[i] == none || claim[i] == job)   /* it takes the claim for its own, from before */
#else
#define WINS(i) (claim[i] == none)
#endif
#define LOSES(i) !WINS(i)
#endif
#ifdef NO_SPOOL
#define HAS_SPOOL(i) true
#else
#define HAS_SPOOL(i) spool[i]
#endif
#ifdef NO_LAPSE
#define LAPSED(i) true
#else
#define LAPSED(i) lapse[i]
#endif
#ifdef DOUBT
#define ANSWERS true
#else
#define ANSWERS !down
#endif

/* ---- the controller ---- */

#define ACCEPTS(i) \
	:: d_step { wire[i] -> wire[i] = false; queue[i] = true } \
	:: d_step { queue[i] && !replied[i] -> replied[i] = true }
#define FORGETS_IT(i) \
	:: d_step { queue[i] && forgets < FORGETS -> queue[i] = false; forgets++; forgotten[i] = true }
#define GIVES_UP(i) \
	:: d_step { queue[i] && runs[i] && cut[i] -> verdict[i] = true; queue[i] = false }
#define AGAIN(i) \
	:: d_step { verdict[i] && !queue[i] && !record[i] -> queue[i] = true; verdict[i] = false; over[i] = false }

active proctype controller() {
	do
	EACH(ACCEPTS)
	EACH(FORGETS_IT)
	EACH(GIVES_UP)
#ifdef REQUEUE
	EACH(AGAIN)
#endif
	:: down = !down
	:: db == done || db == given_up -> break
	od
}

/* ---- the nodes: wf-task claims, opens its spool file, runs the command ---- */

#define MAY_START(i) ((queue[i] || forgotten[i]) && !runs[i] && !claimed[i] && !record[i] && !over[i])
#define CLAIMS(i) \
	:: atomic { MAY_START(i) && WINS(i) -> claim[i] = job; claimed[i] = true } \
	:: atomic { MAY_START(i) && LOSES(i) -> queue[i] = false; forgotten[i] = false; over[i] = true; \
		if :: claim[i] == revoked -> REACH(LATE) :: else fi }
#define STARTS(i) \
	:: atomic { claimed[i] && HAS_SPOOL(i) -> \
		claimed[i] = false; forgotten[i] = false; runs[i] = true; started[i]++; live++; \
		assert(claim[i] != revoked);    /* GONE */ \
		assert(live <= 1);              /* TWICE */ \
		assert(started[i] <= 1)         /* ONCE */ } \
	:: atomic { claimed[i] && !HAS_SPOOL(i) -> \
		claimed[i] = false; queue[i] = false; forgotten[i] = false; over[i] = true; REACH(SPOOL) }
/* It ends, with a record; a node that is cut off cannot write one, and ends it by itself before L has passed. */
#define ENDS(i) \
	:: atomic { runs[i] && !cut[i] -> runs[i] = false; live--; record[i] = true; queue[i] = false; \
		if :: verdict[i] -> REACH(HEALED) :: else fi } \
	:: d_step { runs[i] && cut[i] -> runs[i] = false; live--; over[i] = true; ended_cut = true } \
	:: d_step { verdict[i] && !runs[i] && !lapse[i] -> lapse[i] = true }
#define FAILS_IT(i) \
	:: d_step { runs[i] && fails < FAILS -> fails++; runs[i] = false; live--; over[i] = true; queue[i] = false; verdict[i] = true } \
	:: d_step { runs[i] && !cut[i] && cuts < CUTS -> cut[i] = true; cuts++ } \
	:: d_step { runs[i] && cut[i] -> cut[i] = false }

active proctype nodes() {
	do
	EACH(CLAIMS)
	EACH(STARTS)
	EACH(ENDS)
	EACH(FAILS_IT)
	:: db == done || db == given_up -> break
	od
}

/* ---- the engine ---- */

#define DIE if :: deaths < DEATHS -> deaths++; goto boot :: skip fi

inline next_attempt() {
	d_step {
		if
		:: att < A - 1 -> att++; db = ready
		:: else -> db = given_up
		fi
	}
}

/* What is resolved is cleaned up: the spool file first, the claim later. */
#ifdef CLAIM_FIRST
#define CLEANS(i) \
	:: d_step { i < att && spool[i] && claim[i] == revoked -> claim[i] = none }
#else
#define CLEANS(i) \
	:: d_step { i < att && spool[i] -> spool[i] = false } \
	:: d_step { i < att && !spool[i] && claim[i] == revoked -> claim[i] = none }
#endif

active proctype engine() {
boot:	do
	:: db == done || db == given_up -> break
	:: db == ready ->
#ifdef NO_INTENT
		/* A token that was not committed is forgotten with the engine: the next one is another. */
		d_step { spool[att] = true; wire[att] = true };
		if
		:: deaths < DEATHS && att < A - 1 -> deaths++; att++; goto boot
		:: db = submitting
		fi
#else
		db = submitting; DIE;
		spool[att] = true; DIE;
		wire[att] = true; DIE;
		if
		:: replied[att] -> db = submitted
		:: skip
		fi
#endif
		; DIE
	:: db == submitting || db == submitted ->
		/* evidence, best first */
		if
		:: atomic { record[att] ->
			if :: att > 0 && started[att - 1] > 0 -> REACH(ENDED) :: else fi;
			db = done }
		:: atomic { !record[att] && verdict[att] && LAPSED(att) ->
			if :: ended_cut -> REACH(CUT) :: else fi;
			next_attempt() }
		:: atomic { !record[att] && queue[att] && !down && db == submitting ->
			if :: deaths > 0 -> REACH(ADOPT) :: else fi;
			db = submitted }
		/* not there, and the controller answered: try to revoke; the look and the claim are two steps */
		:: !record[att] && !verdict[att] && ANSWERS &&
#ifdef DOUBT
			true
#else
			!queue[att]
#endif
			-> DIE;
			if
#ifdef NO_CLAIM
			:: next_attempt()
#else
#ifdef REVOKES
			:: claim[att] = revoked; DIE; next_attempt()
#else
			:: atomic { claim[att] == none -> claim[att] = revoked;
				if :: forgotten[att] -> REACH(FORGOT) :: else fi }; DIE; next_attempt()
			:: claim[att] == revoked -> next_attempt()
			:: claim[att] == job            /* it ran or runs: wait for its record, or a verdict */
#endif
#endif
			fi
		fi; DIE
	EACH(CLEANS)
	od
}

/* heartbeat.pml - the rule of design.md 5.7, in discrete time: a node that is cut off ends its task before anybody starts it again
 *
 * One task; the node it runs on may be cut off from the file system and come back, crash, and be called failed by the controller whether
 * it is or not. It writes a heartbeat every BEAT ticks and kills the task when no write was acknowledged for L/2. The engine reads
 * the file through a cache that may be CACHE ticks old, dies and comes back, and starts a new attempt when the controller has given the node up and the
 * content has not changed for L ticks of its own monotonic clock; or at once when the node is proven down. A tick of the world does not pass before
 * whoever has something to do in it has done it; the node's clock may run slower than the engine's, one tick in SLOW missed.
 *
 * Holds: TWICE  no new attempt starts while the old one runs
 * Reach (must be found): ENDS a node that is cut off ends its task itself, and a new attempt follows; SURVIVES it comes back in time, and its beat is seen
 *        again after the controller had given it up; PROVEN a crash is proven and no time passes; RESTARTED an engine that came back counts anew
 * Without (must be seen): NO_KILL the node does not end its task; LATE_KILL it waits for L; EARLY the engine waits for L/2 only;
 *        KEEP_AGE an engine that comes back counts on from a wall clock that may jump; ANY_WRITE a write counts although it was not acknowledged;
 *        VERDICT the controller's word is proof; OWN_CLOCK the age is the difference between two hosts' clocks
 */
#ifndef L
#define L 8
#endif
#define HALF (L / 2)
#define BEAT 1
#ifndef CACHE
#define CACHE 2
#endif
#ifndef SLOW
#define SLOW 4                          /* the node's clock misses one tick in so many */
#endif
#ifndef CUTS
#define CUTS 2
#endif
#ifndef RESTARTS
#define RESTARTS 1
#endif
#define REACH(x) assert(REACHED != x)
#define ENDS 1
#define SURVIVES 2
#define PROVEN 3
#define RESTARTED 4
#ifndef REACHED
#define REACHED 0
#endif

/* the node */
bool running = true, up = true, cut = false, ended_itself = false;
byte quiet = 0;                        /* its own ticks since a write was acknowledged */
byte missed = 0;
/* the file, as the server has it and as it was: what a cache may still show */
#define COUNTS (CACHE + 2)              /* of beats that can be told apart */
byte beat = 0;
byte old[CACHE + 1];
byte lag = 0;                           /* how old what is read may be: a cache does not go back */
/* the controller */
bool given_up = false;
/* the engine */
bool there = true, began = false;
byte last = 0, age = 0, seen;
byte cuts = 0, restarts = 0;
bool counted_anew = false, was_doubted = false;

inline node_ticks() {
	if
	:: !up || !running
	:: else ->
		/* Its clock: every tick, but one in SLOW may be missed. */
		if
		:: missed == 0 -> missed = SLOW
		:: true -> if :: missed > 0 -> missed-- :: else fi;
			quiet++;
			if
			:: !cut -> beat = (beat + 1) % COUNTS; quiet = 0;
				if :: was_doubted && given_up -> REACH(SURVIVES) :: else fi
#ifdef ANY_WRITE
			:: cut -> quiet = 0
#else
			:: cut
#endif
			fi;
			if
#ifdef NO_KILL
			:: false
#else
#ifdef LATE_KILL
			:: quiet >= L -> running = false; ended_itself = true
#else
			:: quiet >= HALF -> running = false; ended_itself = true
#endif
#endif
			:: else
			fi
		fi
	fi
}

inline engine_ticks() {
	if
	:: !there || began
	:: else ->
		/* What is read may be as old as the cache. */
		if
		:: lag < CACHE -> lag++
		:: lag = 0
		:: skip
		fi;
		seen = (lag == 0 -> beat : old[lag - 1]);
		if
		:: seen != last -> last = seen; age = 0
		:: else -> if :: age < L + 1 -> age++ :: else fi
		fi;
#ifdef OWN_CLOCK
		/* The time written in the file, by a clock that may be off by L. */
		if :: age < L -> age = L :: skip fi;
#endif
		if :: cut && given_up -> was_doubted = true :: else fi;
		if
		:: given_up && !up -> began = true; assert(!running);
			if :: age < L -> REACH(PROVEN) :: else fi
#ifdef VERDICT
		:: given_up -> began = true; assert(!running)
#endif
#ifdef EARLY
		:: given_up && age >= HALF -> began = true; assert(!running)
#endif
		:: given_up && age >= L -> began = true; assert(!running);
			if :: ended_itself -> REACH(ENDS) :: else fi;
			if :: counted_anew && ended_itself -> REACH(RESTARTED) :: else fi
		:: else
		fi;
		seen = 0
	fi
}

inline shift() {
	byte k = CACHE;
	do
	:: k > 0 -> old[k] = old[k - 1]; k--
	:: else -> break
	od;
	old[0] = beat
}

init {
	do
	:: atomic { !began ->
		/* what happens in this tick, in any order with what each does */
		if
		:: !cut && cuts < CUTS -> cut = true; cuts++
		:: cut -> cut = false
		:: skip
		fi;
		if
		:: up && running && cuts > 0 -> up = false; running = false
		:: skip
		fi;
		if
		:: !given_up && (cut || !up) -> given_up = true
		:: skip
		fi;
		if
		:: there && restarts < RESTARTS -> there = false; restarts++
		:: !there -> there = true;
#ifdef KEEP_AGE
			age = L;
#else
			age = 0; last = beat; counted_anew = true
#endif
		:: skip
		fi;
		if
		:: true -> node_ticks(); engine_ticks()
		:: true -> engine_ticks(); node_ticks()
		fi;
		shift() }
	:: else -> break
	od
}

/* takeover.pml - who owns the state directory (docs/design/007): engines on three hosts, one file system, no lock between hosts
 *
 * An engine on host A (with SECOND another that starts where the first died), takers on B and C. Each may sleep between any two steps for any time (a
 * process that is not chosen sleeps) and be killed at any step, KILLS times. Commands are asked, committed, answered; reads are answered from memory.
 * The names of the steps are those of engine/core/owner.c and takeover.c.
 *
 * Holds: LOSE   nothing acknowledged is missing where an engine serves, nor in what is read after it
 *        WRITE  a database that is open in a process that lives is written by nobody else
 * Reach (must be found): WAKES an old engine commits, looks, and ends without an answer; AGAIN a taker was killed and another came to the end;
 *        HIDES an engine that slept publishes over a newer one; THIRD a takeover of one that had taken over and served
 * Without (must be seen): NO_REREAD the owner file is not read before an answer; NO_LOOK nobody looks for newer epochs after publishing;
 *        COPY_FIRST the copy is made before the fence; IN_PLACE the taker opens the files where they are; BY_NAME whoever `owner` names is
 *        followed, whatever the epochs say; SOURCE_FIRST what is to be copied is decided before the fence; NO_WHOLE a copy counts before it is one
 */
#ifndef KILLS
#define KILLS 1
#endif
#ifndef COMMANDS
#define COMMANDS 1
#endif
#define EPOCHS 6
#define ENGINES 4
#define REACH(x) assert(REACHED != x)
#define WAKES 1
#define AGAIN 2
#define HIDES 3
#define THIRD 4
#ifndef REACHED
#define REACHED 0
#endif

/* the file system */
byte newest = 0;                        /* epochs/N won: 1 .. newest */
byte who[EPOCHS], data[EPOCHS], from[EPOCHS];
bool whole[EPOCHS];                     /* epochs/N/wf.db is there: its copy is complete and verified */
byte owner = 0;                         /* the epoch that the file `owner` names */
byte db[EPOCHS];                        /* what is committed in each database; 0: the state directory's own */
byte lock[EPOCHS];                      /* of a data directory: engine + 1 */

/* the world */
byte acked = 0, asked = 0, kills = 0;
bool dead[ENGINES], open[ENGINES], torn[ENGINES];
byte at[ENGINES];

#define HOST(e) ((e) < 2 -> 0 : (e) - 1)
#define ALIVE !dead[me]
#define STEP(x) atomic { ALIVE -> x }
#define GONE(e) (HOST(e) == HOST(me) && dead[e])
#define OTHER(e) ((e) != me && !dead[e] && open[e] && at[e] == d)

inline leave() {
	d_step {
		dead[me] = true;
		last = 0; mine = 0; d = 0; s = 0; source = 0; copy = 0; mem = 0; c = 0; seen = 0; tries = 0; over = false; lost = false;
		open[me] = false;
		byte k = 0;
		do
		:: k < EPOCHS -> if :: lock[k] == me + 1 -> lock[k] = 0 :: else fi; k++
		:: else -> break
		od;
		k = 0
	}
}

inline check() {
#ifndef NO_REREAD
	STEP(if
	:: owner == mine
	:: else -> goto out
	fi)
#else
	skip
#endif
}

/* Which database is the newest that is complete, back from the one that is followed. */
inline decide_source() {
	STEP(s = last;
	do
	:: from[s] != 0 && !whole[s] -> s = from[s]
	:: else -> break
	od;
	source = data[s]);
}

inline take_copy() {
	STEP(copy = db[source]);
#ifdef NO_WHOLE
	STEP(whole[mine] = true);
#endif
	STEP(db[data[mine]] = copy);
	STEP(whole[mine] = true);
}

proctype engine(byte me; bool takes) {
	byte last, mine, d, s, source, copy, mem, c, seen, tries;
	bool over, lost;

	{
	skip;
again:
	STEP(
#ifdef BY_NAME
		last = owner
#else
		last = newest
#endif
	);
	tries++;
	atomic { ALIVE ->
		if
		:: last == 0 -> over = false; d = 0
		:: last != 0 && GONE(who[last]) && (from[last] == 0 || whole[last]) -> over = false; d = data[last]
		:: last != 0 && !(GONE(who[last]) && (from[last] == 0 || whole[last])) && takes -> over = true
		:: else -> goto out
		fi;
		/* In place: the lock is held by whoever has the files open on this host, and by one that is about to. */
		if
		:: !over && lock[d] == 0 -> lock[d] = me + 1
		:: !over && lock[d] != 0 && lock[d] != me + 1 -> goto out
		:: else
		fi
	};
#ifdef COPY_FIRST
	if :: over -> decide_source(); STEP(copy = db[source]) :: else fi;
#endif
#ifdef SOURCE_FIRST
	if :: over -> decide_source() :: else fi;
#endif
	/* win_epoch: one rename; only who follows the newest wins */
	atomic { ALIVE ->
		if
#ifndef BY_NAME
		:: newest != last && tries < 3 -> if :: !over && lock[d] == me + 1 -> lock[d] = 0 :: else fi; goto again
		:: newest != last && tries >= 3 -> goto out
#endif
		:: newest >= EPOCHS - 1 -> goto out
		:: else ->
			newest++;
			mine = newest;
			who[mine] = me;
			if
#ifndef IN_PLACE
			:: over -> data[mine] = mine; from[mine] = last
#else
			:: over -> data[mine] = data[last]; from[mine] = 0
#endif
			:: else -> data[mine] = d; from[mine] = 0
			fi
		fi
	};
	/* publish */
	STEP(lost = (owner > mine); owner = mine);
	if :: lost -> REACH(HIDES) :: else fi;
#ifndef NO_LOOK
	STEP(if
	:: newest > mine -> goto out
	:: else
	fi);
#endif
	if
	:: over ->
		/* The wait of a lease is any sleep. */
#ifndef IN_PLACE
#ifndef COPY_FIRST
#ifndef SOURCE_FIRST
		decide_source();
#endif
		take_copy();
#else
		STEP(db[data[mine]] = copy; whole[mine] = true);
#endif
		check()
#endif
	:: else
	fi;
	atomic { ALIVE ->
		d = data[mine];
		open[me] = true;
		at[me] = d;
		mem = db[d];
		assert(!OTHER(0) && !OTHER(1) && !OTHER(2) && !OTHER(3));       /* WRITE */
		if
		:: over && kills > 0 && from[last] != 0 && !whole[last] -> REACH(AGAIN)
		:: over && from[last] != 0 && whole[last] && acked != 0 -> REACH(THIRD)
		:: else
		fi
	};
	/* what it serves from the moment it is the owner, and looked */
	check();
	STEP(if
	:: owner == mine -> assert((mem & acked) == acked)                      /* LOSE */
	:: else
	fi);
	do
	:: atomic { ALIVE && asked < COMMANDS -> c = 1 << asked; asked++ };
		STEP(
			assert(!OTHER(0) && !OTHER(1) && !OTHER(2) && !OTHER(3));   /* WRITE */
			db[d] = db[d] | c;
			mem = mem | c);
		STEP(if
		:: owner != mine && newest > mine && whole[newest] -> REACH(WAKES)
		:: else
		fi);
		check();
		STEP(acked = acked | c)
	:: STEP(seen = acked);
		check();
		STEP(assert((mem & seen) == seen))                              /* LOSE */
	:: STEP(goto out)
	od
	} unless { dead[me] };
out:	leave()
}

proctype killer() {
	byte e;
	do
	:: atomic { kills < KILLS ->
		if :: e = 0 :: e = 1 :: e = 2 :: e = 3 fi;
		if
		:: !dead[e] ->
			kills++;
			dead[e] = true;
			open[e] = false;
			byte k = 0;
			do
			:: k < EPOCHS -> if :: lock[k] == e + 1 -> lock[k] = 0 :: else fi; k++
			:: else -> break
			od;
			k = 0
		:: else
		fi;
		e = 0 }
	:: else -> break
	od
}

init {
	atomic {
		run engine(0, false);
#ifdef SECOND
		run engine(1, false);
#endif
		run engine(2, true);
#ifndef ONE_TAKER
		run engine(3, true);
#endif
		run killer()
	}
}

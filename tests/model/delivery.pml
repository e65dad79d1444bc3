/*
 * How events move in Redis (docs/protocol.md), for two workers and two events with one hook each:
 * what the scripts of worker/scripts do, in every order, with workers that crash at every step and
 * start again, replies that are lost, commands that arrive late, workers that stand still, and
 * leases that run out under a slow one. scripts/model checks that
 *
 *   1. at every step each event is in one place, and one only: unread, pending, waiting, dead, or
 *      done, which only an answer of 2xx makes it;
 *   2. in the end each event is done or dead.
 *
 * A script is one step, as in Redis. So are a POST and the settling of what it came to, which
 * nobody knows in between, unless the settling is sent again or left behind by a crash. So are a
 * crash and the next start: to all others a worker that has not done anything yet is none. There is
 * no time. What may run out may do so at any moment; under a worker that lives, as one of the
 * FAULTS. These bound what goes wrong, so that every run ends.
 *
 * MUTANT is one deliberate mistake; scripts/model expects an error with each of them.
 */
#ifndef FAULTS
#define FAULTS 2
#endif
#ifndef MUTANT
#define MUTANT NONE
#endif
#define NONE 0
#define ACK_ON_READ 1    /* an entry is acknowledged when it is read */
#define ACK_THEN_STORE 2 /* acknowledged by one script, its outcome stored by a second */
#define STORE_THEN_ACK 3 /* the other way round */
#define NO_OWNER 4       /* settle_entries does not ask whom the entry is pending for, if anybody */
#define NO_FENCE 5       /* settle_retries the same about the record */
#define CLAIM_TAKES 6    /* claim_retries removes the record instead of leasing it */
#define REAP_REMOVES 7   /* reap removes a consumer that has pending entries */
#define NO_REAP 8        /* nobody takes over from a dead worker */
#define NO_ADOPTION 9    /* a worker does not look at what is pending for it */
#define NO_LEASE_END 10  /* the lease of a record does not run out */
#define NO_LEADER_END 11 /* that of the leader does not */

#ifndef EVENTS
#define EVENTS 2
#endif
#define WORKERS 2

/* Consumers are 1 and 2, the workers as they live now. What is left of one that crashed has the
 * name DEAD, whichever it was: Redis may do here what it would not do for another dead one. */
#define NOBODY 0
#define DEAD 3

/* Where an entry is. Astray: in the stream, but neither unread nor pending. */
mtype = {unread, pending, astray, gone};

/* What a worker has of an entry or of a leased record: nothing, a POST under way, or an outcome
 * that it sends again. Parted: the entry becomes a leased record, and the POST goes on. */
mtype = {nothing, posting, delivered, retry, dead, parted};

typedef event {
    mtype place = unread;
    byte owner;     /* whom it is pending for */
    bool waits;     /* it has a record */
    byte fence;     /* of the record; 0: nobody's, and due */
    bool attempted; /* says the record */
    bool letter;
    bool done
};

typedef work {
    mtype entry = nothing;
    byte parting; /* the fence it gets when it is parted */
    mtype record = nothing;
    byte fence
};

/* What was sent on a connection that is gone: Redis may still come to it. */
typedef settlement {
    mtype outcome = nothing;
    bool of_record;
    byte sender;
    byte fence
};

event ev[2];
work at[4];
settlement late[2];
bool silent[WORKERS + 1]; /* its heartbeat is gone although it lives */
byte leader = 1;
byte faults = FAULTS;

/* --- the scripts --- */

inline acknowledge(e)
{
    ev[e].place = gone;
    ev[e].owner = NOBODY
}

inline drop_record(e)
{
    ev[e].waits = false;
    ev[e].fence = 0;
    ev[e].attempted = false
}

inline store(e, what, token)
{
    assert(!ev[e].letter && !ev[e].done);
    if
    :: what == delivered -> ev[e].done = true
    :: what == dead -> ev[e].letter = true
    :: what == retry -> ev[e].waits = true; ev[e].fence = 0; ev[e].attempted = true
    :: what == parted -> ev[e].waits = true; ev[e].fence = token
    fi
}

/* acknowledge.lua for what was delivered, which needs no owner; else settle_entries.lua */
inline settle_entry(e, who, what, token)
{
    if
    :: (ev[e].place == pending && (ev[e].owner == who || what == delivered)) ||
       (MUTANT == NO_OWNER && what != delivered) ->
        store(e, what, token);
        acknowledge(e)
    :: else
    fi
}

/* settle_retries.lua */
inline settle_record(e, token, what)
{
    if
    :: (ev[e].waits && ev[e].fence == token) || MUTANT == NO_FENCE || MUTANT == CLAIM_TAKES ->
        drop_record(e);
        store(e, what, 0)
    :: else
    fi
}

/* --- what comes late --- */

proctype network(byte e)
{
end:
    do
    :: atomic {
        late[e].outcome != nothing ->
        if
        :: late[e].of_record -> settle_record(e, late[e].fence, late[e].outcome)
        :: !late[e].of_record -> settle_entry(e, late[e].sender, late[e].outcome, late[e].fence)
        :: true /* it never comes */
        fi;
        late[e].outcome = nothing;
        late[e].of_record = false;
        late[e].sender = NOBODY;
        late[e].fence = 0
    }
    od
}

/* --- a worker --- */

#define me (w + 1)
#define mine at[w * 2 + e]
#define is_next(e) (ev[e].place == unread && (e == 0 || ev[0].place != unread))
#define holds(v, e) (at[v * 2 + e].record != nothing && \
                     at[v * 2 + e].fence == ev[e].fence)
#define is_held(e) (holds(0, e) || holds(1, e))

/* A fence is never used twice: a new one is none that anybody has. */
#define knows(v, n) (at[v * 2 + e].fence == n || at[v * 2 + e].parting == n)
#define is_used(n) (ev[e].fence == n || late[e].fence == n || knows(0, n) || knows(1, n))

inline new_fence(e, token)
{
    if
    :: !is_used(1) -> token = 1
    :: is_used(1) && !is_used(2) -> token = 2
    :: is_used(1) && is_used(2) && !is_used(3) -> token = 3
    :: is_used(1) && is_used(2) && is_used(3) && !is_used(4) -> token = 4
    :: else -> assert(!is_used(5)); token = 5
    fi
}

inline end_post_of_entry(e)
{
    if
    :: mine.entry == posting ->
        if
        :: mine.entry = delivered
        :: mine.entry = retry
        :: mine.entry = dead
        :: mine.entry = parted; new_fence(e, mine.parting)
        fi
    :: else
    fi
}

inline end_post_of_record(e)
{
    if
    :: mine.record == posting ->
        if
        :: mine.record = delivered
        :: !ev[e].attempted -> mine.record = retry
        :: mine.record = dead
        fi
    :: else
    fi
}

inline forget(e)
{
    mine.record = nothing;
    mine.fence = 0
}

/* Sent, but nobody waits for the reply any more. */
inline send_entry_late(e)
{
    end_post_of_entry(e);
    late[e].outcome = mine.entry;
    late[e].sender = me;
    late[e].fence = mine.parting
}

inline send_record_late(e)
{
    end_post_of_record(e);
    late[e].outcome = mine.record;
    late[e].of_record = true;
    late[e].fence = mine.fence
}

/* Pending for somebody without a heartbeat. */
#define is_left(e) (ev[e].place == pending && (ev[e].owner == DEAD || silent[ev[e].owner]))

proctype works(byte w; byte e)
{
end:
    do
    /* XREADGROUP; its reply may be lost */
    :: atomic {
        is_next(e) ->
        if
        :: mine.entry = posting
        :: faults > 0 -> faults--
        fi;
        ev[e].place = (MUTANT == ACK_ON_READ -> gone : pending);
        ev[e].owner = me
    }
    /* adopt.lua, after a connect or a take-over */
    :: d_step {
        ev[e].place == pending && ev[e].owner == me && mine.entry == nothing &&
            MUTANT != NO_ADOPTION ->
        mine.entry = posting
    }
    :: atomic {
        mine.entry != nothing ->
        end_post_of_entry(e);
        settle_entry(e, me, mine.entry, mine.parting);
        if
        :: mine.entry == parted && mine.record == nothing ->
            mine.record = posting;
            mine.fence = mine.parting
        :: else
        fi;
        mine.entry = nothing;
        mine.parting = 0
    }
    :: atomic {
        mine.entry != nothing && late[e].outcome == nothing && faults > 0 ->
        faults--;
        send_entry_late(e)
    }
#if MUTANT == ACK_THEN_STORE
    :: atomic {
        mine.entry == posting && ev[e].place == pending && ev[e].owner == me ->
        acknowledge(e)
    };
    store(e, retry, 0)
#endif
#if MUTANT == STORE_THEN_ACK
    :: atomic {
        mine.entry == posting && ev[e].place == pending && ev[e].owner == me ->
        store(e, retry, 0)
    };
    acknowledge(e)
#endif
    /* claim_retries.lua; its reply may be lost, and the lease may end under a slow worker */
    :: atomic {
        ev[e].waits &&
            (ev[e].fence == 0 || (MUTANT != NO_LEASE_END && (!is_held(e) || faults > 0))) ->
        faults = (is_held(e) && ev[e].fence != 0 -> faults - 1 : faults);
        new_fence(e, mine.fence);
        ev[e].fence = mine.fence;
        if
        :: mine.record = posting
        :: faults > 0 -> faults--; forget(e)
        fi;
        ev[e].waits = (MUTANT != CLAIM_TAKES)
    }
    :: atomic {
        mine.record != nothing ->
        end_post_of_record(e);
        settle_record(e, mine.fence, mine.record);
        forget(e)
    }
    :: atomic {
        mine.record != nothing && late[e].outcome == nothing && faults > 0 ->
        faults--;
        send_record_late(e)
    }
    /* reap.lua */
    :: d_step {
        leader == me && is_left(e) && ev[e].owner != me && MUTANT != NO_REAP ->
        ev[e].owner = (MUTANT == REAP_REMOVES -> NOBODY : me);
        ev[e].place = (MUTANT == REAP_REMOVES -> astray : pending)
    }
    od
}

inline crash_at(e)
{
    if
    :: mine.entry != nothing && late[e].outcome == nothing -> send_entry_late(e)
    :: mine.record != nothing && late[e].outcome == nothing -> send_record_late(e)
    :: is_next(e) -> ev[e].place = pending; ev[e].owner = me /* read by the connection it left */
    :: true
    fi;
    late[e].sender = (late[e].sender == me -> DEAD : late[e].sender);
    ev[e].owner = (ev[e].owner == me -> DEAD : ev[e].owner);
    mine.entry = nothing;
    mine.parting = 0;
    forget(e)
}

proctype lives(byte w)
{
end:
    do
    :: atomic {
        faults > 0 ->
        faults--;
        crash_at(0);
        crash_at(1);
        silent[me] = false;
        leader = (leader != me -> leader : (MUTANT == NO_LEADER_END -> DEAD : NOBODY))
    }
    /* it stands still, and its heartbeat and its lease of the leader run out; then goes on */
    :: d_step {
        faults > 0 && !silent[me] ->
        faults--;
        silent[me] = true;
        leader = (leader == me -> NOBODY : leader)
    }
    /* heartbeat.lua */
    :: d_step {
        silent[me] ->
        silent[me] = false
    }
    :: d_step {
        !silent[me] && leader == NOBODY ->
        leader = me
    }
    od
}

/* --- what must hold --- */

#define places(e) ((ev[e].place == unread || ev[e].place == pending) + ev[e].waits + \
                   ev[e].letter + ev[e].done)
#define settled(e) (ev[e].letter || ev[e].done)

active proctype judge()
{
end:
    places(0) != 1 || places(1) != 1 -> assert(false)
}

ltl in_the_end { <> (settled(0) && settled(1)) }

init
{
    atomic {
#if EVENTS == 1
        ev[1].place = gone;
        ev[1].done = true;
#endif
        run works(0, 0); run works(0, 1); run works(1, 0); run works(1, 1);
        run lives(0); run lives(1);
        run network(0); run network(1)
    }
}

/*
 * How events leave the stream (docs/protocol.md), for two workers and two events with one hook
 * each: what acknowledge, reclaim_own, heartbeat, leave, open_queue, reclaim_dead, settle_leased,
 * settle_stream and reclaim_stuck of worker/scripts do, in every order, with workers that crash at
 * every step and start again, replies that are lost, commands that arrive late, workers that are
 * stalled until they are considered dead, and a group that is deleted. scripts/model checks that
 *
 *   1. at every step each event is in one place, and one only: unread, pending, in its lane, dead,
 *      or done, which only an answer of 2xx makes it;
 *   2. every run ends, and where it ends each event is done or dead.
 *
 * A lane is one place here, from which a delivery is sent or buried; how that goes is in lanes.pml.
 * But deliveries that settle_stream leases, because their attempts go on, are here.
 *
 * A script is one step, as in Redis. So are a POST and the settling of its outcome, which is not
 * known elsewhere in between, unless the settling is sent again or left behind by a crash. So are a
 * crash and the next start: a worker that has not done anything yet is none to the other. There is
 * no time. What may run out may do so at any moment; under a worker that lives, as one of the
 * FAULTS. These bound what goes wrong.
 *
 * MUTANT is one deliberate mistake; scripts/model expects an error with each of them.
 */
#ifndef FAULTS
#define FAULTS 2
#endif
#ifndef EVENTS
#define EVENTS 2
#endif
#ifndef MUTANT
#define MUTANT NONE
#endif
#define NONE 0
#define ACK_ON_READ 1    /* an entry is acknowledged when it is read */
#define ACK_THEN_STORE 2 /* acknowledged by one script, its outcome stored by a second */
#define STORE_THEN_ACK 3 /* the other way round */
#define ACK_FOR_ALL 4    /* acknowledge is given an entry of which something waits */
#define ACK_NOT_OURS 5   /* settle_stream acknowledges what it leaves alone */
#define ACK_STAYS 6      /* what is acknowledged is not deleted */
#define NO_OWNER 7       /* settle_stream does not ask whether the entry is the worker's */
#define NO_FENCE 8       /* settle_leased does not ask for the fence */
#define NO_LEASE_END 9   /* what settle_stream leased has no place in its lane */
#define NO_RECLAIM 10   /* a worker does not look at what is pending for it */
#define NO_RECLAIM_DEAD 11       /* what is pending for a dead worker is not taken over */
#define RECLAIM_REMOVES 12  /* reclaim_dead removes a consumer that has pending entries */
#define LEAVE_REMOVES 13 /* leave does so */
#define NO_BEAT_END 14   /* the heartbeat of a dead worker does not run out */
#define NO_LEADER_END 15 /* the lease of the leader does not */
#define GROUP_AT_END 16  /* open_queue has the group begin at $ */

/* Consumers are 1 and 2, the workers as they live now. What is left of one that crashed or left has
 * the name DEAD, whichever it was: Redis may do here what it would not do for another dead one. */
#define NOBODY 0
#define DEAD 3

/* Where an entry is. Astray: in the stream, but neither unread nor pending. */
mtype = {unread, pending, astray, gone};

/* What a worker has of an entry: nothing, a POST under way, or an outcome. Waiting: it goes into
 * its lane, for its turn, for a retry, or because the worker gives it back. Leased: so does it, but
 * its POST goes on. A message is an outcome, or reclaim_dead.lua. */
mtype = {nothing, posting, delivered, waiting, leased, dead, reclaiming};

typedef event {
    mtype place = unread;
    byte owner; /* the consumer it is pending for */
    bool waits; /* it is in its lane */
    byte fence; /* of its lease there; 0: it has none */
    bool letter;
    bool done
};

typedef work {
    mtype entry = nothing;
    byte fence; /* the one that a leased entry is to get */
    byte lease  /* the fence of a delivery of which the POST goes on; 0: there is none */
};

/* What was sent on a connection that is gone: Redis may still come to it. */
typedef message {
    mtype kind = nothing;
    bool is_leased; /* the outcome of a delivery that settle_stream leased */
    byte sender;
    byte fence
};

event ev[2];
work at[4];
message late[2];
bool silent[2]; /* its heartbeat is gone although it lives */
byte leader = 1;
byte faults = FAULTS;

/* --- the scripts --- */

inline remove_entry(e)
{
    ev[e].place = (MUTANT == ACK_STAYS -> astray : gone);
    ev[e].owner = NOBODY
}

inline store(e, what, token)
{
    assert(!ev[e].letter && !ev[e].done && !ev[e].waits);
    if
    :: what == delivered -> ev[e].done = true
    :: what == dead -> ev[e].letter = true
    :: what == waiting -> ev[e].waits = true
    :: what == leased -> ev[e].waits = true; ev[e].fence = token
    fi
}

/* acknowledge.lua, which needs no owner. One that is unread has to be removed too: it was read
 * before, of a group that was deleted. */
inline acknowledge(e, what)
{
    if
    :: ev[e].place == pending || ev[e].place == unread ->
        remove_entry(e);
        ev[e].done = (what == delivered)
    :: else
    fi
}

inline settle_stream(e, who, what, token)
{
    if
    :: (ev[e].place == pending && ev[e].owner == who) || MUTANT == NO_OWNER ->
        store(e, what, token);
        remove_entry(e)
    :: else ->
        if
        :: MUTANT == ACK_NOT_OURS && ev[e].place == pending -> remove_entry(e)
        :: else
        fi
    fi
}

inline settle_entry(e, who, what, token)
{
    if
    :: what == delivered || (MUTANT == ACK_FOR_ALL && what == waiting) -> acknowledge(e, what)
    :: else -> settle_stream(e, who, what, token)
    fi
}

inline settle_leased(e, token, what)
{
    if
    :: (ev[e].waits && ev[e].fence == token) || MUTANT == NO_FENCE ->
        ev[e].waits = false;
        ev[e].fence = 0;
        store(e, what, 0)
    :: else
    fi
}

/* Pending for a consumer without a heartbeat. */
#define is_left(e) (ev[e].place == pending && \
                    ((ev[e].owner == DEAD && MUTANT != NO_BEAT_END) || \
                     (ev[e].owner == 1 && silent[0]) || (ev[e].owner == 2 && silent[1])))

/* reclaim_dead.lua, reclaim_stuck.lua */
inline take_over(e, who)
{
    ev[e].owner = (MUTANT == RECLAIM_REMOVES -> NOBODY : who);
    ev[e].place = (MUTANT == RECLAIM_REMOVES -> astray : pending)
}

/* --- what comes late --- */

proctype network(byte e)
{
end:
    do
    :: atomic {
        late[e].kind != nothing ->
        if
        :: true /* it never comes */
        :: late[e].kind == reclaiming ->
            if
            :: is_left(e) && ev[e].owner != late[e].sender -> take_over(e, late[e].sender)
            :: else
            fi
        :: late[e].is_leased -> settle_leased(e, late[e].fence, late[e].kind)
        :: late[e].kind != reclaiming && !late[e].is_leased ->
            settle_entry(e, late[e].sender, late[e].kind, late[e].fence)
        fi;
        late[e].kind = nothing;
        late[e].is_leased = false;
        late[e].sender = NOBODY;
        late[e].fence = 0
    }
    od
}

/* --- a worker --- */

#define me (w + 1)
#define mine at[w * 2 + e]
#define is_next(e) (ev[e].place == unread && (e == 0 || ev[0].place != unread))

/* A fence is never used twice: a new one is none that anybody has. */
#define knows(v, n) (at[v * 2 + e].fence == n || at[v * 2 + e].lease == n)
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

inline end_post(e)
{
    if
    :: mine.entry == posting ->
        if
        :: mine.entry = delivered
        :: mine.entry = waiting
        :: mine.entry = dead
        :: mine.entry = leased; new_fence(e, mine.fence)
        fi
    :: else
    fi
}

inline send_late(e, outcome, of_leased, token)
{
    late[e].kind = outcome;
    late[e].is_leased = of_leased;
    late[e].sender = me;
    late[e].fence = token
}

inline send_leased_late(e)
{
    if
    :: send_late(e, delivered, true, mine.lease)
    :: send_late(e, waiting, true, mine.lease)
    :: send_late(e, dead, true, mine.lease)
    fi
}

proctype works(byte w; byte e)
{
end:
    do
    /* XREADGROUP, of which the reply may be lost. The worker may have the entry already: it is
     * unread again when the group was deleted. */
    :: atomic {
        is_next(e) ->
        if
        :: mine.entry != nothing
        :: mine.entry == nothing -> mine.entry = posting
        :: mine.entry == nothing && faults > 0 -> faults--
        fi;
        ev[e].place = (MUTANT == ACK_ON_READ -> gone : pending);
        ev[e].owner = me
    }
    /* reclaim_own.lua, after a connect or a take-over, and once a minute */
    :: d_step {
        ev[e].place == pending && ev[e].owner == me && mine.entry == nothing &&
            MUTANT != NO_RECLAIM ->
        mine.entry = posting
    }
    /* An entry that was leased, also if that was dropped, leaves the worker a lease. */
    :: atomic {
        mine.entry != nothing ->
        end_post(e);
        settle_entry(e, me, mine.entry, mine.fence);
        mine.lease = (mine.entry == leased && mine.lease == 0 -> mine.fence : mine.lease);
        mine.entry = nothing;
        mine.fence = 0
    }
    :: atomic {
        mine.entry != nothing && late[e].kind == nothing && faults > 0 ->
        faults--;
        end_post(e);
        send_late(e, mine.entry, false, mine.fence)
    }
#if MUTANT == ACK_THEN_STORE
    :: d_step {
        mine.entry == posting && ev[e].place == pending && ev[e].owner == me ->
        remove_entry(e)
    };
    store(e, waiting, 0)
#endif
#if MUTANT == STORE_THEN_ACK
    :: d_step {
        mine.entry == posting && ev[e].place == pending && ev[e].owner == me ->
        store(e, waiting, 0)
    };
    remove_entry(e)
#endif
    :: atomic {
        mine.lease != 0 ->
        if
        :: true -> settle_leased(e, mine.lease, delivered)
        :: true -> settle_leased(e, mine.lease, waiting)
        :: true -> settle_leased(e, mine.lease, dead)
        fi;
        mine.lease = 0
    }
    :: atomic {
        mine.lease != 0 && late[e].kind == nothing && faults > 0 ->
        faults--;
        send_leased_late(e)
    }
    /* reclaim_dead.lua, sent as the leader; reclaim_stuck.lua, also from live workers */
    :: d_step {
        leader == me && is_left(e) && ev[e].owner != me && MUTANT != NO_RECLAIM_DEAD ->
        take_over(e, me)
    }
    :: d_step {
        leader == me && late[e].kind == nothing && faults > 0 && MUTANT != NO_RECLAIM_DEAD ->
        faults--;
        send_late(e, reclaiming, false, 0)
    }
    :: d_step {
        leader == me && ev[e].place == pending && ev[e].owner != me && ev[e].owner != DEAD &&
            faults > 0 ->
        faults--;
        take_over(e, me)
    }
    od
}

inline forget(e)
{
    late[e].sender = (late[e].sender == me -> DEAD : late[e].sender);
    ev[e].owner = (ev[e].owner == me -> DEAD : ev[e].owner);
    mine.entry = nothing;
    mine.fence = 0;
    mine.lease = 0
}

/* What it had sent may be done later, or was done as the last thing. */
inline crash_at(e)
{
    if
    :: mine.entry != nothing && late[e].kind == nothing ->
        end_post(e);
        send_late(e, mine.entry, false, mine.fence)
    :: mine.lease != 0 && late[e].kind == nothing -> send_leased_late(e)
    :: leader == me && late[e].kind == nothing && MUTANT != NO_RECLAIM_DEAD ->
        send_late(e, reclaiming, false, 0)
    :: is_next(e) -> ev[e].place = pending; ev[e].owner = me
    :: true
    fi;
    forget(e)
}

/* It stays pending if its outcome could not be stored. */
inline leave_at(e)
{
    if
    :: MUTANT == LEAVE_REMOVES && ev[e].place == pending && ev[e].owner == me ->
        ev[e].place = astray;
        ev[e].owner = NOBODY
    :: else
    fi;
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
        silent[w] = false;
        leader = (leader != me -> leader : (MUTANT == NO_LEADER_END -> DEAD : NOBODY))
    }
    /* leave.lua, as the last thing */
    :: d_step {
        faults > 0 ->
        faults--;
        leave_at(0);
        leave_at(1);
        silent[w] = false;
        leader = (leader == me -> NOBODY : leader)
    }
    /* it stands still, and its heartbeat and its lease of the leader run out; then goes on */
    :: d_step {
        faults > 0 && !silent[w] ->
        faults--;
        silent[w] = true;
        leader = (leader == me -> NOBODY : leader)
    }
    /* heartbeat.lua */
    :: d_step {
        silent[w] ->
        silent[w] = false
    }
    :: d_step {
        !silent[w] && leader == NOBODY ->
        leader = me
    }
    od
}

/* --- what else happens --- */

#define is_held(e) (at[e].lease == ev[e].fence || at[2 + e].lease == ev[e].fence)

/* A delivery in its lane has its turn. A lease may run out under a slow worker. */
proctype lane(byte e)
{
end:
    do
    :: atomic {
        ev[e].waits && (ev[e].fence == 0 ||
                        (MUTANT != NO_LEASE_END && (!is_held(e) || faults > 0))) ->
        faults = (ev[e].fence != 0 && is_held(e) -> faults - 1 : faults);
        ev[e].waits = false;
        ev[e].fence = 0;
        if
        :: ev[e].done = true
        :: ev[e].letter = true
        fi
    }
    od
}

inline lose_group(e)
{
    if
    :: ev[e].place == pending || ev[e].place == astray ->
        ev[e].place = (MUTANT == GROUP_AT_END -> astray : unread);
        ev[e].owner = NOBODY
    :: else
    fi
}

/* The group is deleted, and open_queue.lua makes another, which begins at 0. */
proctype others()
{
end:
    do
    :: d_step {
        faults > 0 ->
        faults--;
        lose_group(0);
        lose_group(1)
    }
    od
}

/* --- what must hold --- */

#define places(e) ((ev[e].place == unread || ev[e].place == pending) + ev[e].waits + \
                   ev[e].letter + ev[e].done)
#define is_over(e) (ev[e].letter || ev[e].done)

proctype judge()
{
end:
    do
    :: places(0) != 1 || places(1) != 1 -> assert(false)
    :: atomic {
        timeout ->
        assert(is_over(0) && is_over(1));
        break
    }
    od
}

init
{
    atomic {
#if EVENTS == 1
        ev[1].place = gone;
        ev[1].done = true;
#endif
        run works(0, 0); run works(0, 1); run works(1, 0); run works(1, 1);
        run lives(0); run lives(1);
        run network(0); run network(1);
        run lane(0); run lane(1);
        run others(); run judge()
    }
}

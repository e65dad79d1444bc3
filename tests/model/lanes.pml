/*
 * How deliveries wait in lanes (docs/protocol.md), for two workers and two deliveries: of two
 * events in one lane (LANES 1), or of one event with a large document in two lanes (LANES 2). It
 * has what the scripts of worker/scripts do to a lane, its score and its gate, to leases, and to
 * the holders of a document, in every order, with workers that crash, replies that are lost,
 * commands that arrive late, leases that run out under a slow worker, and scripts that stop
 * half-way. scripts/model checks that
 *
 *   1. after every script each delivery is in one place: its entry, its record, a dead letter, or
 *      done; each lane that is not empty is in the set of its gate, with a score that is not too
 *      late; and each record has its document;
 *   2. every run ends, and where it ends all is done or dead, and nothing is left behind.
 *
 * A worker that has nothing of a lane in hand finds it only by its score, so that a delivery in a
 * lane that is scored too late, or in no set, would wait for ever.
 *
 * A script is one step, unless it stops half-way. Times count from now, in ticks, so that a score
 * of 0 is due; a tick may come at any moment. What a worker does is bound by FAULTS where it could
 * go on for ever.
 *
 * MUTANT is one deliberate mistake; scripts/model expects an error with each of them.
 */
#ifndef FAULTS
#define FAULTS 2
#endif
#ifndef LANES
#define LANES 1
#endif
#ifndef MUTANT
#define MUTANT NONE
#endif
#define NONE 0
#define APPEND_NO_SCORE 1  /* settle_stream adds to a lane and leaves its score */
#define RETRY_NO_SCORE 2   /* settle_leased does so with a retry */
#define RELEASE_NO_SCORE 3 /* and with a release */
#define RESUME_NO_SCORE 4  /* hook_resume makes a retry due, and leaves the score */
#define FORGET_NO_MOVE 5   /* hook_forget opens the gate, and leaves the lane in lanes-shut */
#define FORGET_NO_SCORE 6  /* and leaves the score */
#define GATE_NO_MOVE 7     /* a gate that opens or shuts does so */
#define CLOSE_NO_SCORE 8   /* a breaker that closes leaves the score */
#define CLAIM_TOO_LATE 9   /* claim scores a lane by what it leased, not by the next head */
#define CLAIM_REMOVES 10   /* claim removes a lane of which all is leased */
#define SETTLE_KEEPS 11    /* what empties a lane leaves it in its set */
#define HOLDER_FIRST 12    /* a holder is removed before its record */
#define LAST_HOLDER 13     /* each holder that is removed takes the document along */
#define NO_HOLDER 14       /* a delivery that is done leaves its holder */
#define NO_FENCE 15        /* settle_leased does not ask for the fence */
#define NO_OWNER 16        /* settle_stream does not ask for the owner */
#define ACK_FIRST 17       /* an entry is acknowledged before its outcome is stored */
#define LOOK_REMOVES 18    /* a look takes a lane out of its set instead of reserving it */
#define PROBE_STAYS 19     /* a probe leaves the gate open for others */
#define NO_LEASE_END 20    /* a lease does not run out */

#define NOBODY 0
#define DEAD 3 /* what is left of a worker that crashed has that name */
#define SOON 1 /* when a retry is due */
#define FAR 2  /* the same; when a lease ends, and when an open gate lets a probe through */
#define NEVER 9

/* What a worker has of an entry or a leased delivery: nothing, a POST under way, or what it came
 * to. */
mtype = {nothing, posting, delivered, retry, dead, released, waiting};

typedef delivery {
    bool record, member, held_document, tried, letter, done;
    byte place; /* its score in the lane */
    byte lease /* the fence; 0: none */
};
typedef stream_entry {
    bool pending;
    byte owner
};
typedef lane {
    bool listed, shut; /* it is in a set, in lanes-shut */
    byte score;
    bool open;   /* the breaker */
    byte gate;   /* when it lets a probe through */
    bool probing /* it did, and the probe is not over */
};
typedef work {
    mtype entry = nothing;
    mtype held = nothing;
    byte fence
};
/* What was sent on a connection that is gone: Redis may still come to it. */
typedef message {
    mtype outcome = nothing;
    byte fence
};

delivery dv[2];
stream_entry en[2];
lane ln[2];
bool document[2];
work at[4];
message late[2];
byte looked[2]; /* per worker: the lane that a look gave, from 1 */
bool torn[2];   /* per delivery: a script stopped half-way and was not sent again yet */
byte faults = FAULTS;

#if LANES == 1
#define lane_of(d) 0
#define event_of(d) d
#define place_in(l) (place(0) < place(1) -> place(0) : place(1))
#define is_last_holder(d) (!dv[d].held_document)
#else
#define lane_of(d) d
#define event_of(d) 0
#define place_in(l) place(l)
#define is_last_holder(d) (!dv[0].held_document && !dv[1].held_document)
#endif
#define place(d) (dv[d].member -> dv[d].place : NEVER)
#define later(a, b) ((a) > (b) -> (a) : (b))
#define due(l) later(place_in(l), ln[l].gate)

/* --- the scripts --- */

inline lower(l, added)
{
    if
    :: !ln[l].listed || later(dv[added].place, ln[l].gate) < ln[l].score ->
        ln[l].listed = true;
        ln[l].score = later(dv[added].place, ln[l].gate);
        ln[l].shut = ln[l].open
    :: else
    fi
}

inline rescore(l)
{
    if
    :: place_in(l) == NEVER ->
        ln[l].listed = false;
        ln[l].shut = false;
        ln[l].score = 0
    :: else ->
        ln[l].listed = true;
        ln[l].shut = ln[l].open;
        ln[l].score = due(l)
    fi
}

inline remove_holder(d)
{
    dv[d].held_document = (MUTANT == NO_HOLDER);
    document[event_of(d)] = !(is_last_holder(d) || MUTANT == LAST_HOLDER) && document[event_of(d)]
}

inline append(d)
{
    dv[d].held_document = true;
    document[event_of(d)] = true;
    dv[d].record = true;
    dv[d].member = true;
    dv[d].place = 0;
    if
    :: MUTANT == APPEND_NO_SCORE && ln[lane_of(d)].listed
    :: else -> lower(lane_of(d), d)
    fi
}

inline acknowledge(e)
{
    en[e].pending = false;
    en[e].owner = NOBODY
}

/* settle_stream.lua, of an event and all its deliveries */
inline settle_stream(e, what)
{
    if
    :: what == delivered -> dv[e].done = true; dv[1].done = dv[1].done || LANES == 2
    :: what == dead -> dv[e].letter = true; dv[1].letter = dv[1].letter || LANES == 2
    :: what == waiting ->
        append(e);
#if LANES == 2
        append(1)
#endif
    fi;
    acknowledge(e);
    torn[e] = false
}

/* settle_leased.lua, its last half: what follows the record */
inline finish(d)
{
    remove_holder(d);
    dv[d].lease = 0;
    if
    :: MUTANT != SETTLE_KEEPS && place_in(lane_of(d)) == NEVER -> rescore(lane_of(d))
    :: else
    fi
}

inline end_record(d, what)
{
    dv[d].done = dv[d].done || what == delivered;
    dv[d].letter = dv[d].letter || what == dead;
    dv[d].member = false;
    dv[d].place = 0;
    dv[d].record = false
}

inline put_back(d, when)
{
    dv[d].lease = 0;
    dv[d].place = when;
    if
    :: (when != 0 && MUTANT == RETRY_NO_SCORE) || (when == 0 && MUTANT == RELEASE_NO_SCORE)
    :: else -> lower(lane_of(d), d)
    fi
}

#define fits(d, token) (dv[d].lease == token || MUTANT == NO_FENCE)

inline settle_leased(d, token, what)
{
    if
    :: fits(d, token) && (what == delivered || what == dead) ->
        if
        :: dv[d].record || MUTANT == NO_FENCE -> end_record(d, what)
        :: else /* it stopped behind that */
        fi;
        finish(d);
        torn[d] = false
    :: fits(d, token) && dv[d].record && what == retry ->
        dv[d].tried = true;
        if
        :: put_back(d, SOON)
        :: put_back(d, FAR)
        fi
    :: fits(d, token) && dv[d].record && what == released -> put_back(d, 0)
    :: else
    fi
}

/* gate.lua */
inline set_gate(l, opens)
{
    ln[l].open = opens;
    ln[l].gate = (opens -> FAR : 0);
    ln[l].probing = false;
    if
    :: MUTANT == GATE_NO_MOVE && ln[l].listed -> ln[l].score = due(l)
    :: MUTANT == CLOSE_NO_SCORE && !opens && ln[l].listed -> ln[l].shut = false
    :: else -> rescore(l)
    fi
}

/* --- what comes late --- */

proctype network(byte d)
{
end:
    do
    :: atomic {
        late[d].outcome != nothing ->
        if
        :: settle_leased(d, late[d].fence, late[d].outcome)
        :: true /* it never comes */
        fi;
        late[d].outcome = nothing;
        late[d].fence = 0
    }
    od
}

/* --- a worker --- */

#define me (w + 1)
#define mine at[w * 2 + d]
#define holds(v) (at[v * 2 + d].held != nothing && at[v * 2 + d].fence == dv[d].lease)

/* A fence is never used twice: a new one is none that anybody has. */
#define is_used(n) \
    (dv[d].lease == n || late[d].fence == n || at[d].fence == n || at[2 + d].fence == n)

inline new_fence(token)
{
    if
    :: !is_used(1) -> token = 1
    :: is_used(1) && !is_used(2) -> token = 2
    :: is_used(1) && is_used(2) && !is_used(3) -> token = 3
    :: else -> assert(!is_used(4)); token = 4
    fi
}

inline end_post(d)
{
    if
    :: mine.held == posting ->
        if
        :: mine.held = delivered
        :: !dv[d].tried -> mine.held = retry
        :: mine.held = dead
        :: faults > 0 -> faults--; mine.held = released
        fi
    :: else
    fi
}

inline forget(d)
{
    mine.held = nothing;
    mine.fence = 0
}

#define is_ready(d) (dv[d].member && dv[d].place == 0 && ln[lane_of(d)].gate == 0)
#define knows_lane (looked[w] == lane_of(d) + 1 || \
                    (LANES == 1 && at[w * 2 + 1 - d].held != nothing))

proctype works(byte w; byte d)
{
end:
    do
    /* an entry is taken over from a dead worker, or one that was silent for long */
    :: d_step {
        en[d].pending && en[d].owner != me && (en[d].owner == DEAD || faults > 0) ->
        faults = (en[d].owner == DEAD -> faults : faults - 1);
        en[d].owner = me
    }
    :: d_step {
        en[d].pending && en[d].owner == me && mine.entry == nothing ->
        mine.entry = posting
    }
    :: atomic {
        mine.entry == posting ->
        if
        :: (en[d].pending && en[d].owner == me) || MUTANT == NO_OWNER ->
            if
            :: settle_stream(d, waiting)
            :: settle_stream(d, delivered)
            :: settle_stream(d, dead)
            fi
        :: else
        fi;
        mine.entry = nothing
    }
    /* it stops half-way, and is sent again unless the worker crashes */
    :: d_step {
        mine.entry == posting && en[d].pending && en[d].owner == me && faults > 0 ->
        faults--;
        torn[d] = true;
        dv[d].held_document = true;
        document[event_of(d)] = true;
        en[d].pending = (MUTANT != ACK_FIRST)
    }
    /* look.lua */
    :: d_step {
        looked[w] == 0 && ln[lane_of(d)].listed && ln[lane_of(d)].score == 0 ->
        looked[w] = lane_of(d) + 1;
        ln[lane_of(d)].score = 1;
        ln[lane_of(d)].listed = (MUTANT != LOOK_REMOVES)
    }
    /* claim.lua; its reply may be lost */
    :: atomic {
        is_ready(d) && knows_lane && mine.held == nothing ->
        assert(document[event_of(d)]);
        looked[w] = (looked[w] == lane_of(d) + 1 -> 0 : looked[w]);
        new_fence(mine.fence);
        dv[d].lease = mine.fence;
        dv[d].place = FAR;
        assert(!ln[lane_of(d)].probing);
        ln[lane_of(d)].probing = ln[lane_of(d)].open;
        ln[lane_of(d)].gate = (ln[lane_of(d)].open && MUTANT != PROBE_STAYS -> FAR : 0);
        if
        :: MUTANT == CLAIM_TOO_LATE -> ln[lane_of(d)].score = FAR
        :: MUTANT == CLAIM_REMOVES && place_in(lane_of(d)) == FAR -> ln[lane_of(d)].listed = false
        :: else -> rescore(lane_of(d))
        fi;
        if
        :: mine.held = posting
        :: faults > 0 -> faults--; forget(d)
        fi
    }
    :: d_step {
        looked[w] == lane_of(d) + 1 && place_in(lane_of(d)) != 0 ->
        looked[w] = 0;
        rescore(lane_of(d))
    }
    :: d_step {
        looked[w] == lane_of(d) + 1 && ln[lane_of(d)].gate != 0 ->
        looked[w] = 0;
        rescore(lane_of(d))
    }
    :: atomic {
        mine.held != nothing ->
        end_post(d);
        settle_leased(d, mine.fence, mine.held);
        if /* what it learnt; another failure while it is open only if it was the probe */
        :: mine.held == delivered && ln[lane_of(d)].open -> set_gate(lane_of(d), false)
        :: mine.held == retry && (ln[lane_of(d)].open || faults > 0) ->
            faults = (ln[lane_of(d)].open -> faults : faults - 1);
            set_gate(lane_of(d), true)
        :: true
        fi;
        forget(d)
    }
    :: atomic {
        mine.held != nothing && late[d].outcome == nothing && faults > 0 ->
        faults--;
        end_post(d);
        late[d].outcome = mine.held;
        late[d].fence = mine.fence
    }
    :: d_step {
        mine.held != nothing && fits(d, mine.fence) && dv[d].record && faults > 0 ->
        faults--;
        torn[d] = true;
        mine.held = (mine.held == posting || mine.held == released -> delivered : mine.held);
        if
        :: MUTANT == HOLDER_FIRST -> remove_holder(d)
        :: mine.held == retry -> mine.held = dead; end_record(d, dead)
        :: else -> end_record(d, mine.held)
        fi
    }
    od
}

#define is_someones(d) ((at[d].held != nothing && at[d].fence == dv[d].lease) || \
                        (at[2 + d].held != nothing && at[2 + d].fence == dv[d].lease))
#define ends_under(d) (dv[d].lease != 0 && dv[d].place == 1 && is_someones(d))
#define down(x) x = (x > 0 -> x - 1 : 0)
#define is_moving (dv[0].place > 0 || dv[1].place > 0 || \
                   (ln[0].listed && ln[0].score > 0) || (ln[1].listed && ln[1].score > 0) || \
                   ln[0].gate > 0 || ln[1].gate > 0)

proctype time()
{
end:
    do
    :: d_step {
        is_moving && (faults > 0 || (!ends_under(0) && !ends_under(1))) &&
            !(MUTANT == NO_LEASE_END && ((dv[0].lease != 0 && dv[0].place == 1) ||
                                         (dv[1].lease != 0 && dv[1].place == 1))) ->
        faults = (ends_under(0) || ends_under(1) -> faults - 1 : faults);
        ln[0].probing = ln[0].probing && ln[0].gate != 1;
        ln[1].probing = ln[1].probing && ln[1].gate != 1;
        down(dv[0].place);
        down(dv[1].place);
        down(ln[0].score);
        down(ln[1].score);
        down(ln[0].gate);
        down(ln[1].gate)
    }
    od
}

inline crash_at(d)
{
    mine.entry = nothing;
    en[d].owner = (en[d].owner == me -> DEAD : en[d].owner);
    forget(d)
}

#define is_retry(d) (dv[d].member && dv[d].lease == 0 && dv[d].place > 0)

/* Crashes; and what others do, an operator and the leader. */
proctype others()
{
    byte w;
    byte d;
end:
    do
    :: atomic {
        faults > 0 ->
        faults--;
        if
        :: w = 0
        :: w = 1
        fi;
        crash_at(0);
        crash_at(1);
        looked[w] = 0;
        w = 0
    }
    /* hook_forget.lua: its lane is looked at now, which may be too early */
    :: atomic {
        faults > 0 ->
        faults--;
        if
        :: d = 0
        :: LANES == 2 -> d = 1
        fi;
        ln[d].open = false;
        ln[d].gate = 0;
        ln[d].probing = false;
        ln[d].shut = (MUTANT == FORGET_NO_MOVE && ln[d].shut);
        ln[d].score = (MUTANT == FORGET_NO_SCORE -> ln[d].score : 0);
        d = 0
    }
    /* hook_resume.lua, of one delivery; the lane may be shut again */
    :: atomic {
        faults > 0 && (is_retry(0) || is_retry(1)) ->
        faults--;
        if
        :: is_retry(0) -> d = 0
        :: is_retry(1) -> d = 1
        fi;
        dv[d].place = 0;
        ln[lane_of(d)].score = (MUTANT == RESUME_NO_SCORE -> ln[lane_of(d)].score : 0);
        d = 0
    }
    /* heal.lua */
    :: d_step {
        (dv[0].held_document && !dv[0].record && !en[event_of(0)].pending && !is_someones(0)) &&
            MUTANT != NO_HOLDER ->
        finish(0);
        torn[0] = false
    }
    :: d_step {
        (dv[1].held_document && !dv[1].record && !en[event_of(1)].pending && !is_someones(1)) &&
            MUTANT != NO_HOLDER ->
        finish(1);
        torn[1] = false
    }
    od
}

/* --- what must hold --- */

#define places(d) (en[event_of(d)].pending + dv[d].record + dv[d].letter + dv[d].done)
#define is_lane_right(l) \
    (place_in(l) == NEVER -> !ln[l].listed : \
     ln[l].listed && ln[l].shut == ln[l].open && ln[l].score <= later(due(l), 1))
#define has_document(d) (!dv[d].record || (document[event_of(d)] && dv[d].held_document))
#define is_right(d) (places(d) == 1 && has_document(d))
#define is_over(d) (dv[d].letter || dv[d].done)

proctype judge()
{
end:
    do
    :: d_step {
        !torn[0] && !torn[1] &&
            !(is_right(0) && is_right(1) && is_lane_right(0) && is_lane_right(LANES - 1)) ->
        assert(false)
    }
    :: atomic {
        timeout ->
        assert(is_over(0) && is_over(1));
        assert(!document[0] && !document[1] && !ln[0].listed && !ln[1].listed);
        assert(dv[0].lease == 0 && dv[1].lease == 0);
        break
    }
    od
}

init
{
    atomic {
        en[0].pending = true;
        en[0].owner = 1;
#if LANES == 1
        en[1].pending = true;
        en[1].owner = 2;
#endif
        run works(0, 0); run works(0, 1); run works(1, 0); run works(1, 1);
        run network(0); run network(1);
        run time(); run others(); run judge()
    }
}

#!/usr/bin/perl
# Enqueues an event with Redis of CPAN, as JSON and as msgpack: cpanm Redis Data::MessagePack
use v5.14;
use utf8;
use warnings;
use Data::MessagePack;
use JSON::PP;
use Redis;
use Time::HiRes qw(sleep);

my $redis = Redis->new;    # $REDIS_SERVER, or 127.0.0.1:6379

# Adds an event. A full Redis has not taken it: the same event, with the same id, is sent again.
sub enqueue {
    my @fields = @_;
    for (my $pause = 0.1;; $pause *= 2) {
        my $id = eval { $redis->xadd('{webhooks}:events', '*', @fields) };
        return $id if defined $id;
        die $@ if $@ !~ /OOM/ || $pause > 0.8;
        sleep $pause;
    }
}

my $event = {
    message => { id => 24006, roomId => '!abc:matrix.org', createdAt => 1667548137257,
                 type => 'text', body => { text => 'Grüße 👋' } },
    fromUser => { displayName => 'Ana' },
};
say enqueue(id => 'msg-24006', json => encode_json($event));
say enqueue(id => 'msg-24007', msgpack => Data::MessagePack->new->utf8->pack($event));

#!/usr/bin/perl
# Receives webhooks as a CGI program of any web server.
use v5.14;
use warnings;
use Digest::SHA qw(hmac_sha256);
use MIME::Base64;

# In constant time: what is compared is not what the sender chose.
sub equal {
    my ($one, $other) = @_;
    open my $random, '<:raw', '/dev/urandom' or die $!;
    read($random, my $key, 32) == 32 or die 'no random bytes';
    return hmac_sha256($one, $key) eq hmac_sha256($other, $key);
}

sub is_signed {
    my ($secret, $id, $time, $signatures, $body) = @_;
    return 0 if $id eq '' || $time !~ /\A[0-9]{1,12}\z/ || abs(time - $time) > 300;
    my $key = decode_base64($secret =~ s/^whsec_//r);
    my $expected = 'v1,' . encode_base64(hmac_sha256("$id.$time.$body", $key), '');
    return scalar grep { equal($_, $expected) } split / /, $signatures;
}

binmode STDIN;
read(STDIN, my $body, $ENV{CONTENT_LENGTH} // 0);
my ($id, $time, $signatures, $password) = map { $ENV{"HTTP_$_"} // '' }
    qw(WEBHOOK_ID WEBHOOK_TIMESTAMP WEBHOOK_SIGNATURE VERIFICATION_SIGNATURE);
my $valid = $ENV{PATH_INFO} eq '/signed'
    ? is_signed($ENV{WEBHOOK_SECRET}, $id, $time, $signatures, $body)
    : $password ne '' && equal($password, $ENV{VERIFICATION_SIGNATURE} // '');
# Store the event here, then answer; act on it later.
print 'Status: ', $valid ? '204 No Content' : '401 Unauthorized', "\r\n\r\n";

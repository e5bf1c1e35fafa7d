-- Hubs that push feeds (WebSub): what was agreed with them, and the documents that they brought and nobody has read yet.

create table subscription (
    id               integer primary key,
    feed_id          integer not null references feed (id),
    hub              text    not null,
    -- The address under which the hub knows the feed, byte for byte.
    topic            text    not null,
    -- Ends the address that the hub calls, and cannot be guessed: who knows it is the hub.
    token            text    not null unique,
    -- That address.
    callback         text    not null,
    -- By which the hub signs what it pushes. Empty: the way to the hub shows everything, so nothing that comes is believed.
    secret           text    not null,
    -- wanted: the hub has not agreed, or its lease is over. active: it pushes until lease_ends_at. denied: it refused.
    -- leaving: no longer wanted.
    state            text    not null default 'wanted',
    -- What the hub was asked and has not confirmed: subscribe, unsubscribe, or nothing. It may confirm that, and nothing else.
    pending          text    not null default '',
    -- NULL: never agreed, or denied.
    lease_ends_at    integer,
    -- When the hub is asked next, to renew the lease for instance.
    next_attempt_at  integer not null,
    -- Requests since it last confirmed one.
    attempts         integer not null default 0,
    -- Until then somebody is asking it.
    leased_until     integer not null default 0,
    -- 1: its last push came, and no poll has found since then what it failed to push.
    trusted          integer not null default 0,
    -- While it is trusted: when the feed would be polled without it.
    unpushed_poll_at integer,
    last_push_at     integer,
    -- Documents that were read; that were not worth it; that gave way to newer ones before anyone read them.
    pushes           integer not null default 0,
    ignored          integer not null default 0,
    dropped          integer not null default 0,
    error            text    not null default ''
) strict;

-- A feed has one subscription, beside those that it is leaving.
create unique index subscription_current on subscription (feed_id) where state <> 'leaving';
create index subscription_feed on subscription (feed_id);
create index subscription_due on subscription (next_attempt_at);
create index subscription_returning on subscription (feed_id) where unpushed_poll_at is not null and state <> 'active';
create index feed_hub on feed (id) where hub_url <> '' and configured = 1;

-- The inbox.
create table push (
    id           integer primary key autoincrement,
    feed_id      integer not null references feed (id),
    received_at  integer not null,
    content_type text    not null,
    -- NULL: not signed. Only that there is something new is taken from it.
    body         blob,
    -- How often somebody began to read it.
    tries        integer not null default 0
) strict;

create index push_feed on push (feed_id, id);

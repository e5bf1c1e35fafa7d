-- Digests: when the next one is due, the editions made, the stories frozen in each, and to whom they go.

create table digest (
    name        text primary key,
    next_due_at integer not null,
    -- The expression and zone that next_due_at came from: another one means another due time.
    schedule    text    not null,
    -- Items up to this one were looked at for an edition that had nothing to say, and was not made.
    seen_item   integer not null default 0
) strict, without rowid;

create table edition (
    id        integer primary key,
    digest    text    not null,
    number    integer not null,
    -- The interval (after_item, upto_item] of arrivals that it covers: it tells the stories that came into its view with them.
    after_item integer not null,
    upto_item  integer not null,
    made_at    integer not null,
    unique (digest, number),
    check (after_item <= upto_item)
) strict;

-- No two editions of a digest begin at one place; those that cover nothing may.
create unique index edition_interval on edition (digest, after_item) where after_item < upto_item;

create table edition_story (
    edition_id integer not null references edition (id),
    position   integer not null,
    story_id   integer not null references story (id),
    primary key (edition_id, position)
) strict, without rowid;

create table delivery (
    id              integer primary key,
    edition_id      integer not null references edition (id),
    recipient       text    not null,
    message_id      text    not null unique,
    state           text    not null default 'pending',
    attempts        integer not null default 0,
    next_attempt_at integer not null,
    leased_until    integer not null default 0,
    sent_at         integer,
    error           text    not null default '',
    unique (edition_id, recipient)
) strict;

create index delivery_waiting on delivery (next_attempt_at) where state = 'pending';

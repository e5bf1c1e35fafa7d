-- The first shape: feeds and their polls, items and their revisions, stories and their places.
-- Instants are milliseconds since 1970 in UTC. Text that may be absent is empty; NULL means "not known" or "never".

create table feed (
    id              integer primary key,
    name            text    not null unique,
    url             text    not null,
    feed_group      text    not null default '',
    -- 1: the configuration names it. 0: it did once; its items stay.
    configured      integer not null default 1,
    -- What its last document says.
    source_id       text    not null default '',
    title           text    not null default '',
    site_link       text    not null default '',
    language        text    not null default '',
    ttl_minutes     integer not null default 0,
    -- Of the last full answer, byte for byte.
    etag            blob,
    last_modified   blob,
    document_hash   blob,
    -- NULL: never again (410 Gone). 0: never polled.
    next_poll_at    integer default 0,
    next_poll_why   text    not null default 'never polled',
    -- Until then somebody is polling it.
    leased_until    integer not null default 0,
    polls           integer not null default 0,
    failures        integer not null default 0,
    last_success_at integer,
    error           text    not null default ''
) strict;

create index feed_due on feed (next_poll_at) where configured = 1;
create index feed_url on feed (url);
create index feed_former on feed (id) where configured = 0;

-- The last polls of each feed: a ring, slot = number of the poll modulo its length.
create table poll (
    feed_id     integer not null references feed (id),
    slot        integer not null,
    started_at  integer not null,
    finished_at integer not null,
    outcome     text    not null,
    status      integer,
    bytes       integer not null,
    new         integer not null,
    updated     integer not null,
    error       text    not null default '',
    -- What of the document was lost or guessed, as JSON: kind, at, count, detail.
    losses      text    not null default '[]',
    primary key (feed_id, slot)
) strict, without rowid;

create table story (
    id             integer primary key,
    -- The place: 1, 2, 3 ... without gaps.
    seq            integer not null unique,
    uid            blob    not null,
    leader_item_id integer not null,
    changed_at     integer not null
) strict;

create table item (
    -- Rises in order of arrival; autoincrement, so that an id never comes twice.
    id             integer primary key autoincrement,
    feed_id        integer not null references feed (id),
    key            blob    not null,
    raw_hash       blob    not null,
    content_hash   blob    not null,
    guid           text    not null,
    link           text    not null,
    canonical_link text    not null,
    title          text    not null,
    language       text    not null,
    details        text    not null,
    published_at   integer,
    updated_at     integer,
    first_seen_at  integer not null,
    revision       integer not null default 0,
    -- NULL: waits for its place.
    story_id       integer references story (id),
    unique (feed_id, key)
) strict;

create index item_waiting on item (id) where story_id is null;
create index item_story on item (story_id, feed_id);
create index item_feed on item (feed_id, story_id);
create index item_canonical_link on item (canonical_link) where canonical_link <> '';

-- Apart from item, so that what compares and counts never reads it.
create table item_text (
    item_id integer primary key references item (id),
    summary text not null,
    content text not null
) strict;

-- What an item said before it was edited.
create table revision (
    item_id    integer not null references item (id),
    revision   integer not null,
    title      text    not null,
    summary    text    not null,
    content    text    not null,
    replaced_at integer not null,
    primary key (item_id, revision)
) strict, without rowid;

create table setting (
    name  text primary key,
    value any not null
) strict, without rowid;

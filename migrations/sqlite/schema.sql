-- What all migrations together make of an empty database: a new one begins here. A test compares both.
-- Instants are milliseconds since 1970 in UTC. Text that may be absent is empty; NULL means "not known" or "never".

create table feed (
    id                  integer primary key,
    name                text    not null unique,
    url                 text    not null,
    feed_group          text    not null default '',
    -- 1: the configuration names it. 0: it did once; its items stay.
    configured          integer not null default 1,
    -- What its last document says.
    source_id           text    not null default '',
    title               text    not null default '',
    site_link           text    not null default '',
    language            text    not null default '',
    ttl_minutes         integer not null default 0,
    -- Of the last full answer, byte for byte.
    etag                blob,
    last_modified       blob,
    document_hash       blob,
    -- NULL: never again (410 Gone). 0: never polled.
    next_poll_at        integer default 0,
    next_poll_why       text    not null default 'never polled',
    polls               integer not null default 0,
    failures            integer not null default 0,
    last_success_at     integer,
    error               text    not null default '',
    -- How documents are read: JSON with time_zone and select; what is absent is not said.
    manner              text    not null default '{}',
    -- The feed that the page at url offers; it is asked instead. Empty: url is a feed itself.
    offered_url         text    not null default '',
    -- Offset from UTC in minutes that its dates last stated; NULL: none did.
    offset_minutes      integer,
    -- Entries of the last document that was believed.
    entries             integer not null default 0,
    -- Polls in a row that brought a document which was not.
    shrunk              integer not null default 0,
    -- RSS skipHours (bit 0: the hour from 00:00 UTC) and skipDays (bit 0: Monday).
    skip_hours          integer not null default 0,
    skip_days           integer not null default 0,
    -- For how long the last answer said that it stays fresh, in seconds (max-age or Expires); 0: it did not.
    fresh_seconds       integer not null default 0,
    -- How long the last answer asked to wait, in seconds (Retry-After); 0: it did not.
    retry_after_seconds integer not null default 0,
    -- When its items come, as ingest/cadence/rhythm writes it; NULL: none ever came.
    rhythm              blob,
    -- How rarely it is polled: the logarithm to base 2 of the last wait in minutes. Feeds of one pace are worked off in order of due times.
    pace                integer not null default 6,
    -- How the last poll failed; empty: it did not.
    failure             text    not null default '',
    -- The first of the polls in a row that failed.
    failing_since       integer,
    -- Over all polls: sent with validators, answered 304, bytes received, items stored.
    conditional_polls   integer not null default 0,
    not_modified_polls  integer not null default 0,
    bytes_received      integer not null default 0,
    items_stored        integer not null default 0,
    -- How it is asked: JSON with credentials (names of files), headers, proxy, certificates, time limit. Empty: like all others.
    access              text    not null default '',
    -- Where permanent redirects lead, since when, and at how many polls the same feed was found there.
    move_url            text    not null default '',
    move_since          integer,
    move_polls          integer not null default 0,
    -- Where it has moved: asked instead of url, which stays as configured.
    moved_url           text    not null default '',
    moved_at            integer,
    -- A move that the operator took back is not made again.
    refused_url         text    not null default '',
    -- A feed found on the site while this one failed, for the operator to decide; and when it was last looked for.
    proposed_url        text    not null default '',
    searched_at         integer,
    -- What the operator should know, though nothing failed.
    notice              text    not null default '',
    -- The hub that pushes it, and under which address (WebSub).
    hub_url             text    not null default '',
    topic_url           text    not null default '',
    -- guid, link, title_and_date or text, as its documents have taught; empty: nothing. What the configuration says stands in manner.
    identity            text    not null default '',
    -- When it was learned.
    identity_since      integer,
    -- Documents in a row that told entries apart by less.
    identity_doubts     integer not null default 0,
    -- Where the validators came from, where redirects led away from the address that is asked; empty: from that address.
    validators_url      text    not null default '',
    -- Requests, redirects followed included. Before they were counted, each poll was taken for one.
    requests            integer not null default 0,
    -- Marks of the newest entries of the last document, and of those pushed since; NULL: not known.
    entry_marks         blob
) strict;
create index feed_url on feed (url);
create index feed_former on feed (id) where configured = 0;
create index feed_moving on feed (move_url) where move_url <> '';
create index feed_refused on feed (refused_url) where refused_url <> '';
create index feed_moved on feed (moved_url) where moved_url <> '';
create index feed_due on feed (pace, next_poll_at) where configured = 1;
create index feed_hub on feed (id) where hub_url <> '' and configured = 1;

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
    failure     text    not null default '',
    primary key (feed_id, slot)
) strict, without rowid;

create table story (
    id             integer primary key,
    -- The place: 1, 2, 3 ... without gaps.
    seq            integer not null unique,
    uid            blob    not null,
    leader_item_id integer not null,
    changed_at     integer not null,
    -- The story that a story has become part of; its place stays taken.
    merged_into    integer
) strict;
create index story_uid on story (uid);

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
    -- The revision with the words that readers were sent last; NULL: those that the item says now.
    sent_revision  integer,
    -- Gets no place before this instant. 0: it is not held.
    held_until     integer not null default 0,
    -- Its number in the order of arrivals, of one that was held: taken from the ids when it got its place, so that no item has it as its
    -- id. NULL: its id is its number.
    arrival        integer,
    unique (feed_id, key)
) strict;
create index item_story on item (story_id, feed_id) where story_id is not null;
create index item_feed on item (feed_id, story_id) where story_id is not null;
create index item_canonical_link on item (canonical_link, feed_id) where canonical_link <> '';
create index item_arrival on item (arrival) where arrival is not null;
create index item_waiting on item (held_until, id) where story_id is null;

-- Apart from item, so that what compares and counts never reads it.
create table item_text (
    item_id integer primary key references item (id),
    summary text    not null,
    content text    not null
) strict;

-- What an item said before it was edited.
create table revision (
    item_id     integer not null references item (id),
    revision    integer not null,
    title       text    not null,
    summary     text    not null,
    content     text    not null,
    replaced_at integer not null,
    -- Hash of its folded words; empty: written before there was one.
    words_hash  blob    not null default x'',
    -- 1: what took its place was sent to readers as updated.
    is_material integer not null default 1,
    primary key (item_id, revision)
) strict, without rowid;

create table setting (
    name  text primary key,
    value any  not null
) strict, without rowid;

create table digest (
    name        text    primary key,
    next_due_at integer not null,
    -- The expression and zone that next_due_at came from: another one means another due time.
    schedule    text    not null,
    -- Items up to this one were looked at for an edition that had nothing to say, and was not made.
    seen_item   integer not null default 0
) strict, without rowid;

create table edition (
    id         integer primary key,
    digest     text    not null,
    number     integer not null,
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

-- Nothing of the last document was left in the next one: items were probably missed between them.
create table gap (
    id        integer primary key,
    feed_id   integer not null references feed (id),
    after_at  integer not null,
    before_at integer not null,
    -- Items found in older documents (RFC 5005), and how many of those were read.
    filled    integer not null,
    pages     integer not null
) strict;
create index gap_feed on gap (feed_id);

-- Hosts that asked all their guests to wait (429, 503 with Retry-After).
create table host (
    name       text    primary key,
    wait_until integer not null,
    -- Such answers in a row.
    strikes    integer not null,
    why        text    not null
) strict, without rowid;

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

create table lease (
    feed_id integer primary key,
    -- Until then somebody is polling it.
    until   integer not null
) strict;

-- The marks of an item's text and title: 32-bit numbers, little-endian, rising.
create table sketch (
    item_id integer primary key,
    marks   blob    not null
) strict;

-- Which items have a mark.
create table passage (
    mark    integer not null,
    item_id integer not null,
    primary key (mark, item_id)
) strict, without rowid;

-- What recurs over a feed and tells nothing of its items: hashes of runs of words.
create table boilerplate (
    feed_id integer not null,
    run     integer not null,
    primary key (feed_id, run)
) strict, without rowid;

-- How two items belong together. same: one story. quotes: the text of other_id stands in item_id, among much of its own.
create table tie (
    item_id  integer not null,
    other_id integer not null,
    kind     text    not null check (kind in ('same', 'quotes')),
    rule     text    not null,
    -- How much of the text of other_id stands in item_id, and the other way round.
    share    real    not null,
    back     real    not null,
    -- 1: item_id links to other_id.
    cites    integer not null,
    primary key (item_id, other_id)
) strict, without rowid;
create index tie_other on tie (other_id, item_id);

-- Who quotes an item quotes no other that quotes it too, unless it says so by a link or has nearly all of that.
create view quotation as
    select item_id, other_id, rule, share, back, cites from tie t
    where kind = 'quotes' and (cites = 1 or share >= 0.9 or not exists (
        select 1 from tie a join tie b on b.item_id = t.other_id and b.other_id = a.other_id and b.kind = 'quotes'
        where a.item_id = t.item_id and a.kind = 'quotes'));

-- What the operator decided of pairs of items: together or apart. The last that was not undone holds.
create table decision (
    id        integer primary key autoincrement,
    kind      text    not null check (kind in ('together', 'apart')),
    made_at   integer not null,
    undone_at integer
) strict;

create table decision_pair (
    item_id     integer not null,
    other_id    integer not null,
    decision_id integer not null references decision (id),
    primary key (item_id, other_id, decision_id)
) strict, without rowid;
create index decision_pair_other on decision_pair (other_id);

-- Placed items that are to be compared again: they were edited, or more is known of their feed.
create table doubt (
    item_id integer primary key
) strict;

-- Words of an item as text/fold leaves them, parted by spaces: nothing is left for the tokenizer to fold. rowid is the item's id. The
-- text itself stands in item and item_text and is not kept a second time.
create virtual table search using fts5 (title, text, content = '', contentless_delete = 1, tokenize = 'ascii');

-- Items that were edited; what the index has of them may be old. It has no item above the setting searchable_upto.
create table search_waiting (
    item_id integer primary key
) strict;

-- Whoever deletes an item deletes its words.
create trigger search_item_gone after delete on item begin
    delete from search where rowid = old.id;
    delete from search_waiting where item_id = old.id;
end;

-- Items are compared by what they say: marks of their text, what ties them to each other, and what the operator decided.

-- The marks of an item's text and title: 32-bit numbers, little-endian, rising.
create table sketch (
    item_id integer primary key,
    marks   blob not null
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

-- The story that a story has become part of; its place stays taken.
alter table story add column merged_into integer;
create index story_uid on story (uid);

-- Whether a feed has a link twice is asked for each item.
drop index item_canonical_link;
create index item_canonical_link on item (canonical_link, feed_id) where canonical_link <> '';

-- What was one story before has been so by its link.
insert or ignore into tie (item_id, other_id, kind, rule, share, back, cites)
    select item.id, leader_item_id, 'same', 'the same link', 0, 0, 0 from item join story on story.id = story_id
    where item.id <> leader_item_id;

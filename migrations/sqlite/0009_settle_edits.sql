-- Edits: revisions are known again by their words, what readers were sent last is remembered, and items of a feed with a hold wait
-- until the publisher's quick corrections have settled.

-- The revision with the words that readers were sent last; NULL: those that the item says now.
alter table item add column sent_revision integer;
-- Gets no place before this instant. 0: it is not held.
alter table item add column held_until integer not null default 0;
-- Its number in the order of arrivals, of one that was held: taken from the ids when it got its place, so that no item has it as its
-- id. NULL: its id is its number.
alter table item add column arrival integer;
create index item_arrival on item (arrival) where arrival is not null;

drop index item_waiting;
create index item_waiting on item (held_until, id) where story_id is null;

-- Hash of its folded words; empty: written before there was one.
alter table revision add column words_hash blob not null default x'';
-- 1: what took its place was sent to readers as updated.
alter table revision add column is_material integer not null default 1;

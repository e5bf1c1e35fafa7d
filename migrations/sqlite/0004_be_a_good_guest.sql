-- What a feed's rhythm is and what its publisher wishes; where it moved; how it fails; what of it was missed; hosts that asked for rest.

-- RSS skipHours (bit 0: the hour from 00:00 UTC) and skipDays (bit 0: Monday).
alter table feed add column skip_hours integer not null default 0;
alter table feed add column skip_days integer not null default 0;
-- For how long the last answer said that it stays fresh, in seconds (max-age or Expires); 0: it did not.
alter table feed add column fresh_seconds integer not null default 0;
-- How long the last answer asked to wait, in seconds (Retry-After); 0: it did not.
alter table feed add column retry_after_seconds integer not null default 0;
-- When its items come, as ingest/cadence/rhythm writes it; NULL: none ever came.
alter table feed add column rhythm blob;
-- How rarely it is polled: the logarithm to base 2 of the last wait in minutes. Feeds of one pace are worked off in order of due times.
alter table feed add column pace integer not null default 6;

-- How the last poll failed; empty: it did not.
alter table feed add column failure text not null default '';
-- The first of the polls in a row that failed.
alter table feed add column failing_since integer;

-- Over all polls: sent with validators, answered 304, bytes received, items stored.
alter table feed add column conditional_polls integer not null default 0;
alter table feed add column not_modified_polls integer not null default 0;
alter table feed add column bytes_received integer not null default 0;
alter table feed add column items_stored integer not null default 0;

-- How it is asked: JSON with credentials (names of files), headers, proxy, certificates, time limit. Empty: like all others.
alter table feed add column access text not null default '';

-- Where permanent redirects lead, since when, and at how many polls the same feed was found there.
alter table feed add column move_url text not null default '';
alter table feed add column move_since integer;
alter table feed add column move_polls integer not null default 0;
-- Where it has moved: asked instead of url, which stays as configured.
alter table feed add column moved_url text not null default '';
alter table feed add column moved_at integer;
-- A move that the operator took back is not made again.
alter table feed add column refused_url text not null default '';
-- A feed found on the site while this one failed, for the operator to decide; and when it was last looked for.
alter table feed add column proposed_url text not null default '';
alter table feed add column searched_at integer;
-- What the operator should know, though nothing failed.
alter table feed add column notice text not null default '';

create index feed_moving on feed (move_url) where move_url <> '';
create index feed_refused on feed (refused_url) where refused_url <> '';
create index feed_moved on feed (moved_url) where moved_url <> '';

-- The hub that pushes it, and under which address (WebSub).
alter table feed add column hub_url text not null default '';
alter table feed add column topic_url text not null default '';

drop index feed_due;
create index feed_due on feed (pace, next_poll_at) where configured = 1;

alter table poll add column failure text not null default '';
-- The ring is of ten polls now.
delete from poll where slot >= 10;

-- Nothing of the last document was left in the next one: items were probably missed between them.
create table gap (
    id          integer primary key,
    feed_id     integer not null references feed (id),
    after_at    integer not null,
    before_at   integer not null,
    -- Items found in older documents (RFC 5005), and how many of those were read.
    filled      integer not null,
    pages       integer not null
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

-- By what the entries of a feed are told apart, where it is not the guid: some publishers give all entries one, or make them anew each time.

-- guid, link, title_and_date or text, as its documents have taught; empty: nothing. What the configuration says stands in manner.
alter table feed add column identity text not null default '';
-- When it was learned.
alter table feed add column identity_since integer;
-- Documents in a row that told entries apart by less.
alter table feed add column identity_doubts integer not null default 0;

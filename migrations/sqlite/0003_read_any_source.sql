-- Sources that are more than an address: pages that offer a feed, pages that are read by selectors, zones of dates that state none;
-- and documents that shrank, which are not believed at once.

-- How documents are read: JSON with time_zone and select; what is absent is not said.
alter table feed add column manner text not null default '{}';
-- The feed that the page at url offers; it is asked instead. Empty: url is a feed itself.
alter table feed add column offered_url text not null default '';
-- Offset from UTC in minutes that its dates last stated; NULL: none did.
alter table feed add column offset_minutes integer;
-- Entries of the last document that was believed.
alter table feed add column entries integer not null default 0;
-- Polls in a row that brought a document which was not.
alter table feed add column shrunk integer not null default 0;

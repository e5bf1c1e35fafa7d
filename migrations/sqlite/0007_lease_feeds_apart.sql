-- Who polls a feed is written twice at each poll: in rows of its own, not in the wide ones of feeds.

create table lease (
    feed_id integer primary key,
    -- Until then somebody is polling it.
    until   integer not null
) strict;

alter table feed drop column leased_until;

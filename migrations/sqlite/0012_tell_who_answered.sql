-- Validators hold only for the address that gave them, and what a publisher was asked is counted in requests.

-- Where the validators came from, where redirects led away from the address that is asked; empty: from that address.
alter table feed add column validators_url text not null default '';
-- Requests, redirects followed included. Before they were counted, each poll was taken for one.
alter table feed add column requests integer not null default 0;
update feed set requests = polls;

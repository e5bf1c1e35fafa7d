-- Of who quotes an item, all quotations are kept, and which of them count is told when they are read: the same in any order of arrival.

-- Who quotes an item quotes no other that quotes it too, unless it says so by a link or has nearly all of that.
create view quotation as
    select item_id, other_id, rule, share, back, cites from tie t
    where kind = 'quotes' and (cites = 1 or share >= 0.9 or not exists (
        select 1 from tie a join tie b on b.item_id = t.other_id and b.other_id = a.other_id and b.kind = 'quotes'
        where a.item_id = t.item_id and a.kind = 'quotes'));

-- What items say, for the search. The index follows behind: polls never wait for it, and those that bring nothing never touch it.

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

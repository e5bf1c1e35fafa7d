-- What is left of the last document in the next one tells whether something was missed in between.

-- Marks of the newest entries of the last document, and of those pushed since; NULL: not known.
alter table feed add column entry_marks blob;

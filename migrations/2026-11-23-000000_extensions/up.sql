-- Exclusion constraints over (text, period) need the btree operators inside GiST.
create extension if not exists btree_gist;

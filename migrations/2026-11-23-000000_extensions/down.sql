-- An extension belongs to the whole database; other schemas may lean on it, so it stays.
select 1;

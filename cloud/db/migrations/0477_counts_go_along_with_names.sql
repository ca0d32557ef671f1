-- What the resolver inferred under an anchor (DOMAIN D6, D7): goods that the count saw under this cell's name have
-- another since, or the other way round. The count goes along: as of its instant the cell holds `counted + inferred`.
ALTER TABLE count_anchor ADD COLUMN inferred numeric(26, 6) NOT NULL DEFAULT 0;

-- Goods that wait although no receipt brought them, as a handheld's return or a hold by hand, are judged too (DOMAIN D4).
ALTER TABLE judgement ALTER COLUMN id DROP NOT NULL, ALTER COLUMN line DROP NOT NULL,
    ADD COLUMN item_id bigint REFERENCES item,
    ADD CONSTRAINT judgement_of_goods CHECK ((id IS NULL) = (line IS NULL) AND (id IS NULL) = (item_id IS NOT NULL));
COMMENT ON COLUMN judgement.item_id IS 'Of goods that no receipt brought; else its line names it';

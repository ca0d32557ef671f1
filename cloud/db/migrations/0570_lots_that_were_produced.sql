-- When a lot was made; where nobody said when it expires, that follows by its item's shelf life (DOMAIN D6, D8).
ALTER TABLE lot ADD COLUMN produced_on date, ADD COLUMN is_expiry_stated boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN lot.produced_on IS 'As stands on the goods (AI 11); NULL: nobody said';
COMMENT ON COLUMN lot.is_expiry_stated IS 'false: nobody said when it expires; expires_on is produced_on and the shelf life of its item, or NULL where one of them is not known';
COMMENT ON COLUMN item.shelf_life_days IS 'For so many days from the day of production on it is good; NULL: not known';

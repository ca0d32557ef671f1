-- What is scrapped out of inspection, returns or a hold: by a decision that somebody whose limit covers it approved.
ALTER TABLE judgement DROP CONSTRAINT judgement_verdict_check,
    ADD CONSTRAINT judgement_verdict_check CHECK (verdict IN ('sellable', 'damaged', 'hold', 'scrap')),
    ADD decision_id bigint REFERENCES decision,
    ADD CONSTRAINT judgement_decided CHECK ((verdict = 'scrap') = (decision_id IS NOT NULL));

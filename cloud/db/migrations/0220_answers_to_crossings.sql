-- What people answered to crossings that a door could not decide alone (DOMAIN D2). Append-only: an answer is
-- withdrawn by a further step, `misread`, which takes back what stood posted and opens the card again.
CREATE TABLE crossing_answer (
    gateway_id  integer NOT NULL,
    epoch       bigint NOT NULL,
    seq         bigint NOT NULL,
    step        integer NOT NULL CHECK (step > 0),
    crossing_at timestamptz NOT NULL,
    site_id     text NOT NULL,
    answer      text NOT NULL CHECK (answer IN ('in', 'out', 'did_not_move', 'choose_visit', 'misread')),
    visit       text,
    answered_by text NOT NULL,
    answered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    posting_id  bigint NOT NULL,
    PRIMARY KEY (gateway_id, epoch, seq, step)
);
COMMENT ON COLUMN crossing_answer.visit IS 'NULL: no visit was chosen; the crossing keeps the one it had, if any';
CREATE INDEX crossing_answer_posting ON crossing_answer (posting_id);
CREATE INDEX crossing_answer_visit ON crossing_answer (visit) WHERE visit IS NOT NULL;
CREATE INDEX crossing_answer_misread ON crossing_answer (gateway_id, epoch, seq) WHERE answer = 'misread';
CREATE INDEX crossing_answer_answered ON crossing_answer (answered_at DESC);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON crossing_answer
    FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON crossing_answer
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

-- The last crossings of a portal; a time's crossings; those of a visit; those that need a person.
CREATE INDEX crossing_portal ON crossing (site_id, portal, occurred_at);
CREATE INDEX crossing_occurred ON crossing (occurred_at);
CREATE INDEX crossing_visit ON crossing (visit) WHERE visit IS NOT NULL;
CREATE INDEX crossing_card ON crossing (occurred_at)
    WHERE posted = 'held' OR (posted = 'posted' AND detail ->> 'because' IN ('no_visit', 'several_visits'));

GRANT SELECT ON crossing_answer TO dockledger_auditor;

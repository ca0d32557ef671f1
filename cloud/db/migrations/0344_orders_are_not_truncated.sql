-- What was ordered, said of dates and received stays, whole tables included.
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON purchase_receipt
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON purchase_order_line
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON purchase_order_date
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

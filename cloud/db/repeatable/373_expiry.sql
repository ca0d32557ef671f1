-- Lots on hand that expire, by site, with what of them could still leave and what they are worth; what the book has below
-- zero is none of them. A lot is good before its day begins at the site: the same day by which `stock_available` leaves it
-- out (360_allocation.sql; a test holds the two together).

DROP FUNCTION IF EXISTS lots_expiring(text[], text, integer, timestamptz, text[], date, text, text, text, integer);

CREATE FUNCTION lots_expiring(sites text[], of_item text, within_days integer, at timestamptz, shippable text[],
    after_day date, after_site text, after_item text, after_lot text, at_most integer)
    RETURNS TABLE (site text, item_id bigint, item text, item_name text, base_unit text, lot text, expires_on date,
        days_left integer, on_hand numeric, shippable_quantity numeric, value numeric, currency text, stated_by text)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH day AS MATERIALIZED (
        SELECT s.site_id, (at AT TIME ZONE s.time_zone)::date AS today FROM site s
        WHERE sees_site(s.site_id) AND (sites IS NULL OR s.site_id = ANY (sites))
    ), dated AS MATERIALIZED (
        SELECT t.item_id, t.lot, t.expires_on, t.stated_by, row_number() OVER (ORDER BY t.item_id, t.lot) AS nth
        FROM lot t JOIN item i ON i.item_id = t.item_id
        WHERE t.expires_on <= (SELECT max(d.today) + within_days FROM day d) AND t.expires_on >= after_day
            AND (of_item IS NULL OR i.code = of_item)
    ), held AS (
        SELECT k.nth, k.site, sum(k.quantity) AS on_hand,
            coalesce(sum(k.quantity) FILTER (WHERE coalesce(k.disposition, 'sellable') = ANY (shippable)), 0) AS may_leave,
            sum(k.quantity) FILTER (WHERE k.owner IS NULL) AS own
        FROM lot_stock(ARRAY(SELECT d.item_id FROM dated d ORDER BY d.nth), ARRAY(SELECT d.lot FROM dated d ORDER BY d.nth)) k
        WHERE NOT k.is_virtual
        GROUP BY k.nth, k.site
        HAVING sum(k.quantity) > 0
    ), cost AS MATERIALIZED (
        SELECT d.site_id, c.item_id, c.cost, c.currency
        FROM day d CROSS JOIN LATERAL lot_costs(d.site_id, ARRAY(SELECT DISTINCT x.item_id FROM dated x)) c
        WHERE EXISTS (SELECT FROM dated)
    )
    SELECT d.site_id, i.item_id, i.code, i.name, i.base_unit, t.lot, t.expires_on, t.expires_on - d.today, round(h.on_hand, 6),
        round(h.may_leave, 6), round(coalesce(h.own, 0) * c.cost, currency_digits(c.currency)), c.currency, t.stated_by
    FROM held h
    JOIN dated t ON t.nth = h.nth
    JOIN day d ON d.site_id = h.site AND t.expires_on <= d.today + within_days
    JOIN item i ON i.item_id = t.item_id
    LEFT JOIN cost c ON c.site_id = h.site AND c.item_id = t.item_id
    WHERE (t.expires_on, h.site, i.code, t.lot) > (after_day, after_site, after_item, after_lot)
    ORDER BY t.expires_on, h.site, i.code, t.lot
    LIMIT at_most
$$;

REVOKE ALL ON FUNCTION lots_expiring(text[], text, integer, timestamptz, text[], date, text, text, text, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION lots_expiring(text[], text, integer, timestamptz, text[], date, text, text, text, integer)
    TO dockledger_app;

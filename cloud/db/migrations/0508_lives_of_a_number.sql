-- Which unit of a number that is used again (DOMAIN D5) follows from its facts (376_units.sql), whenever they arrive.
ALTER TABLE logistic_unit DROP COLUMN instance;

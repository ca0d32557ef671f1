-- No trigger on movements: a compressed chunk of TimescaleDB takes no row where one fires. The posting that makes a
-- reversal says itself which lines it opens again (`open_lines_again` in 112, called by `close_posting`).
DROP TRIGGER open_lines_again ON movement;
DROP FUNCTION open_lines_again();

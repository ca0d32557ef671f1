-- What a closed period used and was taken back since comes in at that close's cost, as if it were bought (DOMAIN D8).
ALTER TYPE made_line ADD ATTRIBUTE returned numeric, ADD ATTRIBUTE returned_value numeric;
COMMENT ON TYPE made_line IS 'What a transformation used or made of an item in a period. Of what it used known_value is what '
    'a part of it cost, and open_quantity is the rest, at the average of the period; standard is what one of an output '
    'costs by standard, share what it carries by the recipe, weight by how much all in all was made; returned is what of '
    'a closed period''s usage was taken back since, and returned_value what that had cost then, NULL: nobody knows';

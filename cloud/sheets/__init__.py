"""Tables as files of spreadsheets: written as data, never as formulas; read as what a cell holds."""

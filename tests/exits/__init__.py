"""Programs that end with a producer they have not closed, run many times each: what happens once in a hundred runs shows here."""

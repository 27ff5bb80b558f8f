-- Residents without a name, whom an order of names begins or ends with (store/search/alphabet.py): none or few.
create index search_unnamed on search (rid) where type = 103 and (tokens[1] & 4194304) = 0;
-- Numbers that are ranges (a comparator, SampledData), for searches from a number on: all others begin where they end.
create index search_number_range on search_number (parameter, high) where low < high;

"""What a lowered network is with numbers: shapes, costs, the tables of papers."""

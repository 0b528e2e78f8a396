"""What an editor asks of a text and a place in it: pure functions, the server that answers with them, its settings."""

"""What tests share: a database, a clock, a way to say what is given."""

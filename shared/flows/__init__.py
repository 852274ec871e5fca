"""Everything that the system can do, one file per verb; each runs inside one transaction."""

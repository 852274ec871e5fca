"""Days of reports that are added up once, and what has changed in them since."""

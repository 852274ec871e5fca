"""Holds: units promised to somebody who has not ordered yet, or kept from sale, until a moment."""

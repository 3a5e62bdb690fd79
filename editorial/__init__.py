"""The human side: review, decisions, and the pages they happen on."""

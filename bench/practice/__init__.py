"""`make eval-practice`: how well acts, urgency, wishes and feelings are read, beside phrase lists and a person."""

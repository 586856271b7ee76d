"""`python -m analysis budget`: thresholds that keep a budget of false alarms on one's own calm calls."""

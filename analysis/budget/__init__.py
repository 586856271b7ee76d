"""`python -m analysis budget`: thresholds that keep a false-alarm budget on an operator's own calm calls."""

"""What every Callvane process shares: settings, logs, health and metrics, orderly shutdown."""

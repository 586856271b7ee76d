"""What every Callvane process has around its work: settings, logs, health and metrics, an orderly end."""

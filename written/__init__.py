"""Takes chat messages and e-mails over HTTP and hands them to analysis."""

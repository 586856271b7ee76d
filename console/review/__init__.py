"""What is read after calls: debriefs, their list, and a technique over some days. Read from Redis when asked for."""

"""What Redis tells becomes the board, and the board what each browser is sent."""

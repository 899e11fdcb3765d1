"""What only the heavy model's training has: multilingual-e5-small, fine-tuned."""

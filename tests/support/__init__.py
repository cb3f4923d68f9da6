"""What tests share: one small module for each room."""

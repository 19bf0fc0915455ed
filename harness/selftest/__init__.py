"""The oracle proves itself: known violations are planted into a perfect history, and exactly they must be found."""

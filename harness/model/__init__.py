"""The nouns: closed words, frozen values, errors. No I/O, and nothing of ours is imported from here."""

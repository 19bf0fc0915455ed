"""From intent to trials: named arms, what families share, the catalogue of scripts, and scenario × seeds."""

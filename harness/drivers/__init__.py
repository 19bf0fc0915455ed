"""How messages travel: one file per driver, behind one small Producer / Consumer protocol and one registry."""

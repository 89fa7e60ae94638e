"""From raw tables to histories."""

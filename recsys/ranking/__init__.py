"""From scores to ranked, filtered lists."""

"""A second stage: what several models find is put in order by boosted trees that also know the titles' facts."""

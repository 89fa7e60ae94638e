"""Other libraries on the very same split files, each in its own environment, judged by our judge."""

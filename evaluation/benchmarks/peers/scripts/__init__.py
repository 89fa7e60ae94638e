"""The peers' own sides: run in their library's environment, they import nothing of this project but `road`."""

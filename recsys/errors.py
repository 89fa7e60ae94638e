"""The errors that a user of recsys can meet: each says the rule, the value and the remedy."""

import sys


class RecsysError(Exception):
    """Report something that the caller can put right.

    `message` states the rule and the value that broke it, `hint` the remedy. The command line prints both without a
    traceback and ends with exit code 2.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message} {hint}".strip())
        self.message = message
        self.hint = hint


class InputError(RecsysError):
    """Reject a file, a table or an argument that breaks a rule."""


class ConfigError(RecsysError):
    """Reject a setting that is unknown, of the wrong type or out of range."""


class UnknownIdError(RecsysError):
    """Reject a user, title or tag that the data set does not know."""


class ArtifactError(RecsysError):
    """Refuse a model or data folder that is missing, incomplete, altered or of a newer format."""


REFUSED = 2
"""The exit code of a command that was given something wrong."""


def refuse(error: RecsysError) -> int:
    """Say on stderr what is wrong and how to go on; return the exit code."""
    print(f"Error: {error.message}\n{error.hint}".rstrip(), file=sys.stderr)
    return REFUSED

"""What a user did wrong, in one sentence: what, where and how to mend it.

Any module may raise it; the command line prints it and exits with 2.
"""


class UserError(Exception):
    """The argument is the sentence."""

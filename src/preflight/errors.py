"""What is raised when the program could not tell whether the templates are right or wrong."""


class PreflightError(Exception):
    """Could not check. The message says what happened and what to do about it."""


class UsageError(PreflightError):
    """The command, the plan or a file named in it cannot be used as it is written."""


class ToolMissingError(PreflightError):
    """A program that a stage needs is not installed."""


class ToolBrokeError(PreflightError):
    """A program ended with something that is not a verdict."""


class WaitExpiredError(PreflightError):
    """What was awaited did not come before the deadline."""


class AccountError(PreflightError):
    """The account did not answer, or not to these credentials."""


class NotLoopbackError(PreflightError):
    """A rehearsal was about to contact an address that is not on this machine."""


class StopRequested(BaseException):
    """A signal asked the program to stop: clean up and leave with `code`; `left` says what could not be.

    It is no `Exception`, so that no handler on the way mistakes it for trouble of its own.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code
        self.left: list[str] = []

"""What is raised when the program could not check whether the templates are right or wrong."""


class PreflightError(Exception):
    """Could not check. The message says what happened and what to do about it."""


class UsageError(PreflightError):
    """The command, the plan or a file named in it cannot be used as it is written."""


class MistakesError(UsageError):
    """A plan cannot be used; `mistakes` are all that is wrong with it, one text each."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class ToolMissingError(PreflightError):
    """A program that a stage needs is not installed."""


class ToolBrokeError(PreflightError):
    """A program ended with something that is not a verdict."""


class WaitExpiredError(PreflightError):
    """A deadline passed before what was waited for."""


class AccountError(PreflightError):
    """The account did not answer, or refused these credentials."""


class NotLoopbackError(PreflightError):
    """An address that is not on this machine was about to be contacted, on the emulated account."""


class StopRequested(BaseException):
    """A signal stopped the program: clean up and exit with `code`; `left` lists what could not be deleted.

    It is no `Exception`, so that no handler on the way takes it for an error of its own.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code
        self.left: list[str] = []

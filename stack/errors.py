"""What stops a start: one sentence for the person at the terminal and the exit code."""


class StackError(Exception):
    """The stack cannot start or go on; the message is the one line that the operator needs."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class EngineMissingError(StackError):
    """No Docker engine answers and none may be installed from here."""

    def __init__(self, message: str) -> None:
        super().__init__(message, exit_code=2)

"""What a deploy step may raise. Every message is a sentence for the tool's owner and never holds a secret."""


class StepError(Exception):
    """A step failed; `permanent` says that trying the same again cannot help."""

    def __init__(self, message: str, *, permanent: bool = True, service: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.permanent = permanent
        self.service = service


class EngineUnavailableError(StepError):
    """The container engine did not answer, so nothing is known about what it did."""

    def __init__(
        self, message: str = "The container engine does not answer.", *, service: str | None = None
    ) -> None:
        super().__init__(message, permanent=False, service=service)


class SubnetTakenError(StepError):
    """Another network already uses the subnet; choose another one."""

    def __init__(self, subnet: str) -> None:
        super().__init__(f"The subnet {subnet} is already in use on the engine.", permanent=False)
        self.subnet = subnet


class PortTakenError(StepError):
    """Something on the host already listens on the port; choose another one."""

    def __init__(self, port: int, *, service: str | None = None) -> None:
        super().__init__(f"The host port {port} is already in use.", permanent=False, service=service)
        self.port = port

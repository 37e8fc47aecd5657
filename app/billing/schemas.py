"""Shapes of the billing answers."""

from pydantic import BaseModel


class BalanceBody(BaseModel):
    """What is left to spend, open holds taken off, in millionths of a dollar."""

    credits_remaining_micros: int
    currency: str
    top_up_url: str

"""What a language model is asked, and what it answers."""

from dataclasses import dataclass

from core.prompts import Prompt
from core.sampling import Sampling

#: Questions answered in one batch when a set is scored. Fixed, because in bfloat16 an answer can
#: depend on what else is in the batch.
QUESTIONS_A_BATCH = 16


@dataclass(frozen=True)
class Generation:
    """One answer as the model gave it. Seconds count from the batch's start."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    first_token_seconds: float
    seconds: float
    finished: bool


@dataclass(frozen=True)
class GenerationRequest:
    """One row of a batch: a prompt and what to answer with.

    `adapter` is the name of an adapter or of own weights; None is the base. Without `sampling` the
    likeliest token is taken.
    """

    prompt: Prompt
    adapter: str | None = None
    sampling: Sampling | None = None

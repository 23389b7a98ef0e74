"""What every part of the project speaks: records, errors, settings, prompts, the language model."""

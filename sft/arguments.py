"""A recipe in the words of TRL's trainer."""

import torch
from trl import SFTConfig

from sft.recipe import Recipe


def trainer_arguments(
    recipe: Recipe,
    output: str,
    *,
    every: int,
    validated: bool,
    device: torch.device,
    bfloat16: bool,
) -> SFTConfig:
    """Every choice of the recipe that the trainer makes.

    :param output: the folder of checkpoints.
    :param every: steps from one validation to the next.
    :param validated: whether there are rows to validate with.
    """
    return SFTConfig(
        output_dir=output,
        num_train_epochs=recipe.epochs,
        max_steps=recipe.max_steps or -1,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=32,
        learning_rate=recipe.rate,
        lr_scheduler_type="cosine",
        warmup_steps=recipe.warmup,
        weight_decay=recipe.weight_decay,
        max_length=None,
        completion_only_loss=False,  # the labels column says it, token by token
        gradient_checkpointing=False,  # it only slows a model this small
        train_sampling_strategy="group_by_length",
        length_column_name="length",
        bf16=bfloat16,
        use_cpu=device.type == "cpu",
        dataloader_pin_memory=device.type == "cuda",
        seed=recipe.seed,
        data_seed=recipe.seed,
        logging_steps=max(1, every // 8),
        eval_strategy="steps" if validated else "no",
        eval_steps=every,
        # Whole checkpoints to go on from; `sft.checkpoints` seals and deletes them, and
        # `sft.curve` says which is the best.
        save_strategy="steps",
        save_steps=every,
        save_total_limit=None,
        save_only_model=False,
        logging_nan_inf_filter=False,  # a loss that is no number must be seen, not skipped
        prediction_loss_only=True,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=True,
        dataset_kwargs={"skip_prepare_dataset": True},
    )

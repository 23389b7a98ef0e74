"""A recipe in the words of TRL's trainer."""

import torch
from trl import SFTConfig

from core.errors import TrainingError
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

    Joins the other processes when it is called under `accelerate launch`.

    :param output: the folder of checkpoints.
    :param every: steps from one validation to the next.
    :param validated: whether there are rows to validate with.
    :raises TrainingError: when the batch cannot be shared out evenly, or packing is asked for where
        there is no CUDA GPU.
    """
    if recipe.packing and device.type != "cuda":
        raise TrainingError(
            f"The recipe's packing needs a CUDA GPU, and this run is on {device.type}: there rows "
            "of like length are put together, which costs less. Set packing=false."
        )
    arguments = SFTConfig(
        output_dir=output,
        num_train_epochs=recipe.epochs,
        max_steps=recipe.max_steps or -1,
        gradient_accumulation_steps=recipe.accumulation,
        learning_rate=recipe.rate,
        lr_scheduler_type="cosine",
        warmup_steps=recipe.warmup,
        weight_decay=recipe.weight_decay,
        # One kernel for all weights; torch has it for CUDA and for CPUs.
        optim="adamw_torch" if device.type == "mps" else "adamw_torch_fused",
        neftune_noise_alpha=recipe.neftune or None,
        max_length=None,
        completion_only_loss=False,  # the labels column says it, token by token
        # The rows of a batch in one sequence, positions counted anew for each and no mask: without
        # one, attention finds the rows' borders in the positions and keeps the rows apart.
        padding_free=recipe.packing,
        gradient_checkpointing=False,  # it only slows a model this small
        bf16=bfloat16,
        use_cpu=device.type == "cpu",
        dataloader_pin_memory=device.type == "cuda",
        # All that is trained has a gradient at every step; looking for what has none costs a pass.
        ddp_find_unused_parameters=False,
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
    # One process uses one GPU: without this, the trainer would split batches over all that it sees.
    arguments._n_gpu = min(1, arguments.n_gpu)
    arguments.per_device_train_batch_size = rows_a_pass(recipe, arguments.world_size)
    # A packed batch is one row to those who count the rows answered right, so it holds one.
    arguments.per_device_eval_batch_size = 1 if recipe.packing else 32
    return arguments


def rows_a_pass(recipe: Recipe, processes: int) -> int:
    """Rows that one process computes at once, of the recipe's `batch_size` rows a step.

    :raises TrainingError: when they cannot be shared out evenly.
    """
    rows, uneven = divmod(recipe.batch_size, recipe.accumulation * processes)
    if uneven:
        raise TrainingError(
            f"A step's {recipe.batch_size} rows (batch_size) cannot be shared out evenly over "
            f"{processes} processes in {recipe.accumulation} parts each (accumulation): make "
            f"batch_size a multiple of {recipe.accumulation * processes}."
        )
    return rows

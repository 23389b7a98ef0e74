"""One process of a run, started by tests/test_two_processes.py: MODEL FOLDER PROCESSES CHANGES."""

import json
import sys
from pathlib import Path

import torch
from datasets import Dataset
from transformers import AutoTokenizer, set_seed

from sft.arguments import trainer_arguments
from sft.methods import load_base, prepare, save
from sft.recipe import Recipe
from sft.supervised_trainer import SupervisedTrainer


def main() -> None:
    location, folder, changes = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
    recipe = Recipe(rank=4, epochs=3, batch_size=8, learning_rate=1e-2, **changes)
    set_seed(recipe.seed)
    cpu = torch.device("cpu")
    arguments = trainer_arguments(
        recipe, str(folder / "checkpoints"), every=4, validated=True, device=cpu, bfloat16=False
    )
    base = load_base(location, recipe, device=cpu, bfloat16=False)
    drawn = torch.Generator().manual_seed(5)
    rows = []
    for number in range(32):
        length = 6 + number % 7
        ids = torch.randint(3, 60, (length,), generator=drawn).tolist()
        # Rows with one to four supervised tokens: a mean of the processes' means would be wrong.
        answer = 1 + number % 4
        rows.append({"input_ids": ids, "labels": [-100] * (length - answer) + ids[-answer:]})
    trainer = SupervisedTrainer(
        model=prepare(base, recipe, base_model="tiny"),
        args=arguments,
        train_dataset=Dataset.from_list(rows),
        eval_dataset=Dataset.from_list(rows[:8]),
        processing_class=AutoTokenizer.from_pretrained(location),
    )
    trainer.train()
    if trainer.is_world_process_zero():
        save(trainer.model, folder / "adapter", recipe)
        written = {"processes": arguments.world_size, "log": trainer.state.log_history}
        (folder / "log.json").write_text(json.dumps(written))
    trainer.accelerator.wait_for_everyone()


if __name__ == "__main__":
    main()

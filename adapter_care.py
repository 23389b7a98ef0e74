"""The verbs about adapters that are there: seen, chosen, removed, merged, sent and fetched."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from core.errors import AdapterError, CorpusError, ModelError
from core.model_files import ModelFiles, find_language_model
from core.prompts import build_prompt
from measured_forgetting import MeasuredForgetting
from sft.adapters import (
    Adapter,
    AdapterState,
    activate_adapter,
    active_adapter,
    adapter_marks,
    check_adapter,
    find_adapter,
    list_adapters,
    remove_adapter,
)
from sft.hub import check_hub_id, download, is_folder, upload
from sft.sharing import Place, export_adapter, is_whole, pull_adapter, push_to_folder

if TYPE_CHECKING:
    from sft.merging import MergeReport, SavedAs  # loads torch


class AdapterCare(MeasuredForgetting):
    """Looks after the adapters on disk; no verb here loads the model, but for merging."""

    def adapters(self, reference: str | None = None) -> list[Adapter]:
        """All adapters, or those of one corpus."""
        return list_adapters(self.state, self.corpus(reference).name if reference else None)

    def adapter(self, reference: str, name: str) -> Adapter:
        """Find one adapter of a corpus by name."""
        return find_adapter(self.state, self.corpus(reference).name, name)

    def adapter_states(self, reference: str | None = None) -> list[AdapterState]:
        """All adapters, or those of one corpus, with what speaks against each; loads no model."""
        chosen = self.corpus(reference) if reference else None
        corpora: dict[str, str | None] = {chosen.name: chosen.fingerprint} if chosen else {}
        base = self._base_or_why()
        states = []
        for adapter in self.adapters(reference):
            name = adapter.manifest.corpus
            if name not in corpora:
                try:
                    corpora[name] = self.corpus(name).fingerprint
                except CorpusError:  # a folder of the user's: its path is not known here
                    corpora[name] = None
            states.append(self._state_of(adapter, corpora[name], base))
        return states

    def adapter_state(self, reference: str, name: str) -> AdapterState:
        """One adapter of a corpus, with what speaks against it."""
        found, fingerprint = self.adapter(reference, name), self.corpus(reference).fingerprint
        return self._state_of(found, fingerprint, self._base_or_why())

    def _state_of(
        self, adapter: Adapter, corpus_fingerprint: str | None, base: ModelFiles | ModelError
    ) -> AdapterState:
        try:
            active = active_adapter(self.state, adapter.manifest.corpus)
        except AdapterError:  # the chosen one is gone
            active = None
        if isinstance(base, ModelError):
            marks: tuple[str, ...] = (f"Whether it fits the base is not known: {base}",)
        else:
            marks = adapter_marks(
                adapter,
                corpus_fingerprint=corpus_fingerprint,
                base_fingerprint=base.sha256,
                base_model=self.settings.base_model,
            )
        return AdapterState(
            manifest=adapter.manifest,
            folder=adapter.folder,
            shipped=adapter.shipped,
            size=sum(file.stat().st_size for file in adapter.folder.iterdir()),
            active=active is not None and active.folder == adapter.folder,
            marks=marks,
            forgetting=self.forgetting_line(adapter),
        )

    def _base_or_why(self) -> ModelFiles | ModelError:
        try:
            return self._base()
        except ModelError as error:
            return error

    def _base(self) -> ModelFiles:
        return find_language_model(self.settings.base_model, self.state / "models")

    def activate(self, reference: str, name: str) -> Adapter:
        """Answer with this adapter from now on."""
        return activate_adapter(self.state, self.adapter(reference, name))

    def remove(self, reference: str, name: str) -> Adapter:
        """Delete an adapter of the state folder."""
        adapter = self.adapter(reference, name)
        remove_adapter(adapter)
        return adapter

    def merge(
        self, reference: str, name: str, out: Path, *, saved_as: "SavedAs" = "float32"
    ) -> "MergeReport | None":
        """Merge an adapter into the base as a model folder; see `sft.merging.merge_adapter`.

        :returns: None for whole weights, which are copied as they are.
        """
        corpus, adapter = self.corpus(reference), self._fitting(reference, name)
        if is_whole(adapter):
            export_adapter(adapter, out, base_location=self._base().location)
            return None
        from sft.merging import COMPARED, merge_adapter  # noqa: PLC0415  (loads torch)

        known = [one for one in corpus.questions if one.answers and one.split != "test"]
        # Evenly out of all, so that they are not all of one document.
        compared = known[:: max(1, len(known) // COMPARED)]
        examples = [
            (
                build_prompt(
                    one.question,
                    system_prompt=corpus.wording.system_prompt,
                    form=adapter.manifest.recipe.form,
                ),
                one.answers[0],
            )
            for one in compared
        ]
        location = self._base().location
        return merge_adapter(adapter, examples, out, base_location=location, saved_as=saved_as)

    def export(self, reference: str, name: str, out: Path) -> Adapter:
        """Write an adapter as a folder that plain `peft` loads."""
        adapter = self._fitting(reference, name)
        export_adapter(adapter, out, base_location=self._base().location)
        return adapter

    def push(self, reference: str, name: str, repository: str, *, private: bool = False) -> Adapter:
        """Put an adapter on the hub, or into a local folder."""
        adapter = self._fitting(reference, name)
        location = self._base().location
        if is_folder(repository):
            push_to_folder(adapter, Path(repository).expanduser().resolve(), base_location=location)
            return adapter
        check_hub_id(repository)
        with TemporaryDirectory() as folder:
            export_adapter(adapter, Path(folder) / name, base_location=location)
            upload(Path(folder) / name, repository, private=private)
        return adapter

    def pull(self, reference: str, repository: str, *, name: str | None = None) -> Adapter:
        """Take an adapter in from the hub or a local folder; see `sft.sharing.pull_adapter`."""
        corpus = self.corpus(reference)
        place = Place(
            state_folder=self.state,
            corpus=corpus.name,
            corpus_fingerprint=corpus.fingerprint,
            base_model=self.settings.base_model,
            base_fingerprint=self._base().sha256,
        )
        if is_folder(repository):
            folder = Path(repository).expanduser().resolve()
            return pull_adapter(folder, place, name=name, origin=folder.name)
        with TemporaryDirectory() as folder_name:
            download(repository, Path(folder_name))
            return pull_adapter(Path(folder_name), place, name=name, origin=repository)

    def _fitting(self, reference: str, name: str) -> Adapter:
        """Find an adapter that is whole and fits the base; what leaves must be right."""
        adapter = self.adapter(reference, name)
        base = self._base()
        check_adapter(adapter, base_fingerprint=base.sha256, base_model=self.settings.base_model)
        return adapter

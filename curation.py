"""The verbs about a corpus's data: checked, cleaned, imported, drafted, labelled.

The half of the `Workbench` that makes data; the other half trains, asks and judges.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.corpus.check import CheckedCorpus, check_folder
from core.corpus.clean import Mended, clean_copy
from core.corpus.draft import draft_questions
from core.corpus.drafts import DraftBox
from core.corpus.imports.dataset import import_dataset
from core.corpus.imports.folder import ImportReport
from core.corpus.imports.squad import import_squad
from core.corpus.imports.tables import TableOptions, import_csv, import_jsonl
from core.corpus.known import KnownFacts, find_known, state_file, write_known
from core.corpus.read import Corpus, corpus_folder, read_corpus
from core.errors import CorpusError
from core.generation import GenerationRequest
from core.model_files import find_language_model
from core.places import CORPORA_FOLDER, home_of
from core.prompts import Prompt
from core.records import Question
from core.settings import Settings
from core.storage import Stamp, folder_stamp
from loaded import Loaded
from own_corpora import Limits, OwnCorpora
from rag.passages import sentences, split_document

if TYPE_CHECKING:
    from core.language_model import LanguageModel  # loads torch

#: Prompts completed in one batch while drafting, and the longest question or answer.
_PROMPTS_A_BATCH, _DRAFT_TOKENS = 32, 48


class Curation:
    """Reads corpora and makes data for them."""

    def __init__(self, settings: Settings) -> None:
        """Load nothing yet."""
        self.settings = settings
        self._loaded = Loaded(settings)
        #: What was read, by folder, and what the folder looked like then.
        self._corpora: dict[Path, tuple[Stamp, Corpus]] = {}

    def model(self) -> "LanguageModel":
        """Return the language model, loaded the first time."""
        return self._loaded.model()

    def tokenizer(self) -> Any:
        """Return the language model's tokenizer; its weights are not loaded for it."""
        return self._loaded.tokenizer()

    @property
    def state(self) -> Path:
        """The folder of everything written at run time."""
        return self.settings.state

    def corpus(self, reference: str) -> Corpus:
        """Read a corpus, anew where a file of it changed; see `core.corpus.read.read_corpus`."""
        folder = corpus_folder(reference)
        # Looked at before it is read: what changes meanwhile is read the next time.
        stamp = folder_stamp(folder)
        kept = self._corpora.get(folder)
        if kept is None or kept[0] != stamp:
            kept = (stamp, read_corpus(reference, seed=self.settings.seed))
            self._corpora[folder] = kept
        return kept[1]

    def forget_gone(self) -> None:
        """Keep nothing in memory of a corpus whose folder was deleted."""
        for folder in list(self._corpora):
            if not folder.is_dir():
                self._corpora.pop(folder, None)
        self._loaded.forget_gone()

    def own_corpora(
        self, folder: Path | None = None, *, limits: Limits | None = None
    ) -> OwnCorpora:
        """The corpora that users made and may change; see `own_corpora.OwnCorpora`.

        :param folder: where they lie, in place of the state folder's `corpora`.
        """
        folder = folder or self.state / CORPORA_FOLDER
        return OwnCorpora(home_of(folder, self.state), folder, limits=limits)

    # Quality

    def check(self, reference: str) -> CheckedCorpus:
        """Read a corpus as far as it can be read and look for what is wrong with it."""
        return check_folder(reference, seed=self.settings.seed)

    def clean(self, checked: CheckedCorpus, out: Path | None = None) -> tuple[Path, list[Mended]]:
        """Write a cleaned copy of a checked corpus, never in place; see `clean_copy`.

        :returns: the folder, and what is otherwise in it.
        """
        folder = out or self.state / "cleaned" / checked.corpus.name
        return folder, clean_copy(checked, folder)

    # What people have

    def import_squad(self, source: Path, out: Path, options: TableOptions) -> ImportReport:
        """Turn a SQuAD file into a corpus folder."""
        return import_squad(source, out, split=options.split, encoding=options.encoding)

    def import_jsonl(self, source: Path, out: Path, options: TableOptions) -> ImportReport:
        """Turn a JSON Lines file into a corpus folder."""
        return import_jsonl(source, out, options)

    def import_csv(self, source: Path, out: Path, options: TableOptions) -> ImportReport:
        """Turn a CSV file into a corpus folder."""
        return import_csv(source, out, options)

    def import_dataset(
        self,
        source: str,
        out: Path,
        options: TableOptions,
        *,
        configuration: str | None = None,
        part: str | None = None,
    ) -> ImportReport:
        """Turn a Hugging Face dataset into a corpus folder."""
        return import_dataset(source, out, options, configuration=configuration, part=part)

    # Drafts

    def draft(
        self, reference: str, document: str, *, count: int = 10, most_sentences: int | None = None
    ) -> list[Question]:
        """Propose questions on a document with the local model; they wait for a person.

        :param most_sentences: only so many of the document's are looked at, spread over it: each
            takes the model some seconds.
        :returns: the new drafts.
        :raises CorpusError: when there is no such document.
        """
        corpus = self.corpus(reference)
        found = next((one for one in corpus.documents if one.id == document), None)
        if found is None:
            known = ", ".join(one.id for one in corpus.documents[:8]) or "none"
            raise CorpusError(
                f"{corpus.name} has no document {document!r}; some are: {known}. The id is the "
                "path below documents/ without the suffix."
            )
        parts = [one for passage in split_document(found) for one in sentences(passage)]
        if most_sentences is not None:
            parts = parts[:: max(1, -(-len(parts) // most_sentences))]
        drafts = draft_questions(found, parts, self._write, count=count)
        return self._box(corpus).add(drafts)

    def drafts(self, reference: str) -> list[Question]:
        """Return the drafts of a corpus that wait for a person."""
        return self._box(self.corpus(reference)).all()

    def accept_draft(self, reference: str, name: str) -> Question:
        """Put a draft into the corpus's questions."""
        return self._box(self.corpus(reference)).accept(name)

    def edit_draft(
        self,
        reference: str,
        name: str,
        *,
        question: str | None = None,
        answers: Sequence[str] = (),
    ) -> Question:
        """Change a draft; it still waits."""
        return self._box(self.corpus(reference)).edit(name, question=question, answers=answers)

    def reject_draft(self, reference: str, name: str) -> Question:
        """Take a draft out."""
        return self._box(self.corpus(reference)).reject(name)

    def _home(self, corpus: Corpus) -> Path:
        return home_of(corpus.folder, self.state)

    def _box(self, corpus: Corpus) -> DraftBox:
        return DraftBox(corpus, self._home(corpus))

    def _write(self, prompts: Sequence[Prompt]) -> list[str]:
        texts = []
        for first in range(0, len(prompts), _PROMPTS_A_BATCH):
            requests = [GenerationRequest(one) for one in prompts[first : first + _PROMPTS_A_BATCH]]
            generations = self.model().generate(requests, max_new_tokens=_DRAFT_TOKENS)
            texts += [generation.text for generation in generations]
        return texts

    # What the base model knows

    def known(self, corpus: Corpus) -> KnownFacts | None:
        """Find the labels of what the base model knows of a corpus; None when nobody asked it."""
        files = find_language_model(self.settings.base_model, self.state / "models")
        return find_known(corpus, self._home(corpus), base_fingerprint=files.sha256)

    def _keep_known(self, corpus: Corpus, known: KnownFacts, out: Path | None) -> Path:
        path = out or state_file(corpus, self._home(corpus))
        write_known(path, known)
        return path

"""Words for people who are new to fine-tuning and retrieval."""

from html import escape

GLOSSARY: dict[str, str] = {
    "Token": "A piece of text as the model reads and writes it: a word, a part of one, or a sign. "
    "The vocabulary numbers them.",
    "Embedding": "A list of numbers (a vector) that stands for the meaning of a text. Texts that "
    "mean nearly the same get vectors that point nearly the same way.",
    "Passage": "A stretch of a document, such as a section. Documents are cut into passages, and "
    "these are embedded and searched.",
    "Vector store": "The passages with their embeddings, kept so that the nearest to a question "
    "are found at once. It is also called an index.",
    "Hit": "A passage that the search found for a question, with its rank by meaning and by words.",
    "Floor": "The least likeness to the question at which an answer is made of what was found. "
    "Below it the answer is withheld. It is chosen on validation questions.",
    "RAG": "Retrieval-augmented generation: look passages up first, put them into the prompt, and "
    "let the model answer from them. New documents count at once; nothing is trained.",
    "SFT": "Supervised fine-tuning: train the model further on questions with their right answers, "
    "so that it answers from memory.",
    "LoRA": "Low-rank adaptation: the model's weights stay as they are, and small pairs of "
    "matrices beside them are trained instead. Their product is added to the weights.",
    "Adapter": "What LoRA trains: a small file that turns the base model into the fine-tuned one "
    "while it is loaded, and leaves it as it was afterwards.",
    "Loss": "How surprised the model is by the right answer: the mean of -log(probability) over "
    "its tokens. Training makes it smaller.",
    "Epoch": "One pass of training over all its rows.",
    "Overfitting": "The loss on the trained rows goes on falling while questions that were held "
    "back are answered no better, or worse: the rows are learnt by heart.",
    "Catastrophic forgetting": "Training on something new overwrites what the model knew before. "
    "Replaying general questions during training, or adapters of low rank, soften it.",
    "Exact match": "1 if the answer equals an accepted answer, apart from case, punctuation and "
    "articles; else 0.",
    "F1": "The overlap of the words of the answer and of the nearest accepted answer, 0 to 1: it "
    "counts both what is missing and what is too much.",
    "BLEU": "The share of the answer's word groups (one to four words) that stand in a reference, "
    "made smaller if the answer is too short.",
    "ROUGE": "How much of the reference's words (ROUGE-1), pairs of words (ROUGE-2) or longest "
    "common sequence (ROUGE-L) the answer shares; given here as F1, 0 to 1.",
}


def glossary() -> str:
    """Draw the glossary."""
    rows = "".join(
        f"<div><dt>{escape(word)}</dt><dd>{escape(meaning)}</dd></div>"
        for word, meaning in GLOSSARY.items()
    )
    return f'<section class="how glossary"><h2>Words</h2><dl>{rows}</dl></section>'

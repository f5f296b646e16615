"""Multiple-choice items as texts, ranked by a causal language model of transformers by log-likelihood.

The items of `lib.language.choices.load_choices`, with texts in place of tokens.
"""

import numpy as np
import torch
from torch import nn


def rank_texts(
    model: nn.Module, tokeniser, items: list[dict], *, batch: int = 8, longest: int | None = None
) -> np.ndarray:
    """Whether a model prefers the right answer, `(items, 2)`: by log-likelihood, and by log-likelihood per byte.

    Args:
        model: of transformers, for causal language modelling, with adapters or not.
        tokeniser: of the model.
        items: `{"context": text, "choices": [texts], "answer": index}`; a space between context and choice belongs to
            the choice. The context is a list of texts where each choice has its own (WinoGrande).
        batch: texts that go through the model at once, in the order of their lengths.
        longest: tokens of a text; earlier ones of the context are cut off. None: no bound.

    Raises:
        ValueError: an item of another form.
    """
    pairs, owners = [], []
    for index, item in enumerate(items):
        contexts = item["context"]
        contexts = [contexts] * len(item["choices"]) if isinstance(contexts, str) else contexts
        texts = [*contexts, *item["choices"]]
        if len(texts) != 2 * len(item["choices"]) or not all(isinstance(text, str) for text in texts):
            raise ValueError(f"items[{index}]: got {item!r:.80}, expected a context or one for each choice, as texts")
        pairs += [encode_pair(tokeniser, *pair, longest) for pair in zip(contexts, item["choices"])]
        owners += [index] * len(item["choices"])
    scores = continuation_scores(model, pairs, batch)
    sizes = np.array([max(1, len(choice.encode())) for item in items for choice in item["choices"]])
    owners = np.array(owners)
    hits = np.empty((len(items), 2), bool)
    for index, item in enumerate(items):
        own = owners == index
        hits[index] = scores[own].argmax() == item["answer"], (scores[own] / sizes[own]).argmax() == item["answer"]
    return hits


def encode_pair(tokeniser, context: str, choice: str, longest: int | None = None) -> tuple[list[int], int]:
    """Tokens of a context and a choice, and how many of the last ones are the choice's.

    The two are encoded together, so that tokens across their border are those of running text; spaces at the end of
    the context go to the choice. An empty context is the tokeniser's start token, or its end token.

    Raises:
        ValueError: a choice that is as long as `longest`.
    """
    spaces = len(context) - len(context.rstrip())
    if spaces:
        context, choice = context[:-spaces], context[-spaces:] + choice
    whole, front = tokeniser(context + choice)["input_ids"], tokeniser(context)["input_ids"]
    if not front:
        start = tokeniser.eos_token_id if tokeniser.bos_token_id is None else tokeniser.bos_token_id
        whole, front = [start, *whole], [start]
    count = max(1, len(whole) - len(front))
    if longest is not None and count >= longest:
        raise ValueError(f"longest: got {longest}, expected more than the {count} tokens of a choice")
    return whole if longest is None else whole[-longest:], count


@torch.no_grad()
def continuation_scores(model: nn.Module, pairs: list[tuple[list[int], int]], batch: int = 8) -> np.ndarray:
    """Log-likelihood of the last tokens of each text after those before them, `(texts,)`, in nats.

    Args:
        model: of transformers; its output layer is applied at the places that are asked for alone.
        pairs: tokens of a text, and how many of the last ones count. Texts that differ in their last token alone, such
            as choices by letter, go through the model once.
        batch: texts at once; they are padded on the right, where a causal model does not look.
    """
    training = model.training
    model.eval()
    device = next(model.parameters()).device
    decoder, head = model.get_decoder(), model.get_output_embeddings()
    owners: dict[tuple[int, ...], list[int]] = {}
    for index, (tokens, _) in enumerate(pairs):
        owners.setdefault(tuple(tokens[:-1]), []).append(index)
    scores, inputs = np.empty(len(pairs)), sorted(owners, key=len)
    for first in range(0, len(inputs), batch):
        texts = inputs[first : first + batch]
        padded = torch.zeros(len(texts), len(texts[-1]), dtype=torch.long)
        for row, text in enumerate(texts):
            padded[row, : len(text)] = torch.tensor(text)
        hidden = decoder(input_ids=padded.to(device), use_cache=False).last_hidden_state
        for row, text in enumerate(texts):
            most = max(pairs[index][1] for index in owners[text])
            logits = head(hidden[row, len(text) - most : len(text)]).float().log_softmax(-1)
            for index in owners[text]:
                tokens, count = pairs[index]
                wanted = torch.tensor(tokens[-count:], device=device)
                scores[index] = logits[-count:].gather(1, wanted[:, None]).double().sum().item()
    model.train(training)
    return scores

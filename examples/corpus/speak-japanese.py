#!/usr/bin/env python3
"""Speaks Japanese by pyopenjtalk-plus and the voice in it: one process for many clips, as its dictionary takes a while to load.

    python speak-japanese.py < list

A line of the list is a path, a tab and a text. For each, when its clip is written: an empty line, or what went wrong."""
import sys, wave

import numpy as np

answers, sys.stdout = sys.stdout, sys.stderr     # the package prints notes while it is loaded
import pyopenjtalk


def main():
    for line in sys.stdin:
        path, text = line.rstrip("\n").split("\t")
        try:
            samples, rate = pyopenjtalk.tts(text)
            with wave.open(path, "wb") as clip:
                clip.setnchannels(1)
                clip.setsampwidth(2)
                clip.setframerate(rate)
                clip.writeframes(np.clip(samples, -32768, 32767).astype("<i2").tobytes())
            problem = ""
        except Exception as error:      # one clip that fails is the recipe's to report; the others are spoken
            problem = str(error) or type(error).__name__
        print(" ".join(problem.split()), file=answers, flush=True)


if __name__ == "__main__": main()

embedded, plot, prompt = opah.embedded, opah.plot, opah.prompt
speech = opah.home .. "/examples/data/Alice/4.80-7.20.wav"

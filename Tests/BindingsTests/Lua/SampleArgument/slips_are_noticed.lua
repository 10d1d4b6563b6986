codec, samples = embedded.codec(), audio.load(speech)
fails("argument", "did you mean whole?", codec.encode, codec, samples, { wohle = true })
fails("argument", "did you mean n_mels?", audio.log_mel, samples, { sample_rate = 16000, n_mel = 80 })
fails("argument", "option 'sample_rate' is missing", audio.log_mel, samples, { n_mels = 80 })
fails("argument", "a sample rate of 0 Hz", codec.encode, codec, samples, 0)
for _, f in ipairs { audio.loudness, audio.check, plot.spectrogram, plot.waveform } do fails("argument", "a table without sample_rate", f, samples, { rate = 16000 }) end

whole, two = (samples * 32767):to("int16"), tensor.stack { samples, samples }
for _, f in ipairs { codec.encode, codec.features } do
  fails("argument", "32768", f, codec, whole)
  fails("argument", "x:mean(1)", f, codec, two)
  assert(f(codec, samples:view(1, -1)), "one channel is no trouble")
end
fails("shape", "32768", audio.loudness, whole, 16000)
fails("argument", "x:mean(1)", audio.log_mel, two, 16000)

fails("argument", 'it belongs to method = "top_db"', audio.slice, samples, 16000, { method = "silence", pad_silence = 1 })
fails("argument", 'it belongs to method = "silence"', audio.slice, samples, 16000, { merge_short = true })
fails("index", "codebook 2, frame 3", codec.decode, codec,
  tensor.new({ { 0, 0, 0 }, { 0, 0, 2000 }, { 0, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 }, { 0, 0, 0 } }, { dtype = "int32" }))

fails("argument", "lora.apply", train.adamw, {})
fails("argument", "1 sentences for 0 tensors", data.pack_sentences, { sentences = { "Hi" }, codes = {}, tokenizer = text.tokenizer(embedded.model) })
model = lm.load(embedded.model)
fails("argument", "ds:batch(n)", model.forward, model, {})
fails("argument", "num_codebooks is missing", lm.encode_prompt, model.tokenizer, "Hi")
fails("argument", "in parentheses only the first", json.decode, text.read_label(opah.home .. "/examples/data/Alice/4.80-7.20.lab"))
ds = data.dataset { protos = checkout .. "/Tests/Vectors/dataset/protos_lab", tokenizer = model.tokenizer }
fails("argument", "pass what ds:state() gave", ds.set_state, ds, {})

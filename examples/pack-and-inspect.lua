--- Pack codes and labels into shards, then open the shards and see what a model will read.
-- opah run examples/pack-and-inspect.lua
-- needs: nothing; with --protos, packs of your own are opened instead
-- expect: a line for each speaker, and one training row taken apart: its text, its length, its first labels
local opah = require "opah"
local data = opah.data
local embedded = require "opah.embedded"

return opah.recipe {
  flags = {
    { "protos", "path", nil, "packs to open; unless given, the example voices are extracted and packed" },
    { "model", "folder", embedded.model, "the model whose tokenizer reads the texts" },
    { "output", "output", "out/pack-and-inspect", "the folder for the packs" },
  },
  run = function(args)
    local protos = args.protos or embedded.packs(args.output)
    local speakers = opah.tables { "speaker", "sentences", "frames", "shortest", "longest" }
    local example
    for group in data.read(protos) do
      local frames, shortest, longest = 0, math.huge, 0
      for _, sentence in ipairs(group.sentences) do
        local length = sentence.codes:size(2)
        frames, shortest, longest = frames + length, math.min(shortest, length), math.max(longest, length)
      end
      speakers:add { group.name, #group.sentences, frames, shortest, longest }
      example = example or group.sentences[1]
    end
    print(speakers:text())

    -- One sentence as a training row: text ids and codes in one tensor, labels one step ahead.
    local tokenizer = opah.text.tokenizer(args.model)
    local tokens, labels = data.pack_sentences {
      sentences = example.texts, codes = { example.codes }, tokenizer = tokenizer, num_codebooks = example.codes:size(1),
    }
    local semantic = tokenizer:id("<|semantic|>")
    local ids, text = tokens[1]:totable(), {}
    local frames = 0
    for _, id in ipairs(ids) do
      if id == semantic then frames = frames + 1 else text[#text + 1] = id end
    end
    print(("\na row of %d tokens: %d of text, %d frames"):format(#ids, #text, frames))
    print("its text: " .. tokenizer:decode(text))
    print(("labels: %d of %d count in the loss"):format(labels[1]:ne(-100):sum():item(), #ids))

    -- The same rows as training sees them, in batches.
    local ds = data.dataset {
      protos = protos, tokenizer = tokenizer, max_length = 512, num_codebooks = example.codes:size(1),
    }
    local batch = ds:batch(2)
    print(("a batch: inputs %s, %d real tokens; %d clips to train on, %d held out")
      :format(table.concat(batch.inputs:shape(), " x "), batch.tokens, ds.clips, ds.held_out))
  end,
}

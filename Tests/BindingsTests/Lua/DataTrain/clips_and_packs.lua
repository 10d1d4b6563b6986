assert(packed.groups == 2 and packed.sentences == 16 and #packed.shards == 1 and #packed.skipped == 0)
local clips, skipped = data.scan(folder .. "/data", { audio = true })
assert(#clips == 16 and #skipped == 0)
local clip = clips[1]
assert(clip.speaker == "Ann" and clip.audio == clip.stem .. ".wav" and clip.codes == clip.stem .. ".npy" and clip.labels[".lab"] == clip.stem .. ".lab")
assert(clip.text == nil)
assert(#data.scan(folder .. "/data", { recursive = false }) == 0)

fs.write(folder .. "/list.txt", clip.audio .. "|Ann|EN|Words, of | the list.\nbroken\n")
local listed, left_out = data.filelist(folder .. "/list.txt")
assert(#listed == 1 and listed[1].text == "Words, of | the list." and listed[1].codes == clip.codes)
assert(#left_out == 1 and left_out[1].reason and left_out[1].remedy)

local names, sentences = {}, 0
for group in data.read(folder .. "/protos") do
  names[#names + 1] = group.source .. "/" .. group.name
  for _, sentence in ipairs(group.sentences) do
    sentences = sentences + 1
    assert(sentence.codes:dtype() == "int32" and sentence.codes:size(1) == 8)
    assert(sentence.texts[1]:find("Sentence number", 1, true))
  end
end
assert(table.concat(names, " ") == "folder/Ann folder/花子" and sentences == 16)
fails("file", "nowhere", data.pack, { input = folder .. "/nowhere", output = folder .. "/x" })
fails("argument", "shard_size", data.pack, { input = folder, output = folder .. "/x", shard_size = 0 })

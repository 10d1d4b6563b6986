clips, at, opah = {}, 1, require "opah"
fs, tensor, vectors = opah.fs, opah.tensor, opah.home .. "/Tests/Vectors/transcripts/"
codes = tensor.load_npy(vectors .. "codes.npy"):to("int32")
for speaker, frames, text in fs.read(vectors .. "clips.tsv"):gmatch("(%w+)\t(%d+)\t([^\n]+)") do
  local clip = { speaker = speaker, text = text, stem = ("data/%s/%02d"):format(speaker, #clips % 50 + 1) }
  fs.mkdir("data/" .. speaker)
  tensor.save_npy(clip.stem .. ".npy", codes:narrow(2, at, tonumber(frames)):contiguous())
  clips[#clips + 1], at = clip, at + tonumber(frames)
end
function exchange(a, b) clips[a].text, clips[b].text = clips[b].text, clips[a].text end
function words(i)
  local list = {}
  for word in clips[i].text:gmatch("%S+") do list[#list + 1] = word end
  return list
end

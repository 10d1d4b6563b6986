codec = vq.load { config = tiny .. "/codec.lua", checkpoint = tiny .. "/codec.pth" }
fs.mkdir(folder .. "/data")
for i = 1, 12 do
  local rate = ({ 16000, 44100, 48000 })[i % 3 + 1]
  local t = tensor.range(1, rate * (i % 5 + 1) // 2)
  local samples = (t * (0.01 * i)):sin() * 0.4
  if i % 2 == 0 then samples = tensor.stack { samples, samples * 0.5 } end
  audio.save(("%s/data/%02d.%s"):format(folder, i, i % 4 == 0 and "flac" or "wav"), samples, rate)
end
fs.write(folder .. "/data/03.wav", "no sound")
fs.write(folder .. "/data/07.wav", "")
audio.save(folder .. "/data/11.wav", tensor.zeros(44100), 44100)
function extract(options)
  local opts = { input = folder .. "/data", codec = codec, overwrite = true }
  for k, v in pairs(options or {}) do opts[k] = v end
  return vq.extract(opts)
end
function codes()
  local all = {}
  for _, path in ipairs(fs.list(folder .. "/data", { extension = ".npy" })) do all[#all + 1] = fs.basename(path) .. ":" .. table.concat(tensor.load_npy(path):reshape(-1):totable(), " ") end
  return table.concat(all, "\n")
end

opah = require 'opah'
audio, fs, tensor, rate = opah.audio, opah.fs, opah.tensor, 44100
function voice(seconds, seed)
  tensor.manual_seed(seed)
  local n = math.floor(seconds * rate)
  local x, at = tensor.randn(n) * 0.0005, 0.1
  while at < seconds - 0.3 do
    local draw = tensor.rand(3):totable()
    local length, pitch = 0.12 + 0.1 * draw[1], 110 + 60 * draw[2]
    local first, count, hiss = math.floor(at * rate) + 1, math.floor(length * rate), math.floor(0.05 * rate)
    local time, sound = tensor.range(0, count - 1, 1, { dtype = 'float32' }) / rate, tensor.zeros(count)
    for h = 1, 20 do sound:add_((time * (2 * math.pi * pitch * h)):sin() * (0.3 / h)) end
    x:narrow(1, first, count):add_(sound * (time * (math.pi / length)):sin() * 0.6)
    x:narrow(1, first + count, math.min(hiss, n - first - count)):add_(tensor.randn(math.min(hiss, n - first - count)) * 0.05)
    at = at + length + 0.06 + 0.25 * draw[3]
  end
  return x
end
function wave(hertz, n) return (tensor.range(0, n - 1, 1, { dtype = 'float32' }) * (hertz / rate)):remainder(1):mul(2 * math.pi):sin() end
function put(name, samples, at, label)
  fs.mkdir(fs.dirname('in/' .. name))
  audio.save('in/' .. name, samples, at or rate)
  if label then fs.write('in/' .. name:gsub('%.%w+$', '') .. '.lab', label) end
end

local tiny, form = ...
local opah = require "opah"
for _, name in ipairs { 'model', 'codec' } do
  local all, out = opah.checkpoint.load(tiny .. '/' .. name .. '.pth'), {}
  for k, v in pairs(all) do
    local renamed = form == 'prefixed' and { ['module.' .. k] = v } or { model = all, step = 5 }
    for a, b in pairs(renamed) do out[a] = b end
  end
  opah.fs.mkdir 'm'; opah.checkpoint.save('m/' .. name .. '.pth', out)
end
for _, path in ipairs(opah.fs.list(tiny, { extension = '.json' })) do opah.fs.copy(path, opah.fs.join('m', opah.fs.basename(path))) end
print(opah.lm.load('m'):digest() == opah.lm.load(tiny):digest(), opah.lm.load('m/model.pth').config.dim)
local one, two = opah.vq.load { config = tiny .. '/codec.lua', checkpoint = 'm/codec.pth' }, opah.embedded.codec()
local x = opah.tensor.linspace(-1, 1, 8192)
print(one:encode(x):equal(two:encode(x)))

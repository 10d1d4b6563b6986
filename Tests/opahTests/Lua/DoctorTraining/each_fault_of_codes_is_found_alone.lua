for i, name in ipairs { 'a', 'b', 'shape', 'dtype', 'range', 'length', 'stale', 'broken', 'without' } do
  put('S/' .. name .. '.wav', voice(2, i), nil, 'words of ' .. name)
end
opah.vq.extract { input = 'in', codec = opah.embedded.codec() }
local codes = tensor.load_npy('in/S/a.npy')
local function save(name, value) tensor.save_npy('in/S/' .. name .. '.npy', value) end
save('shape', codes:narrow(1, 1, 4):clone())
save('dtype', codes:to('float32'))
local high = codes:clone()
high[{ 3, 2 }] = 1009
save('range', high)
save('length', codes:narrow(2, 1, 20):clone())
fs.write('in/S/broken.npy', 'no numbers')
fs.remove('in/S/without.npy')
put('S/stale.wav', voice(2, 50))

local codes = tensor.randint(0, codec.codebook_size, { codec.num_codebooks, 70 }, { dtype = "int32", generator = tensor.generator(5) })
local samples = codec:decode(codes)
local count, notes = codec:decode_to(folder .. "/out.wav", codes, { subtype = "float" })
assert(count == #samples and count == 70 * codec.hop_length * 4 and #notes == 0)
local written, info = audio.load(folder .. "/out.wav")
assert(written:equal(samples) and info.sample_rate == codec.sample_rate)
for _, wrong in ipairs { codes + 5000, codes:transpose(1, 2), codes:narrow(2, 1, 0):contiguous() } do
  assert(not pcall(codec.decode_to, codec, folder .. "/wrong.wav", wrong))
end
assert(not fs.exists(folder .. "/wrong.wav"))

local first, listed
for _, threads in ipairs { 1, 2, 3, 8 } do
  tensor.set_threads(threads)
  for _, size in ipairs { 1, 2, 64 } do
    local report = extract { batch_size = size, num_workers = threads }
    assert(report.extracted == 9 and report.present == 0 and #report.skipped == 3, report.extracted)
    local names = {}
    for i, input in ipairs(report.skipped) do names[i] = fs.basename(input.path) end
    for _, note in ipairs(report.notes) do names[#names + 1] = fs.basename(note.path) .. note.text end
    listed = listed or table.concat(names, " ")
    assert(listed:find("03.wav 07.wav 11.wav", 1, true), listed)
    assert(table.concat(names, " ") == listed)
    first = first or codes()
    assert(codes() == first, "codes differ with " .. threads .. " threads, batches of " .. size)
  end
end
local report = extract { overwrite = false }
assert(report.present == 9 and report.extracted == 0 and report.audio_seconds == 0)
-- One by one, and as a list: the same codes.
local samples = audio.load(folder .. "/data/05.wav", { sample_rate = codec.sample_rate })
local list = codec:encode { samples, samples:narrow(1, 1, 9000), samples }
assert(list[1]:equal(tensor.load_npy(folder .. "/data/05.npy")) and list[3]:equal(list[1]) and list[2]:equal(codec:encode(samples:narrow(1, 1, 9000))))
